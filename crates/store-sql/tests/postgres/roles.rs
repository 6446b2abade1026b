//! The two roles: what each may do, and logins that may do more or less.

use std::sync::Arc;

use runloom_domain::{NodeId, SystemClock, Timestamp};
use runloom_store::{Appended, RunStore};
use runloom_store_sql::{Database, copy_to_postgres, open_postgres};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::copy::source;
use crate::proxy::Proxy;
use crate::sample::{change, running};
use crate::support::{self, TestDatabase};

/// Whether the session may not run a statement; what it would do is undone.
async fn is_denied(session: &Client, statement: &str) -> bool {
    support::run(session, "BEGIN").await;
    let outcome = session.batch_execute(statement).await;
    support::run(session, "ROLLBACK").await;
    match outcome {
        Ok(()) => false,
        Err(error) => {
            let denied = error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE);
            assert!(denied, "{statement}: {error:?}");
            true
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_do_what_its_statements_do() {
    let database = TestDatabase::create().await;
    let store = open_postgres(database.url()).await.unwrap();
    assert_eq!(store.roles().unused, None);
    let session = database.session().await;
    for (role, allowed, denied) in [
        (
            "runloom_tenant",
            &[
                "SELECT FROM api_keys",
                "SELECT FROM run_heads FOR NO KEY UPDATE",
            ][..],
            &[
                "SELECT FROM nodes",
                "UPDATE nodes SET lease_until = now()",
                "DELETE FROM events",
                "UPDATE events SET data = ''",
                "DELETE FROM run_heads",
                "UPDATE model_calls SET cost_nanos = 0",
                "UPDATE credit_entries SET credits = 0",
                "UPDATE credit_ledger SET credits = 0",
                "DELETE FROM credit_ledger",
                "DELETE FROM org_balances",
                "DELETE FROM runs",
                "UPDATE compatible_from SET migration = '0001'",
                "DROP TABLE events",
                "TRUNCATE events",
                "CREATE TABLE mine (a int)",
            ][..],
        ),
        (
            "runloom_engine",
            &["UPDATE nodes SET lease_until = now()", "SELECT FROM events"][..],
            &[
                "SELECT FROM users",
                "SELECT FROM api_keys",
                "SELECT FROM memberships",
                "SELECT FROM messages",
                "SELECT FROM contents",
                "INSERT INTO run_heads SELECT * FROM run_heads",
                "UPDATE events SET data = ''",
                "UPDATE credit_entries SET credits = 0",
                "UPDATE credit_ledger SET credits = 0",
                "UPDATE budgets SET max_tokens = 0",
                "DELETE FROM credit_holds",
                "ALTER TABLE events DISABLE TRIGGER ALL",
                "CREATE TABLE mine (a int)",
            ][..],
        ),
    ] {
        support::run(&session, &format!("SET ROLE {role}")).await;
        for statement in allowed {
            assert!(!is_denied(&session, statement).await, "{role}: {statement}");
        }
        for statement in denied {
            assert!(is_denied(&session, statement).await, "{role}: {statement}");
        }
        support::run(&session, "RESET ROLE").await;
    }
}

/// Nothing but what the program lists is open to the roles, and neither owns anything.
#[tokio::test(flavor = "multi_thread")]
async fn the_roles_are_no_superusers_and_own_nothing() {
    let database = TestDatabase::create().await;
    let session = database.session().await;
    let powerful =
        "SELECT count(*) FROM pg_roles WHERE rolname IN ('runloom_tenant', 'runloom_engine')
        AND (rolsuper OR rolcanlogin OR rolcreaterole OR rolcreatedb OR rolbypassrls)";
    let owned = "SELECT count(*) FROM pg_class WHERE relowner IN
        (SELECT oid FROM pg_roles WHERE rolname IN ('runloom_tenant', 'runloom_engine'))";
    for query in [powerful, owned] {
        let found: i64 = session.query_one(query, &[]).await.unwrap().get(0);
        assert_eq!(found, 0, "{query}");
    }
}

/// Without a right that an operator has taken away the server can't work, and gives it back to
/// itself at its next start.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_have_no_more_rights_than_their_role() {
    let database = TestDatabase::create().await;
    let store = open_postgres(database.url()).await.unwrap();
    let run = running(&*store).await;
    let session = database.session().await;
    let revoke = "REVOKE INSERT ON events FROM runloom_engine;
        REVOKE SELECT ON runs FROM runloom_tenant; REVOKE UPDATE ON nodes FROM runloom_engine";
    support::run(&session, revoke).await;
    let refused = store.append(vec![change(run)]).await.unwrap();
    assert!(
        matches!(refused[0], Appended::Invalid { .. }),
        "{refused:?}"
    );
    assert!(store.run(run.0, run.1).await.is_err());
    let node = NodeId::generate(Timestamp::default());
    assert!(store.renew_lease(node).await.is_err());
    let store = open_postgres(database.url()).await.unwrap();
    let written = store.append(vec![change(run)]).await.unwrap();
    assert_eq!(written, [Appended::Committed { base: 1 }]);
    assert!(store.run(run.0, run.1).await.unwrap().is_some());
    store.renew_lease(node).await.unwrap();
}

/// A login role for one test, which owns the test's database.
struct Login {
    name: String,
    url: String,
}

impl Login {
    async fn create(database: &TestDatabase, session: &Client, may: &str) -> Self {
        let name = format!("login_{}", uuid::Uuid::now_v7().simple());
        let make = format!("CREATE ROLE {name} LOGIN {may}");
        support::run(session, &make).await;
        let own = format!(
            "ALTER DATABASE {} OWNER TO {name}; GRANT ALL ON SCHEMA public TO {name}",
            database.name()
        );
        support::run(session, &own).await;
        let mut login = Self {
            name,
            url: String::new(),
        };
        login.url = login.as_it(database.url());
        login
    }

    /// The URL of a superuser, for this login.
    fn as_it(&self, url: &str) -> String {
        let (_, place) = url.split_once('@').expect("the URL names a user");
        format!("postgres://{}@{place}", self.name)
    }

    /// Everything that it owns belongs to the database, which goes after it.
    async fn forget(self, session: &Client) {
        let forget = format!(
            "REASSIGN OWNED BY {0} TO CURRENT_USER; DROP OWNED BY {0}; DROP ROLE {0}",
            self.name
        );
        support::run(session, &forget).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_may_not_take_the_roles_goes_on_as_itself() {
    let database = TestDatabase::create_empty().await;
    let session = database.session().await;
    // The roles are there, made for other databases of the cluster.
    let elsewhere = TestDatabase::create().await;
    open_postgres(elsewhere.url()).await.unwrap();
    let login = Login::create(&database, &session, "NOCREATEROLE").await;
    let store = open_postgres(&login.url).await.unwrap();
    let roles = store.roles();
    assert_eq!((&roles.login, roles.is_superuser), (&login.name, false));
    let reason = roles.unused.as_deref().expect("it may not take them");
    assert!(reason.starts_with("runloom_tenant: "), "{reason}");
    let run = running(&*store).await;
    let written = store.append(vec![change(run)]).await.unwrap();
    assert_eq!(written, [Appended::Committed { base: 1 }]);
    store.close().await.unwrap();
    drop(store);
    login.forget(&session).await;
}

/// The tables are in a schema that is called like the login role, as the manual advises.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_was_given_the_roles_takes_them_and_finds_its_schema() {
    let database = TestDatabase::create_empty().await;
    let session = database.session().await;
    let elsewhere = TestDatabase::create().await;
    open_postgres(elsewhere.url()).await.unwrap();
    let login = Login::create(&database, &session, "NOCREATEROLE").await;
    let name = &login.name;
    let give = format!(
        "GRANT runloom_tenant, runloom_engine TO {name};
        CREATE SCHEMA {name} AUTHORIZATION {name}; REVOKE ALL ON SCHEMA public FROM {name}, PUBLIC"
    );
    support::run(&session, &give).await;
    let proxy = Proxy::start(&login.url).await;
    let store = open_postgres(&login.as_it(&proxy.url())).await.unwrap();
    assert_eq!(store.roles().unused, None);
    let run = running(&*store).await;
    let written = store.append(vec![change(run)]).await.unwrap();
    assert_eq!(written, [Appended::Committed { base: 1 }]);
    // Only the login role may end the session whose answer was lost.
    proxy.swallow_next_answer();
    let written = store.append(vec![change(run)]).await.unwrap();
    assert_eq!(written, [Appended::Committed { base: 2 }]);
    assert!(proxy.has_swallowed());
    store.close().await.unwrap();
    drop(store);
    login.forget(&session).await;
}

/// `COPY` into a table with a policy isn't for those whom it binds, which is the owner too.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_no_superuser_copies_a_deployment() {
    let database = TestDatabase::create_empty().await;
    let session = database.session().await;
    let login = Login::create(&database, &session, "NOCREATEROLE").await;
    let (folder, clock) = (source().await, Arc::new(SystemClock));
    let copied = copy_to_postgres(folder.path(), &login.url, clock, |_| ()).await;
    let runs = copied
        .unwrap()
        .into_iter()
        .find(|(table, _)| *table == "runs");
    assert_eq!(runs, Some(("runs", 1)));
    let open = "SELECT count(*) FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity
        AND NOT relispartition";
    let open: i64 = session.query_one(open, &[]).await.unwrap().get(0);
    assert_eq!(open, 0, "the owner is bound again");
    login.forget(&session).await;
}
