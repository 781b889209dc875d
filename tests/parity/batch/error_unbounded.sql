-- An unbounded source has no end.
SET 'execution.runtime-mode' = 'batch';
CREATE TABLE g (n INT) WITH ('connector' = 'datagen');
SELECT COUNT(*) FROM g;
