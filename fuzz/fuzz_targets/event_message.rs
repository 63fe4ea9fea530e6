//! Answers to PullMessages.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hausrecht_onvif::fuzz::event_message(bytes));
