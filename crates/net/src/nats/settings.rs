use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;
use thiserror::Error;

/// How long a server may take to answer.
const CONNECT: Duration = Duration::from_secs(5);

/// How often the connection is tried, so that one that is dead without a sign is noticed.
const PING: Duration = Duration::from_secs(10);

/// The first and the longest wait before the connection is made again.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Where the servers are, and who we are to them.
#[derive(Clone, Default)]
pub struct NatsSettings {
    /// `nats://` or `tls://` addresses with commas between. Each may hold `user:password@` or
    /// `token@`, percent-encoded, and all the same.
    pub url: String,
    /// The subject to join.
    pub subject: String,
    /// What the server calls this connection.
    pub name: String,
    /// A credentials file as the tools of NATS make it.
    pub credentials: Option<PathBuf>,
    /// The certificates in PEM that are trusted instead of the system's.
    pub authorities: Option<PathBuf>,
    /// Our certificate and its key, in PEM.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// The URL may hold a password.
impl fmt::Debug for NatsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsSettings")
            .field("subject", &self.subject)
            .field("credentials", &self.credentials)
            .field("authorities", &self.authorities)
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// What an address says of us.
#[derive(PartialEq, Eq)]
struct Login {
    user: String,
    password: Option<String>,
}

/// Text of a URL as it was before it was put there.
fn decoded(text: &str) -> Option<String> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// Why a subject can't be joined. The addresses are never shown, as they may hold a password.
#[derive(Debug, Error)]
pub enum NatsError {
    /// An address is malformed.
    #[error("server {} of the list is no nats:// or tls:// address", .0 + 1)]
    Address(usize),
    /// The connection has one login, whichever server it is made to.
    #[error("the servers of the list have different users or passwords")]
    Logins,
    /// The subject is malformed.
    #[error("{0:?} is no subject")]
    Subject(String),
    /// A file can't be read.
    #[error("can't read {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The client can't be started.
    #[error("can't start the client")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl NatsError {
    pub(super) fn connection(error: async_nats::ConnectError) -> Self {
        Self::Client(Box::new(error))
    }
}

impl NatsSettings {
    /// The addresses without what they say of us: the client would neither use it nor keep it
    /// out of its log.
    pub(super) fn servers(&self) -> Result<Vec<ServerAddr>, NatsError> {
        let server = |(place, server): (usize, ServerAddr)| {
            let mut url = server.into_inner();
            let cleared = url.set_username("").and_then(|()| url.set_password(None));
            let server = cleared.ok().and_then(|()| ServerAddr::from_url(url).ok());
            server.ok_or(NatsError::Address(place))
        };
        self.addresses()?
            .into_iter()
            .enumerate()
            .map(server)
            .collect()
    }

    /// The addresses as they are given.
    fn addresses(&self) -> Result<Vec<ServerAddr>, NatsError> {
        let server = |(place, address): (usize, &str)| {
            let server: Result<ServerAddr, _> = address.trim().parse();
            server
                .ok()
                .filter(|server| !server.is_websocket() && !server.host().is_empty())
                .ok_or(NatsError::Address(place))
        };
        self.url.split(',').enumerate().map(server).collect()
    }

    /// Who we are by the addresses: a user with a password, or a token.
    fn login(&self) -> Result<Option<Login>, NatsError> {
        let mut logins = self.addresses()?.into_iter().map(|server| {
            let user = decoded(server.username()?)?;
            let password = server.password().map(decoded);
            Some(Login {
                user,
                password: password.map_or(Some(None), |p| p.map(Some))?,
            })
        });
        let first = logins.next().flatten();
        let differs = logins.any(|login| login != first);
        if differs {
            Err(NatsError::Logins)
        } else {
            Ok(first)
        }
    }

    pub(super) async fn options(&self) -> Result<ConnectOptions, NatsError> {
        let mut options = ConnectOptions::new()
            .name(&self.name)
            .no_echo()
            .retry_on_initial_connect()
            .connection_timeout(CONNECT)
            .ping_interval(PING)
            .reconnect_delay_callback(wait);
        options = match self.login()? {
            Some(Login {
                user,
                password: Some(password),
            }) => options.user_and_password(user, password),
            Some(Login {
                user: token,
                password: None,
            }) => options.token(token),
            None => options,
        };
        if let Some(path) = &self.credentials {
            let credentials = options.credentials_file(path).await;
            options = credentials.map_err(|error| NatsError::File(path.clone(), error))?;
        }
        if let Some(path) = &self.authorities {
            readable(path).await?;
            options = options.add_root_certificates(path.clone());
        }
        if let Some((certificate, key)) = &self.certificate {
            readable(certificate).await?;
            readable(key).await?;
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        Ok(options)
    }
}

/// The client reads the file only when it connects, where nobody would see the error.
async fn readable(path: &PathBuf) -> Result<(), NatsError> {
    let read = tokio::fs::read(path).await;
    read.map(drop)
        .map_err(|error| NatsError::File(path.clone(), error))
}

fn wait(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    RETRY
        .0
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(RETRY.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(url: &str) -> Result<Vec<ServerAddr>, NatsError> {
        let url = url.to_owned();
        NatsSettings {
            url,
            ..NatsSettings::default()
        }
        .servers()
    }

    #[test]
    fn a_list_of_servers_is_read() {
        let list = servers("nats://ada:secret@one:4000, tls://two").expect("valid");
        let hosts: Vec<_> = list
            .iter()
            .map(|server| (server.host(), server.port()))
            .collect();
        assert_eq!(hosts, [("one", 4000), ("two", 4222)]);
        assert!(list[1].tls_required());
    }

    #[test]
    fn an_error_names_the_place_and_no_password() {
        for url in [
            "nats://one,http://ada:secret@two",
            "nats://one,",
            "one,ws://two",
        ] {
            let error = servers(url).expect_err("invalid").to_string();
            assert_eq!(
                error,
                "server 2 of the list is no nats:// or tls:// address"
            );
        }
        let settings = NatsSettings {
            url: "nats://ada:secret@one".to_owned(),
            ..NatsSettings::default()
        };
        assert!(!format!("{settings:?}").contains("secret"));
    }

    fn login(url: &str) -> Option<(String, Option<String>)> {
        let url = url.to_owned();
        let settings = NatsSettings {
            url,
            ..NatsSettings::default()
        };
        let login = settings.login().ok()??;
        Some((login.user, login.password))
    }

    #[test]
    fn a_login_is_taken_from_the_addresses() {
        let ada = |password: &str| Some(("ada".to_owned(), Some(password.to_owned())));
        assert_eq!(
            login("nats://ada:p%40ss@one,tls://ada:p%40ss@two"),
            ada("p@ss")
        );
        assert_eq!(login("nats://t0ken@one"), Some(("t0ken".to_owned(), None)));
        assert_eq!(login("nats://one"), None);
        let servers = servers("nats://ada:secret@one").expect("valid");
        assert_eq!(servers[0].as_url_str(), "nats://one");
    }

    #[test]
    fn logins_that_differ_are_refused() {
        let url = "nats://ada:a@one,nats://ada:b@two".to_owned();
        let settings = NatsSettings {
            url,
            ..NatsSettings::default()
        };
        assert!(matches!(settings.login(), Err(NatsError::Logins)));
    }

    #[test]
    fn waits_grow_to_a_second() {
        let waits = [1, 2, 3, 4, 5, 1_000].map(|attempt| wait(attempt).as_millis());
        assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
    }
}
