-- Variances and deviations over NULLs only, one value, equal values, decimals.
SELECT k, VAR_POP(f) AS vp, VAR_SAMP(f) AS vs, STDDEV_POP(f) AS sp, STDDEV_SAMP(f) AS ss, VAR_POP(d) AS dp, STDDEV_POP(i) AS ip
FROM (VALUES (1, CAST(NULL AS INT), CAST(NULL AS DECIMAL(10, 2)), CAST(NULL AS DOUBLE)), (2, 7, 7.25, 7.5E0), (3, 2, 2.50, 2.0E0), (3, 4, 4.50, 4.0E0), (4, 3, 3.00, 3.0E0), (4, 3, 3.00, 3.0E0), (4, CAST(NULL AS INT), CAST(NULL AS DECIMAL(10, 2)), CAST(NULL AS DOUBLE))) AS t(k, i, d, f) GROUP BY k;
