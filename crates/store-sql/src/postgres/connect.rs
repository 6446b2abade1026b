//! Making connections.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use diesel::{ConnectionError, QueryResult};
use diesel_async::SimpleAsyncConnection;
use runloom_store::StoreError;
use tokio::runtime::Handle;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{Client, Config, Connection, NoTls, Socket};

use super::Conn;
use super::roles::{API, DatabaseRoles, ENGINE};

/// How long making a connection may take, until the session is ready for statements. One that
/// isn't there and one that is frozen look different to TCP, and the same to us.
const CONNECT: Duration = Duration::from_secs(5);

/// How long the other end may leave what was sent unacknowledged.
const SILENCE: Duration = Duration::from_secs(10);

/// The same for connections that send more than the other end can take at once.
const PATIENCE: Duration = Duration::from_mins(5);

/// A connection that says nothing for so long is asked whether it is still there, up to three
/// times with a second between: one whose other end is gone is noticed within 13 s.
const KEEPALIVE: (Duration, Duration, u32) = (SILENCE, Duration::from_secs(1), 3);

/// The statements of appends are planned once and leave no choice (see there); what would still
/// tempt the planner while the tables are small is off.
const APPENDS: &str = "SET statement_timeout = '20s'; \
    SET idle_in_transaction_session_timeout = '30s'; SET plan_cache_mode = force_generic_plan; \
    SET jit = off; SET enable_seqscan = off; SET enable_bitmapscan = off; \
    SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off";

/// Migrations may take as long as they need. A node that is frozen or killed in the middle of one
/// must not keep all others waiting, though: its session ends when it says nothing for a minute.
const MIGRATIONS: &str = "SET statement_timeout = 0; SET lock_timeout = 0; \
    SET idle_in_transaction_session_timeout = '60s'; SET idle_session_timeout = '60s'";

/// Every other statement goes by a key or an index too. A prepared one is planned while the tables
/// are small, when reading all of a table looks cheap, and keeps that plan as they grow. A plan for
/// any limit expects a tenth of the table, for which starting workers looks cheap: 20 ms for a
/// page that takes half a millisecond.
macro_rules! by_index {
    ($limits:literal) => {
        concat!(
            "SET jit = off; SET enable_seqscan = off; SET max_parallel_workers_per_gather = 0; \
             SET idle_in_transaction_session_timeout = '30s'; ",
            $limits
        )
    };
}

/// How much longer than a statement may take the answer is waited for. Past it the server is
/// frozen or unreachable: its own clock has not ended the statement.
const GRACE: Duration = Duration::from_secs(2);

/// What a connection is for; it decides how long its statements may take, and what they may do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// Append batches.
    Appends,
    /// Creations, which may wait for a twin with the same idempotency key.
    Creates,
    /// The node's lease.
    Leases,
    /// Finding and freeing runs, of whichever organisation.
    Dispatch,
    /// Everything else.
    Anything,
    /// Changes of the schema, which may take as long as they need.
    Migrations,
}

impl Purpose {
    /// Limits on statements are a backstop: a statement that runs into one is a fault. Waiting
    /// for a row or a key is not; a creation gives up after the 2 s that its port promises.
    const fn settings(self) -> &'static str {
        match self {
            Self::Appends => APPENDS,
            Self::Creates => by_index!("SET statement_timeout = '10s'; SET lock_timeout = '2s'"),
            Self::Leases => by_index!("SET statement_timeout = '4s'; SET lock_timeout = '3s'"),
            Self::Dispatch | Self::Anything => {
                by_index!("SET statement_timeout = '20s'; SET lock_timeout = '10s'")
            }
            Self::Migrations => MIGRATIONS,
        }
    }

    /// How long an answer is waited for.
    pub(super) const fn answer(self) -> Duration {
        let statement = match self {
            Self::Leases => 4,
            Self::Creates => 10,
            Self::Appends | Self::Dispatch | Self::Anything | Self::Migrations => 20,
        };
        Duration::from_secs(statement).saturating_add(GRACE)
    }

    /// The role that the session takes; `None` is that of the login.
    const fn role(self) -> Option<&'static str> {
        match self {
            Self::Appends | Self::Leases | Self::Dispatch => Some(ENGINE),
            Self::Creates | Self::Anything => Some(API),
            Self::Migrations => None,
        }
    }
}

/// What is said of a database that takes connections and then says nothing.
pub(super) const SILENT: &str = "the database does not answer";

/// A connection outside diesel, for what it doesn't offer.
pub(crate) type RawConnection = Connection<Socket, NoTlsStream>;

/// The database, and the runtime that drives the connections to it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    config: Config,
    runtime: Handle,
    /// What sessions do to take the role of their purpose.
    roles: Option<Arc<DatabaseRoles>>,
}

