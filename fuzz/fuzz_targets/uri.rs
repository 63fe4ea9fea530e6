//! Addresses that a camera names, and challenges for a password.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hausrecht_onvif::fuzz::uri(bytes));
