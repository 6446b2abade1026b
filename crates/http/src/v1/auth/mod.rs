//! Registering, signing in and out.

mod cookie;
pub(crate) mod issue_reset;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod reset;
mod tokens;

use runloom_accounts::Secret;

use crate::extract::{Fields, Size};
use crate::v1::secret::uncached;

/// The longest login and e-mail address that are looked at.
pub(super) const NAME: Size = Size::Chars(1, 320);
/// The longest password that is looked at; accounts decide what is accepted.
const PASSWORD: Size = Size::Chars(1, 1_024);
/// The longest refresh token or token to reset a password that is looked at.
const TOKEN: Size = Size::Bytes(1, 256);

/// A password that must be there.
pub(super) fn password(fields: &mut Fields, name: &str) -> Secret {
    fields.text(name, PASSWORD).into()
}

/// Whether the refresh token goes into the cookie.
fn in_cookie(fields: &mut Fields) -> bool {
    fields.flag("cookie").unwrap_or_default()
}

fn refresh_token(fields: &mut Fields) -> Option<Secret> {
    let token = fields.optional_text("refresh_token", TOKEN);
    token.map(Secret::from)
}
