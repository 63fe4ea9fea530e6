//! Scopes of cameras, and addresses that a person enters.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hausrecht_onvif::fuzz::scopes(bytes));
