//! An access token: whatever its header says, one that isn't signed is not good.
#![no_main]

#[path = "accounts.rs"]
mod accounts;

use accounts::Known;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

libfuzzer_sys::fuzz_target!(|header: &[u8]| {
    Known::with(|known| {
        let token = &known.token;
        let (_, rest) = token.split_once('.').expect("three parts");
        let (claims, signature) = rest.split_once('.').expect("three parts");
        let header = URL_SAFE_NO_PAD.encode(header);
        for signature in [signature, "", "AAAA"] {
            let forged = format!("{header}.{claims}.{signature}");
            assert!(forged == *token || !known.is_let_in(&forged), "{forged}");
        }
        assert!(!known.is_let_in(&header));
        // Nor does it open anything behind the public part of a key.
        let public = &known.key[.."rl_12345678".len()];
        assert!(!known.is_let_in(&format!("{public}_{header}")));
    });
});
