//! Imports that meet something that is there already.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use runloom_domain::{Clock as _, SystemClock, Timestamp};
use runloom_store::Housekeeping as _;
use runloom_store_sql::{
    ExportOptions, ImportOptions, Imported, Place, RightsError, export_org, import_org,
};
use tempfile::TempDir;
use tokio_postgres::Client;

use crate::log_parts::{LONG_AGO, Run, begin, open, parts};
use crate::support::{self, TestDatabase};

/// The export of an organisation with an owner and a live run.
struct Exported {
    folder: TempDir,
    of: Run,
    user: String,
    login: String,
    email: String,
}

impl Exported {
    async fn new(at: Timestamp) -> Self {
        Self::after("", at).await
    }

    /// As it is after the `change`.
    async fn after(change: &str, at: Timestamp) -> Self {
        let database = TestDatabase::create().await;
        let of = begin(&*open(&database).await, at).await;
        support::run(&database.session().await, change).await;
        let folder = TempDir::new().unwrap();
        let place = Place::Postgres(database.url().to_owned());
        let options = ExportOptions { with_live: true };
        let mut file = File::create(folder.path().join("file")).unwrap();
        export_org(&place, of.org, options, &mut file, &mut |_| {})
            .await
            .unwrap();
        let asked = "SELECT user_id::text, login, email FROM users";
        let owner = database
            .session()
            .await
            .query_one(asked, &[])
            .await
            .unwrap();
        Self {
            folder,
            of,
            user: owner.get(0),
            login: owner.get(1),
            email: owner.get(2),
        }
    }

    async fn import(&self, target: &TestDatabase) -> Result<Imported, RightsError> {
        self.import_without(target, None).await
    }

    /// Without those whose names are known, when there is another owner.
    async fn import_without(
        &self,
        target: &TestDatabase,
        as_owner: Option<String>,
    ) -> Result<Imported, RightsError> {
        let options = ImportOptions {
            without_known_logins: as_owner.is_some(),
            as_owner,
            no_password: "none".to_owned(),
        };
        let place = Place::Postgres(target.url().to_owned());
        let (file, clock) = (self.folder.path().join("file"), Arc::new(SystemClock));
        import_org(&place, &file, &options, clock, &mut |_| {}).await
    }

    /// An account with a login, that has the id and the address of the owner.
    fn account(&self, login: &str) -> String {
        let (user, email) = (&self.user, &self.email);
        format!(
            "INSERT INTO users (user_id, login, email, password_hash, created_at)
            VALUES ('{user}', '{login}', '{email}', '', now())"
        )
    }
}

#[track_caller]
fn refused(imported: Result<Imported, RightsError>, reason: &str) {
    let error = imported.expect_err(reason).to_string();
    assert!(error.contains(reason), "{error}");
}

