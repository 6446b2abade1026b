use runloom_domain::Permission;
use runloom_store::StoreError;

use crate::OrgRefusal;

/// Why something about an account could not be done; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Values don't fit; each is named once or more.
    #[error("{} values are invalid", fields.len())]
    Invalid {
        /// What is wrong, field by field.
        fields: Vec<FieldError>,
    },
    /// Somebody has this login or e-mail address.
    #[error("the login or the e-mail address is taken")]
    Taken,
    /// No such login, or not its password; which of them is not told.
    #[error("wrong login or password")]
    BadCredentials,
    /// The credential is unknown, malformed, expired or revoked; which of them is not told.
    #[error("no valid credential")]
    Unauthorized,
    /// The caller is known, but may not do this.
    #[error("the permission {0} is needed")]
    Forbidden(Permission),
    /// Too many passwords wait to be hashed; the same call may succeed a moment later.
    #[error("too many sign-ins at once")]
    Busy,
    /// It isn't possible in this organisation, or not for this caller.
    #[error(transparent)]
    Refused(OrgRefusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with one value of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The name of the request's field.
    pub field: &'static str,
    /// What would be accepted, as a fragment that reads after the field's name.
    pub message: String,
}
