-- TO_TIMESTAMP_LTZ of a text that cannot be parsed fails, where TO_TIMESTAMP gives NULL.
SELECT s, TO_TIMESTAMP_LTZ(s) AS t FROM (VALUES ('2024-01-02 03:04:05'), ('bad')) AS v(s);