async fn number(session: &Client, query: &str) -> i64 {
    session.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_account_may_be_somebody_elses_does_not_join() {
    let (exported, target) = (
        Exported::new(SystemClock.now()).await,
        TestDatabase::create().await,
    );
    let (store, session) = (open(&target).await, target.session().await);
    let host = begin(&store, SystemClock.now()).await;
    support::run(&session, &exported.account(&exported.login)).await;
    refused(exported.import(&target).await, "and in no organisation");
    let renamed = format!(
        "INSERT INTO memberships VALUES ('{}', '{user}', 'member', now());
        UPDATE users SET login = 'other' WHERE user_id = '{user}'",
        host.org,
        user = exported.user
    );
    support::run(&session, &renamed).await;
    refused(exported.import(&target).await, "and called otherwise");
    let owner = "SELECT login FROM users JOIN memberships USING (user_id) WHERE role = 'owner'";
    let owner = session.query_one(owner, &[]).await.unwrap().get(0);
    let imported = exported.import_without(&target, Some(owner)).await;
    assert_eq!(imported.unwrap().left_out, [exported.login.as_str()]);
    let (org, user) = (exported.of.org, &exported.user);
    let joined =
        format!("SELECT count(*) FROM memberships WHERE org_id = '{org}' AND user_id = '{user}'");
    assert_eq!(number(&session, &joined).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_comes_by_a_login_that_could_be_anothers_address() {
    let renamed = "UPDATE users SET login = 'eve@example.com'";
    let exported = Exported::after(renamed, SystemClock.now()).await;
    let imported = exported.import(&TestDatabase::create().await).await;
    refused(imported, "its login or address is none");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_here_under_the_same_names_joins() {
    let (exported, target) = (
        Exported::new(SystemClock.now()).await,
        TestDatabase::create().await,
    );
    let (store, session) = (open(&target).await, target.session().await);
    let host = begin(&store, SystemClock.now()).await;
    support::run(&session, &exported.account(&exported.login)).await;
    let joined = format!(
        "INSERT INTO memberships VALUES ('{}', '{}', 'member', now())",
        host.org, exported.user
    );
    support::run(&session, &joined).await;
    assert!(exported.import(&target).await.unwrap().left_out.is_empty());
    let owners = format!(
        "SELECT count(*) FROM memberships WHERE org_id = '{}' AND user_id = '{}'
            AND role = 'owner'",
        exported.of.org, exported.user
    );
    assert_eq!(number(&session, &owners).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_live_runs_have_the_same_id() {
    let (exported, target) = (
        Exported::new(SystemClock.now()).await,
        TestDatabase::create().await,
    );
    let (store, session) = (open(&target).await, target.session().await);
    begin(&store, SystemClock.now()).await;
    let run = exported.of.run;
    let twin = format!(
        "SET session_replication_role = replica;
        UPDATE run_heads SET run_id = '{run}'; UPDATE runs SET run_id = '{run}';
        SET session_replication_role = DEFAULT"
    );
    support::run(&session, &twin).await;
    refused(
        exported.import(&target).await,
        "the id of one that another organisation is running here",
    );
    assert_eq!(number(&session, "SELECT count(*) FROM orgs").await, 1);
    let ended = "UPDATE run_heads SET status = 'completed', owner_node = NULL, wake_at = NULL";
    support::run(&session, ended).await;
    assert_eq!(exported.import(&target).await.unwrap().live.len(), 1);
}

/// Whether an import waits for somebody else's transaction.
const WAITS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'runloom-rights' AND wait_event_type = 'Lock'";

#[tokio::test(flavor = "multi_thread")]
async fn who_registers_by_a_members_name_in_the_same_moment_keeps_it() {
    let (exported, target) = (
        Exported::new(SystemClock.now()).await,
        TestDatabase::create().await,
    );
    open(&target).await;
    let (session, watcher) = (target.session().await, target.session().await);
    let registering = format!(
        "BEGIN;
        INSERT INTO users (user_id, login, email, password_hash, created_at)
        VALUES (gen_random_uuid(), 'x', 'x@example.org', '', now());
        INSERT INTO user_names (name_key, user_id) SELECT '{}', user_id FROM users",
        exported.login
    );
    support::run(&session, &registering).await;
    let register = async {
        for _ in 0..1_000 {
            if number(&watcher, WAITS).await > 0 {
                return support::run(&session, "COMMIT").await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the import waits for nobody");
    };
    let (imported, ()) = tokio::join!(exported.import(&target), register);
    refused(imported, "is somebody else's here");
    assert_eq!(number(&session, "SELECT count(*) FROM users").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_earlier_months_get_parts_of_their_own() {
    let (exported, of_now) = (
        Exported::new(LONG_AGO).await,
        Exported::new(SystemClock.now()).await,
    );
    let (tended, fresh) = (TestDatabase::create().await, TestDatabase::create().await);
    open(&tended).await.tend_log(0).await.unwrap();
    for target in [&tended, &fresh] {
        exported.import(target).await.unwrap();
        of_now.import(target).await.unwrap();
        let (store, session) = (open(target).await, target.session().await);
        assert_eq!(exported.of.part(&session).await, "events_2020_01");
        assert_ne!(of_now.of.part(&session).await, "events_default");
        assert_eq!(exported.of.events(&store).await, 1);
        // Those to come are still made.
        let parts = parts(&session).await;
        let [.., last, rest] = &parts[..] else {
            panic!("{parts:?}")
        };
        assert_eq!(rest, "events_default");
        support::run(&session, &format!("DROP TABLE {last}")).await;
        assert_eq!(store.tend_log(0).await.unwrap().made, 1);
    }
}
