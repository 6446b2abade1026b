use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Digits and letters, the alphabet of public ids.
const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Fills a buffer with random bytes. An operating system without randomness can't run a server, so its failure is
/// a panic, not an error that every caller would have to carry.
pub(crate) fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}

/// `N` random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// 32 random bytes as 43 characters of base64url.
pub(crate) fn base64url_256() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// `length` characters, each of the 62 equally likely.
pub(crate) fn alphanumeric(length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        // 248 is the largest multiple of 62 in a byte: what is above would favour the first
        // characters, so it is thrown away.
        let fair = bytes::<16>().into_iter().filter(|byte| *byte < 248);
        text.extend(
            fair.take(length - text.len())
                .map(|byte| char::from(ALPHANUMERIC[usize::from(byte % 62)])),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_length_and_alphabet_asked_for() {
        assert_eq!(base64url_256().len(), 43);
        let text = alphanumeric(500);
        assert_eq!(text.len(), 500);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(base64url_256(), base64url_256());
    }
}
