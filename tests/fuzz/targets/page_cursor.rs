//! A cursor of a list: whatever is read, is written the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Some(again) = runloom_http::fuzzing::page_cursor(text) {
        assert_eq!(again, text);
    }
});
