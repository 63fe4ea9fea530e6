//! Answers of cameras to SOAP requests.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hausrecht_onvif::fuzz::soap_answer(bytes));
