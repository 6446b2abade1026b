//! Making connections.

use std::str::FromStr;
use std::time::Duration;

use diesel::ConnectionError;
use diesel_async::SimpleAsyncConnection;
use runloom_store::StoreError;
use tokio::runtime::Handle;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{Client, Config, Connection, NoTls, Socket};

use super::Conn;

/// How long making a connection may take.
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

/// Every other statement goes by a key or an index too. A prepared one is planned while the tables
/// are small, when reading all of a table looks cheap, and keeps that plan as they grow.
macro_rules! by_index {
    ($limits:literal) => {
        concat!(
            "SET jit = off; SET enable_seqscan = off; \
             SET idle_in_transaction_session_timeout = '30s'; ",
            $limits
        )
    };
}

/// What a connection is for; it decides how long its statements may take.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// Append batches.
    Appends,
    /// Creations, which may wait for a twin with the same idempotency key.
    Creates,
    /// The node's lease.
    Leases,
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
            Self::Leases => by_index!("SET statement_timeout = '4s'"),
            Self::Anything => by_index!("SET statement_timeout = '20s'; SET lock_timeout = '10s'"),
            Self::Migrations => "SET statement_timeout = 0",
        }
    }
}

/// A connection outside diesel, for what it doesn't offer.
pub(crate) type RawConnection = Connection<Socket, NoTlsStream>;

/// The database, and the runtime that drives the connections to it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    config: Config,
    runtime: Handle,
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
        Ok(Self { config, runtime })
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
            Err(_) => Err("the database does not answer".to_owned()),
        }
    }

    /// Connects. The connection is driven by the target's runtime whoever calls: one that is
    /// driven by a runtime that nobody polls would hang.
    pub(super) async fn connect(&self, purpose: Purpose) -> Result<Conn, ConnectionError> {
        let config = self.config.clone();
        let bad = |error: String| ConnectionError::BadConnection(error);
        let made = self.runtime.spawn(async move {
            let (client, driver) = config
                .connect(NoTls)
                .await
                .map_err(|error| bad(describe(&error)))?;
            let mut c = Conn::try_from_client_and_connection(client, driver).await?;
            c.batch_execute(purpose.settings())
                .await
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(c)
        });
        made.await.map_err(|error| bad(error.to_string()))?
    }
}

/// The error and its causes: tokio-postgres says in the source what went wrong.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", cause.unwrap_or_default())
}
