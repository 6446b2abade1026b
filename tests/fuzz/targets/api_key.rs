//! An API key: nothing but the one that was given is good.
#![no_main]

#[path = "accounts.rs"]
mod accounts;

use accounts::Known;

libfuzzer_sys::fuzz_target!(|text: &str| {
    Known::with(|known| {
        let prefixed = format!("rl_{text}");
        for text in [text, &prefixed] {
            let good = text == known.key || text == known.token;
            assert_eq!(known.is_let_in(text), good, "{text:?}");
        }
    });
});
