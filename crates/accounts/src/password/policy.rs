use std::collections::HashSet;
use std::sync::LazyLock;

use crate::check::Checks;

/// The shortest password, in characters.
const MIN: usize = 8;
/// The longest password, in characters: more adds nothing.
const MAX: usize = 256;

/// The 3,000 passwords of 8 or more characters that people choose most, in lower case, one a
/// line. From the frequency list of zxcvbn (MIT licence), which was counted in published leaks.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common.txt").lines().collect());

/// Checks a password that somebody wants to have, in a field of the request. Case doesn't make a common one less common.
pub(crate) fn check(checks: &mut Checks, field: &'static str, password: &str) {
    checks.without_nul(field, password);
    let length = password.chars().count();
    if !(MIN..=MAX).contains(&length) {
        checks.fail(field, "must have 8 to 256 characters");
    } else if COMMON.contains(password.to_lowercase().as_str()) {
        checks.fail(field, "is one of the most common passwords");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(password: &str) -> bool {
        let mut checks = Checks::default();
        check(&mut checks, "password", password);
        checks.finish().is_ok()
    }

    #[test]
    fn characters_count_not_bytes() {
        assert!(!accepts("sieben7"));
        assert!(accepts("häßliche"));
        assert!(!accepts("ééééééé"));
        assert!(accepts(&"𝄞".repeat(256)));
        assert!(!accepts(&"x".repeat(257)));
        assert!(!accepts("long enough\0"));
    }

    #[test]
    fn common_passwords_are_refused_in_any_case() {
        assert_eq!(COMMON.len(), 3_000);
        for common in ["password", "PassWord", "qwertyuiop", "12345678"] {
            assert!(!accepts(common), "{common}");
        }
        assert!(accepts("correct horse battery"));
    }
}
