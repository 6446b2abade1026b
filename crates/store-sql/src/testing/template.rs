//! PostgreSQL databases of tests begin as copies of one that has been migrated: to copy it is much
//! quicker than to run all migrations again.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;

use runloom_store::StoreError;
use tokio_postgres::Client;

use super::{connect, rejected};

/// Whoever makes the template at the same time does it one after the other. The number is ours by
/// chance; the lock ends with the session.
const LOCK: &str = "SELECT pg_advisory_lock(7021799)";

/// The URL of another database of the same server.
pub fn postgres_database(url: &str, database: &str) -> String {
    let (path, parameters) = match url.split_once('?') {
        Some((path, parameters)) => (path, format!("?{parameters}")),
        None => (url, String::new()),
    };
    // The third slash begins the database's name, where there is one.
    let server = path.match_indices('/').nth(2);
    let server = server.map_or(path, |(slash, _)| &path[..slash]);
    format!("{server}/{database}{parameters}")
}

/// The name of a database with this version's schema and nothing in it, for `CREATE DATABASE …
/// TEMPLATE`; it is made on the server at `url` when it isn't there. Nobody may connect to it.
pub async fn postgres_template(url: &str) -> Result<String, StoreError> {
    let admin = connect(url).await?;
    run(&admin, LOCK).await?;
    let name = format!("runloom_template_{:x}", schema()?);
    let found = admin
        .query("SELECT 1 FROM pg_database WHERE datname = $1", &[&name])
        .await
        .map_err(rejected)?;
    if found.is_empty() {
        make(&admin, url, &name).await?;
    }
    Ok(name)
}

/// Under another name until it is whole.
async fn make(admin: &Client, url: &str, name: &str) -> Result<(), StoreError> {
    let unfinished = format!("{name}_new");
    let drop = format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)");
    run(admin, &drop).await?;
    run(admin, &format!("CREATE DATABASE {unfinished}")).await?;
    crate::migrate(&postgres_database(url, &unfinished)).await?;
    // A session that is just ending would be in the way.
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{unfinished}'"
    );
    run(admin, &end).await?;
    let rename = format!("ALTER DATABASE {unfinished} RENAME TO {name}");
    run(admin, &rename).await
}

/// What tells this schema from those of other versions that have used the same server.
fn schema() -> Result<u64, StoreError> {
    let mut hasher = DefaultHasher::new();
    let migrations = postgres_migrations("up.sql").map_err(rejected)?;
    migrations.hash(&mut hasher);
    Ok(hasher.finish())
}

/// The texts of all migrations in their order, read from where this crate was built: `up.sql` or
/// `down.sql` of each.
pub fn postgres_migrations(file: &str) -> io::Result<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
    let mut migrations = Vec::new();
    for entry in fs::read_dir(folder)? {
        migrations.push(entry?.path().join(file));
    }
    migrations.sort();
    migrations.iter().map(fs::read_to_string).collect()
}

async fn run(session: &Client, statement: &str) -> Result<(), StoreError> {
    session.batch_execute(statement).await.map_err(rejected)
}
