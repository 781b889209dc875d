//! Messages, schemas and files of Avro: rows or an error, whatever comes.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = flott_connectors::formats::any::avro(input);
});
