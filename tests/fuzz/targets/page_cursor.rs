//! A cursor of a list: whatever is read, is written the same.
#![no_main]

use runloom_store::PageKey;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Some(key) = PageKey::from_cursor(text) {
        assert_eq!(key.cursor(), text);
    }
});
