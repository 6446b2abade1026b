//! Organisations and people that are gone for good.

use std::fs;

use runloom_tests::{Client, Data, Node, Store, check_ended};
use serde_json::json;

use super::{PASSWORD, colleague, export, export_sealed, org_of, setup, task};

/// What is said in the organisation that goes.
const CANARY: &str = "canary-in-what-is-deleted";

/// What belongs to no organisation has this id.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// An organisation that goes, with a live run, and one that stays.
struct World {
    ada: Client,
    org: String,
    live: String,
    owner: Client,
    member: Client,
    stays: String,
    /// What the member has run there.
    made: String,
}

impl World {
    async fn new(node: &Node) -> Self {
        let ada = node.client().stranger("ada").await;
        let said = json!({ "input": CANARY, "metadata": { "a": CANARY } });
        ada.follow(&ada.run(&said).await).await;
        // Who registers once by a key leaves a row that is of no organisation.
        let nora = json!({ "login": "nora", "email": "nora@example.com", "password": PASSWORD });
        let registered = Client::anonymous(node.base());
        registered
            .post_once("/v1/auth/register", "once", &nora)
            .await
            .expect(201);
        let owner = node.client().stranger("olga").await;
        let member = colleague(&owner, "member").await;
        let made = member.run(&json!({ "input": "hello" })).await;
        owner.follow(&made).await;
        let live = ada
            .run(&json!({ "route_id": "slow", "input": CANARY }))
            .await;
        ada.events(&live, "").await.until("message.delta").await;
        Self {
            org: org_of(&ada).await,
            stays: org_of(&owner).await,
            ada,
            live,
            owner,
            member,
            made,
        }
    }

    /// Deletes the one organisation, and of the other a member.
    async fn delete(&self, data: &Data) {
        let before = match data.database_url() {
            Some(_) => export_sealed(data, &self.stays, "before").await,
            None => export(data, &self.stays, "before").await,
        };
        let delete = ["orgs", "delete", &self.org];
        let report = task(data, &delete).await.expect();
        let would = "with --yes these go: 1 organisations and 1 people";
        assert!(
            report.contains(would) && report.contains("events"),
            "{report}"
        );
        let done = task(data, &[&delete[..], &["--yes"]].concat())
            .await
            .expect();
        assert!(
            done.contains("deleted 1 organisations and 1 people"),
            "{done}"
        );
        refused(data, &delete, "there is no organisation").await;
        let nobody = ["orgs", "delete", NOBODY, "--yes"];
        refused(data, &nobody, "there is no organisation").await;
        let after = export(data, &self.stays, "after").await;
        let same = fs::read(before).expect("a file") == fs::read(after).expect("a file");
        assert!(same, "the other organisation's rows are the same");

        let owner = ["users", "delete", "olga@example.com", "--yes"];
        refused(data, &owner, "is the only owner of").await;
        let member = ["users", "delete", "Member", "--yes"];
        let done = task(data, &member).await.expect();
        assert!(
            done.contains("deleted 0 organisations and 1 people"),
            "{done}"
        );
        refused(data, &member, "nobody is called Member").await;
    }

    /// Who was deleted isn't let in; what stays works, and what a person has left is nobody's.
    async fn check(&self, base: &str) {
        for gone in [&self.ada, &self.member] {
            assert_eq!(gone.at(base).get("/v1/me").await.status, 401);
        }
        let anonymous = Client::anonymous(base);
        for login in ["ada", "member@example.com"] {
            let login = json!({ "login": login, "password": PASSWORD });
            let answer = anonymous.post("/v1/auth/login", &login).await;
            answer.expect_error(401, "auth.bad_credentials");
        }
        let owner = self.owner.at(base);
        assert_eq!(
            owner.get(&format!("/v1/runs/{}", self.live)).await.status,
            404
        );
        let made = owner.run_object(&self.made).await;
        assert!(!made.to_string().contains("member"), "{made}");
        check_ended(&owner.log(&self.made).await, "run.completed");
        let next = owner.run(&json!({ "input": "and now?" })).await;
        check_ended(&owner.follow(&next).await, "run.completed");
        // The organisation that the member was in says so.
        let removed = "/v1/audit-log?action=member.removed";
        let removed = owner.get(removed).await.expect(200);
        assert_eq!(removed[0]["actor"]["kind"], "operator", "{removed}");
        // Their names are free again.
        owner.stranger("ada").await;
    }

    /// With the last person an organisation goes, too.
    async fn delete_the_rest(&self, data: &Data) {
        let done = task(data, &["users", "delete", "olga", "--yes"])
            .await
            .expect();
        assert!(
            done.contains("deleted 1 organisations and 1 people"),
            "{done}"
        );
        refused(
            data,
            &["orgs", "delete", &self.stays],
            "there is no organisation",
        )
        .await;
    }
}

async fn refused(data: &Data, arguments: &[&str], reason: &str) {
    let outcome = task(data, arguments).await;
    assert!(
        !outcome.success && outcome.text.contains(reason),
        "{}",
        outcome.text
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_the_bytes_go_from_the_file() {
    let node = setup(Store::Sqlite).start().await;
    let world = World::new(&node).await;
    let data = node.data().clone();
    let delete = ["orgs", "delete", &world.org, "--yes"];
    refused(&data, &delete, "in use by another").await;
    let stopped = node.kill().await;
    assert!(!data.held(&[CANARY]).await.is_empty());
    world.delete(&data).await;
    assert!(data.held(&[CANARY]).await.is_empty());
    let node = stopped.restart().await;
    world.check(node.base()).await;
    node.terminate().await;
    world.delete_the_rest(&data).await;
}

/// Tables, and the parts of those that have such.
const TABLES: &str = "SELECT oid::regclass::text FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";

/// Tables in which an id is among the values of a row.
async fn tables_with(data: &Data, id: &str) -> Vec<String> {
    let session = data.session().await;
    let tables = session
        .query(TABLES, &[])
        .await
        .expect("tables can be listed");
    let mut found = Vec::new();
    for table in tables.iter().map(|row| row.get::<_, String>(0)) {
        let asked = format!("SELECT count(*) FROM {table} t WHERE t::text LIKE '%{id}%'");
        let row = session
            .query_one(&asked, &[])
            .await
            .expect("rows can be counted");
        if row.get::<_, i64>(0) > 0 {
            found.push(table);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql_a_run_is_live_meanwhile_and_nothing_is_written_afterwards() {
    let node = setup(Store::Postgres).start().await;
    let world = World::new(&node).await;
    let data = node.data().clone();
    world.delete(&data).await;
    world.check(node.base()).await;
    for gone in [&world.org, &world.live] {
        assert_eq!(tables_with(&data, gone).await, Vec::<String>::new());
    }
    let is_error = |line: &&String| line.contains("\"level\":\"ERROR\"");
    assert_eq!(node.log().iter().find(is_error), None);
    world.delete_the_rest(&data).await;
}
