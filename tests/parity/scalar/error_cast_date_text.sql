-- CAST of an impossible date fails the job.
SELECT CAST(s AS DATE) AS d FROM (VALUES ('2024-01-01'), ('2024-13-02')) AS v(s);
