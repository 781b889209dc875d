-- All hash functions.
CREATE TABLE strings (
  id INT,
  s STRING,
  t STRING,
  n INT
) WITH (
  'connector' = 'filesystem',
  'path' = '${DATA}/strings.json',
  'format' = 'json'
);
SELECT
  id,
  MD5(s) AS md5_,
  SHA1(s) AS sha1_,
  SHA224(s) AS sha224_,
  SHA256(s) AS sha256_,
  SHA384(s) AS sha384_,
  SHA512(s) AS sha512_,
  SHA2(s, 256) AS sha2_256,
  SHA2(s, 512) AS sha2_512
FROM strings
WHERE id < 10;
