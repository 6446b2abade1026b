//! Registering and signing in.

pub(crate) mod login;
pub(crate) mod register;

use runloom_accounts::Secret;

use crate::extract::{Fields, Size};
use crate::v1::secret::uncached;

/// The longest login and e-mail address that are looked at.
const NAME: Size = Size::Chars(1, 320);
/// The longest password that is looked at; accounts decide what is accepted.
const PASSWORD: Size = Size::Chars(1, 1_024);

fn password(fields: &mut Fields) -> Secret {
    fields.text("password", PASSWORD).into()
}
