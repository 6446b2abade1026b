//! Checks of what people type in.

use runloom_domain::{Timestamp, is_email, is_login};

use crate::{AccountError, FieldError};

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

    /// A login.
    pub(crate) fn login(&mut self, login: &str) {
        if !is_login(login) {
            self.fail(
                "login",
                "must be 1 to 64 letters, digits, '.', '_' or '-', and begin with a letter or digit",
            );
        }
    }

    /// An e-mail address.
    pub(crate) fn email(&mut self, email: &str) {
        if !is_email(email) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
