-- Field names are case-sensitive, may hold blanks and dots, and the last of two equal ones wins.
CREATE TABLE cased (
  id INT,
  `Id` INT,
  `ID` INT,
  `a b` INT,
  dup INT,
  `a.b` INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/cased.json',
  'format' = 'json'
);
SELECT * FROM cased;
