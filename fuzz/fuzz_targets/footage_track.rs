//! What dashcams write beside a film.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hausrecht_media::footage::fuzz::track(bytes));
