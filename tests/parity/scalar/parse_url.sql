-- PARSE_URL for all its parts.
SELECT
  PARSE_URL(u, 'HOST') AS host_, PARSE_URL(u, 'PATH') AS path_, PARSE_URL(u, 'QUERY') AS query_, PARSE_URL(u, 'REF') AS ref_, PARSE_URL(u, 'PROTOCOL') AS protocol_,
  PARSE_URL(u, 'AUTHORITY') AS authority_, PARSE_URL(u, 'FILE') AS file_, PARSE_URL(u, 'USERINFO') AS userinfo_, PARSE_URL(u, 'QUERY', 'k1') AS k1, PARSE_URL(u, 'QUERY', 'k9') AS k9
FROM (VALUES ('https://user:pw@example.com:8080/path/p1.php?k1=v1&k2=v2#Ref1'), ('http://example.com'), ('ftp://h/a?k1='), ('not a url'), (''), (CAST(NULL AS STRING))) AS v(u);
