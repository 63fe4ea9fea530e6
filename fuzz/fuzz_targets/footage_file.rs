//! The dates in films: MP4, Matroska, AVI.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hausrecht_media::footage::fuzz::file(bytes));
