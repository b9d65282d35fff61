#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| scim_core::fuzzing::patch_document(data));
