-- A constant DOUBLE divided by zero; of a column the result would be Infinity.
SELECT 1e0 / 0 AS a;
