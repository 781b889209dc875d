-- STDDEV and VAR of integers, decimals and doubles.
SELECT k, STDDEV_POP(i) AS sp_i, STDDEV_SAMP(i) AS ss_i, VAR_POP(i) AS vp_i, VAR_SAMP(i) AS vs_i, VARIANCE(i) AS v_i, ROUND(STDDEV_POP(d), 8) AS sp_d, ROUND(STDDEV_SAMP(d), 8) AS ss_d, ROUND(VAR_POP(d), 8) AS vp_d, ROUND(VAR_SAMP(d), 8) AS vs_d, VAR_POP(e) AS vp_e, STDDEV_SAMP(e) AS ss_e
FROM (VALUES (1, 1, 1e0, 1.00), (1, 2, 2.5e0, 2.50), (1, 4, 4e0, 4.00), (1, 9, -1e0, -1.25), (2, 5, 5e0, 5.00), (3, CAST(NULL AS INT), CAST(NULL AS DOUBLE), CAST(NULL AS DECIMAL(10, 2)))) AS t (k, i, d, e) GROUP BY k;
