use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};
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
    /// `nats://` or `tls://` addresses with commas between; each may hold `user:password@`.
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

/// Why a subject can't be joined. The addresses are never shown, as they may hold a password.
#[derive(Debug, Error)]
pub enum NatsError {
    /// An address is malformed.
    #[error("server {} of the list is no nats:// or tls:// address", .0 + 1)]
    Address(usize),
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
    pub(super) fn servers(&self) -> Result<Vec<ServerAddr>, NatsError> {
        let server = |(place, address): (usize, &str)| {
            let server: Result<ServerAddr, _> = address.trim().parse();
            server
                .ok()
                .filter(|server| !server.is_websocket() && !server.host().is_empty())
                .ok_or(NatsError::Address(place))
        };
        self.url.split(',').enumerate().map(server).collect()
    }

    pub(super) async fn options(&self) -> Result<ConnectOptions, NatsError> {
        let mut options = ConnectOptions::new()
            .name(&self.name)
            .no_echo()
            .retry_on_initial_connect()
            .connection_timeout(CONNECT)
            .ping_interval(PING)
            .reconnect_delay_callback(wait);
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

    #[test]
    fn waits_grow_to_a_second() {
        let waits = [1, 2, 3, 4, 5, 1_000].map(|attempt| wait(attempt).as_millis());
        assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
    }
}
