-- Metadata columns of the filesystem connector.
CREATE TABLE kv (
  `Id` INT,
  `file.name` STRING NOT NULL METADATA,
  size_ BIGINT NOT NULL METADATA FROM 'file.size',
  `file.path` STRING NOT NULL METADATA VIRTUAL
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/cased.json',
  'format' = 'json'
);
SELECT `Id`, `file.name`, size_, `file.path` FROM kv;
