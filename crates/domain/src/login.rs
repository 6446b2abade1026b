//! What people log in with.

/// The longest login, in characters.
const MAX_LOGIN: usize = 64;
/// The longest e-mail address that SMTP can carry, in bytes.
const MAX_EMAIL: usize = 254;

/// Whether `text` may be a login: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`. Without `@` it can't be
/// mistaken for somebody's e-mail address, and within ASCII every database folds its case alike.
pub fn is_login(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.len() <= MAX_LOGIN
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// Whether `text` has the usual shape of an e-mail address. Whether it exists only a message can
/// tell.
pub fn is_email(text: &str) -> bool {
    text.len() <= MAX_EMAIL
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain))
}

fn is_local_part(local: &str) -> bool {
    (1..=64).contains(&local.len())
        && local
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b))
}

fn is_domain(domain: &str) -> bool {
    domain.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins() {
        for good in ["a", "Ada.Lovelace-1_2", "7up", &"x".repeat(64)] {
            assert!(is_login(good), "{good:?}");
        }
        for bad in ["", " ada", "-a", "a@b", "a\0", "é", "a b", &"x".repeat(65)] {
            assert!(!is_login(bad), "{bad:?}");
        }
    }

    #[test]
    fn email_addresses() {
        for good in ["ada@example.com", "a.b+c@x-y.org", "owner@localhost"] {
            assert!(is_email(good), "{good:?}");
        }
        let long = format!("a@{}.com", "x".repeat(300));
        for bad in [
            "", "ada", "@x.com", "a@", "a@b@c", "a b@c.d", "a@-b.c", "a@b..c", "a@b.c\0", &long,
        ] {
            assert!(!is_email(bad), "{bad:?}");
        }
    }
}
