//! A clip's index after a crash.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hausrecht_media::fuzz::clip_index(bytes));
