//! A .proto file, a byte 0, and a message: rows or an error, whatever comes.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = flott_connectors::formats::any::protobuf_schema_and_message(input);
});
