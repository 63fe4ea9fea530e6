//! Datagrams of WS-Discovery.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hausrecht_onvif::fuzz::discovery_answer(bytes));
