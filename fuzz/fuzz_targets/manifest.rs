//! The content of a checkpoint's manifest: rows or an error, whatever comes.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = flott_checkpoint::any::manifest(input);
});
