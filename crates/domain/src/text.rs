//! Text from outside: cleaning, cutting, names.

use std::borrow::Cow;

/// Removes NUL characters, which PostgreSQL can't store. For text of models and tools, which
/// is cleaned; a client that sends NUL is told so instead.
pub fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// The longest prefix of at most `max_bytes` bytes that does not end inside a character.
pub fn prefix(text: &str, max_bytes: usize) -> &str {
    if text.len() <= max_bytes {
        return text;
    }
    &text[..text.floor_char_boundary(max_bytes)]
}

/// Whether `text` may name a route, a persona or a persona's version:
/// `[A-Za-z0-9][A-Za-z0-9._:-]{0,63}`.
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric())
        && text.len() <= 64
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters() {
        assert_eq!(prefix("aé", 2), "a");
        assert_eq!(prefix("aé", 3), "aé");
        assert_eq!(prefix("𝄞", 3), "");
    }

    #[test]
    fn names_start_with_a_letter_or_digit() {
        assert!(is_name("gpt-4.1:mini_x"));
        assert!(is_name(&"a".repeat(64)));
        for bad in ["", "-a", "a b", "é", "a@1", &"a".repeat(65)] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn nul_is_removed() {
        assert_eq!(without_nul("a\0b"), "ab");
        assert!(matches!(without_nul("ab"), Cow::Borrowed("ab")));
    }
}
