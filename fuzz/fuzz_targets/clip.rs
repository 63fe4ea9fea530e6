//! A sealed clip's plaintext.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hausrecht_media::fuzz::clip(bytes));
