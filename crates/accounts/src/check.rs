//! Checks of what people type in.

use runloom_domain::Timestamp;

use crate::{AccountError, FieldError};

/// The longest login, in characters.
const MAX_LOGIN: usize = 64;
/// The longest e-mail address that SMTP can carry, in bytes.
const MAX_EMAIL: usize = 254;
/// The longest name of a key, an organisation or a service account, in characters.
const MAX_NAME: usize = 100;

/// Gathers what is wrong with a request, so that all of it is told at once.
#[derive(Default)]
pub(crate) struct Checks(Vec<FieldError>);

impl Checks {
    /// Notes that `field` is wrong.
    pub(crate) fn fail(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push(FieldError {
            field,
            message: message.into(),
        });
    }

    /// Fails with all that was noted.
    pub(crate) fn finish(self) -> Result<(), AccountError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(AccountError::Invalid { fields: self.0 })
        }
    }

    /// A login: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`. Without `@` it can't be mistaken for
    /// somebody's e-mail address, and within ASCII every database folds its case alike.
    pub(crate) fn login(&mut self, login: &str) {
        let is_login = login.starts_with(|first: char| first.is_ascii_alphanumeric())
            && login.len() <= MAX_LOGIN
            && login
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !is_login {
            self.fail(
                "login",
                "must be 1 to 64 letters, digits, '.', '_' or '-', and begin with a letter or digit",
            );
        }
    }

    /// An e-mail address of the usual shape. Whether it exists only a message can tell.
    pub(crate) fn email(&mut self, email: &str) {
        let is_email = email.len() <= MAX_EMAIL
            && email
                .split_once('@')
                .is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain));
        if !is_email {
            self.fail("email", "must be an e-mail address such as ada@example.com");
        }
    }

    /// A text that is looked up as it is: it only must be storable.
    pub(crate) fn without_nul(&mut self, field: &'static str, text: &str) {
        if text.contains('\0') {
            self.fail(field, "must not contain NUL");
        }
    }

    /// The name of a key, an organisation or a service account.
    pub(crate) fn name(&mut self, name: &str) {
        let length = name.chars().count();
        if name.trim().is_empty() || length > MAX_NAME || name.contains(char::is_control) {
            self.fail(
                "name",
                "must be 1 to 100 characters, not all blank and none of them a control character",
            );
        }
    }

    /// A moment at which something ends.
    pub(crate) fn expiry(&mut self, expires_at: Option<Timestamp>, now: Timestamp) {
        if expires_at.is_some_and(|at| at <= now) {
            self.fail("expires_at", "must be in the future");
        }
    }
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

    fn passes(check: impl FnOnce(&mut Checks)) -> bool {
        let mut checks = Checks::default();
        check(&mut checks);
        checks.finish().is_ok()
    }

    #[test]
    fn logins() {
        for good in ["a", "Ada.Lovelace-1_2", "7up", &"x".repeat(64)] {
            assert!(passes(|c| c.login(good)), "{good:?}");
        }
        for bad in ["", " ada", "-a", "a@b", "a\0", "é", "a b", &"x".repeat(65)] {
            assert!(!passes(|c| c.login(bad)), "{bad:?}");
        }
    }

    #[test]
    fn email_addresses() {
        for good in ["ada@example.com", "a.b+c@x-y.org", "owner@localhost"] {
            assert!(passes(|c| c.email(good)), "{good:?}");
        }
        let long = format!("a@{}.com", "x".repeat(300));
        for bad in [
            "", "ada", "@x.com", "a@", "a@b@c", "a b@c.d", "a@-b.c", "a@b..c", "a@b.c\0", &long,
        ] {
            assert!(!passes(|c| c.email(bad)), "{bad:?}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let mut checks = Checks::default();
        checks.login("");
        checks.email("");
        checks.name("  ");
        let Err(AccountError::Invalid { fields }) = checks.finish() else {
            panic!("three mistakes");
        };
        let names: Vec<_> = fields.iter().map(|error| error.field).collect();
        assert_eq!(names, ["login", "email", "name"]);
    }
}
