use hmac::{Hmac, KeyInit as _, Mac as _};
use runloom_domain::hex;
use sha2::Sha256;

use crate::secret::Secret;

/// The value of `Runloom-Signature` for a body that is sent at `timestamp`, in seconds of Unix
/// time: whoever has the secret can tell that the body is ours, and how old it is.
pub(super) fn signature(secret: &Secret, timestamp: i64, body: &str) -> String {
    // An HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        return String::new();
    };
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    format!("v1={}", hex(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_others_compute() {
        let secret = Secret::new("whsec-0123456789abcdef".to_owned());
        // By `printf '1767225600.{"a":1}' | openssl dgst -sha256 -hmac whsec-0123456789abcdef`.
        assert_eq!(
            signature(&secret, 1_767_225_600, r#"{"a":1}"#),
            "v1=405d1c8c207816620fbb90bfde510cf98c4f77efe03e10a92b11e488d62b64cb"
        );
    }
}
