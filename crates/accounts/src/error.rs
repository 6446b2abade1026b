use std::time::Duration;

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
    /// The caller's own password isn't this one.
    #[error("wrong current password")]
    WrongPassword,
    /// Too many wrong passwords for this name from this address, or for any from it.
    #[error("too many wrong passwords")]
    TooManyAttempts {
        /// When the next attempt may be made.
        retry_after: Duration,
    },
    /// The credential is unknown, malformed, expired or revoked; which of them is not told.
    #[error("no valid credential")]
    Unauthorized,
    /// The caller is known, but may not do this.
    #[error("the permission {0} is needed")]
    Forbidden(Permission),
    /// Only a person who has signed in may do this, not an API key.
    #[error("an API key may not do this")]
    PersonNeeded,
    /// Only an owner of the organisation may do this.
    #[error("an owner of the organisation is needed")]
    OwnerNeeded,
    /// Nobody may register.
    #[error("registration is closed")]
    RegistrationClosed,
    /// Only those may register who have been invited.
    #[error("an invitation is needed")]
    InvitationNeeded,
    /// The person isn't in this organisation, or it doesn't exist; which is not told.
    #[error("no such organisation of the person")]
    OrgNotFound,
    /// The person isn't in any organisation.
    #[error("the person is in no organisation")]
    NoOrg,
    /// The person isn't in the caller's organisation, or doesn't exist; which is not told.
    #[error("no such member of the organisation")]
    MemberNotFound,
    /// The person is in other organisations too.
    #[error("the member is in other organisations too")]
    MemberElsewhereToo,
    /// The token to reset a password is unknown, used or expired; which is not told.
    #[error("no valid token to reset a password")]
    BadReset,
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
