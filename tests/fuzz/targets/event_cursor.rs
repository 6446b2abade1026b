//! The cursor of an event stream: digits alone, in the range that the contract names.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let expected = text.parse::<i64>().ok().filter(|_| digits);
    let found = runloom_domain::event::seq_from_text(text);
    assert_eq!(found, expected.map(i64::unsigned_abs));
});
