-- Quotes, Unicode escapes, and text that looks special.
SELECT 'it''s' AS quote_, '' AS empty_, 'a\nb' AS backslash, U&'\00E9\6F22' AS unicode_, 'tab	here' AS tab_, '-- no comment' AS dashes, '/* nor this */' AS stars, 'a;b' AS semicolon, _UTF16'x' AS introducer;