impl Target {
    pub(crate) fn parse(url: &str, runtime: Handle) -> Result<Self, StoreError> {
        // The URL may hold a password, so it isn't shown.
        let mut config = Config::from_str(url)
            .map_err(|error| StoreError::Unfit(format!("its URL is not valid: {error}")))?;
        config.connect_timeout(CONNECT);
        config.tcp_user_timeout(SILENCE);
        config.keepalives_idle(KEEPALIVE.0);
        config.keepalives_interval(KEEPALIVE.1);
        config.keepalives_retries(KEEPALIVE.2);
        if config.get_application_name().is_none() {
            config.application_name("runloom");
        }
        Ok(Self {
            config,
            runtime,
            roles: None,
        })
    }

    /// The same database, whose sessions from now on take the role of their purpose if they can.
    pub(super) fn with_roles(self, roles: DatabaseRoles) -> Self {
        Self {
            roles: Some(Arc::new(roles)),
            ..self
        }
    }

    /// For connections that may be made to wait: the database doesn't read on while it writes
    /// what it has got.
    pub(crate) fn patient(mut self) -> Self {
        self.config.tcp_user_timeout(PATIENCE);
        self
    }

    /// The runtime that drives the connections.
    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// A connection that the caller drives. `name` tells it from the pool's among the sessions
    /// that the database lists.
    pub(crate) async fn connect_raw(&self, name: &str) -> Result<(Client, RawConnection), String> {
        let mut config = self.config.clone();
        config.application_name(name);
        let connecting = tokio::time::timeout(CONNECT, config.connect(NoTls));
        match connecting.await {
            Ok(made) => made.map_err(|error| describe(&error)),
            Err(_) => Err(SILENT.to_owned()),
        }
    }

    /// Connects, as the role that the purpose has.
    pub(super) async fn connect(&self, purpose: Purpose) -> Result<Conn, ConnectionError> {
        let taking = self.taking(purpose);
        self.make(format!("{}{taking}", purpose.settings())).await
    }

    /// Connects as the login role, which may look at its own sessions and end them.
    pub(super) async fn connect_as_login(&self, purpose: Purpose) -> Result<Conn, ConnectionError> {
        self.make(purpose.settings().to_owned()).await
    }

    /// Takes the role that the purpose has.
    pub(super) async fn take_role(&self, c: &mut Conn, purpose: Purpose) -> QueryResult<()> {
        let taking = self.taking(purpose);
        if taking.is_empty() {
            return Ok(());
        }
        c.batch_execute(&taking).await
    }

    fn taking(&self, purpose: Purpose) -> String {
        match (&self.roles, purpose.role()) {
            (Some(roles), Some(role)) => roles.taking(role),
            _ => String::new(),
        }
    }

    /// The connection is driven by the target's runtime whoever calls: one that is driven by a
    /// runtime that nobody polls would hang.
    async fn make(&self, setup: String) -> Result<Conn, ConnectionError> {
        let config = self.config.clone();
        let bad = |error: String| ConnectionError::BadConnection(error);
        let making = async move {
            let (client, driver) = config
                .connect(NoTls)
                .await
                .map_err(|error| bad(describe(&error)))?;
            let mut c = Conn::try_from_client_and_connection(client, driver).await?;
            c.batch_execute(&setup)
                .await
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(c)
        };
        // The limit is inside the task: a caller that goes away must not leave it hanging.
        let made = self
            .runtime
            .spawn(async move { tokio::time::timeout(CONNECT, making).await });
        let made = made.await.map_err(|error| bad(error.to_string()))?;
        made.map_err(|_| bad(SILENT.to_owned()))?
    }
}

/// The error and its causes: tokio-postgres says in the source what went wrong.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", cause.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_silent_end_is_noticed() {
        let url = "postgres://me@localhost/app?connect_timeout=600";
        let Target { config, .. } = Target::parse(url, Handle::current()).unwrap();
        assert_eq!(config.get_connect_timeout(), Some(&CONNECT));
        assert_eq!(config.get_tcp_user_timeout(), Some(&SILENCE));
        assert!(config.get_keepalives());
        assert_eq!(config.get_keepalives_idle(), KEEPALIVE.0);
        assert_eq!(config.get_keepalives_interval(), Some(KEEPALIVE.1));
        assert_eq!(config.get_keepalives_retries(), Some(KEEPALIVE.2));
    }

    #[test]
    fn an_answer_is_waited_for_longer_than_a_statement_may_take() {
        for (purpose, limit) in [
            (Purpose::Appends, "statement_timeout = '20s'"),
            (Purpose::Creates, "statement_timeout = '10s'"),
            (Purpose::Leases, "statement_timeout = '4s'"),
            (Purpose::Dispatch, "statement_timeout = '20s'"),
            (Purpose::Anything, "statement_timeout = '20s'"),
        ] {
            assert!(purpose.settings().contains(limit), "{purpose:?}");
            let seconds = purpose.answer().as_secs() - GRACE.as_secs();
            assert!(limit.ends_with(&format!("'{seconds}s'")), "{purpose:?}");
        }
    }
}
