-- A job to be killed: copies 400,000 numbers into files in four seconds, with a checkpoint every half second.
--
--   flott run examples/resume.sql & sleep 2; kill -9 $!     # what is durable lies in target/resume/, all else is hidden
--   flott run examples/resume.sql                           # goes on from the last checkpoint
--   cat target/resume/part-* | sort -n | uniq | wc -l       # 400000
--   cat target/resume/part-* | wc -l                        # 400000: none is there twice

SET 'execution.checkpointing.interval' = '500 ms';

CREATE TABLE numbers (n BIGINT) WITH (
  'connector' = 'datagen',
  'rows-per-second' = '100000',
  'fields.n.kind' = 'sequence',
  'fields.n.start' = '1',
  'fields.n.end' = '400000'
);

CREATE TABLE copied (n BIGINT) WITH (
  'connector' = 'filesystem',
  'path' = 'target/resume',
  'format' = 'csv'
);

INSERT INTO copied SELECT n FROM numbers;
