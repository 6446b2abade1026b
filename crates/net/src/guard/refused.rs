use std::error::Error;
use std::net::IpAddr;

/// Why something must not be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no URL.
    #[error("the URL can't be read")]
    Unreadable(#[source] url::ParseError),
    /// It isn't HTTP.
    #[error("the URL is neither http nor https")]
    Scheme,
    /// User information ends up in logs, and HTTP has headers for it.
    #[error("the URL has a user name or a password in it")]
    UserInfo,
    /// The address isn't anybody's on the internet.
    #[error(
        "{address} is {what}; the setting net.allow (RUNLOOM_NET_ALLOW) names ranges that may be reached all the same"
    )]
    Address {
        /// The address.
        address: IpAddr,
        /// What it is, as a phrase that reads after `is`.
        what: &'static str,
    },
    /// A name that has such addresses only.
    #[error("{name} has no address that may be reached")]
    Name {
        /// The name.
        name: String,
        /// About its first address.
        #[source]
        source: Box<Refused>,
    },
    /// The address in a URL that had not been checked.
    #[error("the URL's address may not be reached")]
    Unchecked,
}

impl Refused {
    /// The refusal that a client's error comes from, if it does.
    pub fn of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |error| (*error).source())
            .find_map(|error| error.downcast_ref())
    }
}
