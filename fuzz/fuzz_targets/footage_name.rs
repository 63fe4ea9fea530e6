//! The names of films.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hausrecht_media::footage::fuzz::name(bytes));
