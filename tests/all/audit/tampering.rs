//! What whoever owns the tables does to records and seals.

use runloom_tests::Data;
use serde_json::Value;

use super::verify;

/// The tables of this database.
struct Tables<'a> {
    data: &'a Data,
    /// The organisation, as its column holds it.
    org: String,
}

impl<'a> Tables<'a> {
    fn of(data: &'a Data, org: &str) -> Self {
        let mut tables = Self {
            data,
            org: String::new(),
        };
        tables.org = tables.id(org);
        tables
    }

    /// An id, as a column holds it.
    fn id(&self, id: &str) -> String {
        match self.data.database_url() {
            Some(_) => format!("'{id}'"),
            None => format!("x'{}'", id.replace('-', "")),
        }
    }

    /// Adds a record that the store hasn't written, from the year 2100.
    async fn forge(&self, id: &str, actor: &str) {
        let at = match self.data.database_url() {
            Some(_) => "'2100-01-01Z'",
            None => "4102444800000000",
        };
        let (org, id) = (&self.org, self.id(id));
        let forged = format!(
            "INSERT INTO audit_records (org_id, record_id, created_at, actor, action, subject_kind,
            subject_id, details) VALUES ({org}, {id}, {at}, '{actor}', 'a', 'k', 's', '{{}}')"
        );
        self.change(&forged).await;
    }

    /// Takes away what keeps even their owner from changing them.
    async fn open(&self) {
        let sql = match self.data.database_url() {
            Some(_) => {
                "ALTER TABLE audit_records DISABLE TRIGGER USER;
                ALTER TABLE audit_seals DISABLE TRIGGER USER"
            }
            None => {
                "DROP TRIGGER audit_records_stay; DROP TRIGGER audit_records_are_kept;
                DROP TRIGGER audit_seals_stay; DROP TRIGGER audit_seals_are_kept"
            }
        };
        self.data.change(sql).await;
    }

    /// Which record has the seal with this number, as a condition.
    fn record(&self, seq: usize) -> String {
        let org = &self.org;
        format!(
            "org_id = {org} AND record_id = (SELECT record_id FROM audit_seals
            WHERE org_id = {org} AND seq = {seq})"
        )
    }

    async fn change(&self, sql: &str) {
        self.data.change(sql).await;
    }
}

/// Adds a record that nothing can read to those that wait for their seals, and returns its id.
pub(super) async fn add_unreadable(data: &Data, org: &str) -> &'static str {
    let id = "00000000-0000-4000-8000-00000000000a";
    let tables = Tables::of(data, org);
    tables.forge(id, "nobody").await;
    let (org, waiting) = (&tables.org, tables.id(id));
    let sql = format!("INSERT INTO audit_pending (org_id, record_id) VALUES ({org}, {waiting})");
    tables.change(&sql).await;
    id
}

/// A record that was added without waiting for its seal is named, with one that couldn't be read.
pub(super) async fn addition_is_named(data: &Data, org: &str, unreadable: &str) {
    let id = "00000000-0000-4000-8000-00000000000b";
    Tables::of(data, org).forge(id, "system").await;
    let (well, said) = verify(data, &[]).await;
    for id in [unreadable, id] {
        let line = format!("{org}: {id}: has no seal and waits for none");
        assert!(said.contains(&line), "{line} is not in {said}");
    }
    assert!(!well && said.contains(": 2 findings"), "{said}");
}

/// A changed record, one that is gone, seals that have changed places, and an end that was cut off
/// are named, beside the two that were added, and nothing else.
pub(super) async fn is_named(data: &Data, org: &str, records: &[Value], head: &str) {
    let id = |seq: usize| {
        let by_seq = |record: &&Value| record["seal"]["seq"] == seq;
        let record = records.iter().find(by_seq).expect("a record");
        record["id"].as_str().expect("an id").to_owned()
    };
    let tables = Tables::of(data, org);
    tables.open().await;
    let (third, fifth) = (tables.record(3), tables.record(5));
    tables
        .change(&format!(
            "UPDATE audit_records SET details = '{{}} ' WHERE {third};
            DELETE FROM audit_records WHERE {fifth}"
        ))
        .await;
    for (from, to) in [(7, 1_000), (8, 7), (1_000, 8)] {
        let org = &tables.org;
        let swap =
            format!("UPDATE audit_seals SET seq = {to} WHERE org_id = {org} AND seq = {from}");
        tables.change(&swap).await;
    }
    let (well, said) = verify(data, &[]).await;
    let expected = [
        format!("{org}: {} (seal 3): changed, or its seal was", id(3)),
        format!("{org}: {} (seal 5): missing", id(5)),
        format!("{org}: {} (seal 8): out of order, it was seal 7", id(7)),
        format!("{org}: {} (seal 7): out of order, it was seal 8", id(8)),
    ];
    for line in &expected {
        assert!(said.contains(line), "{line} is not in {said}");
    }
    assert!(!well && said.contains(": 6 findings"), "{said}");

    // Without its last record the chain is as good as before, but for who has kept its head.
    let last = tables.record(records.len());
    let (own, seq) = (&tables.org, records.len());
    tables
        .change(&format!(
            "DELETE FROM audit_records WHERE {last};
            DELETE FROM audit_seals WHERE org_id = {own} AND seq = {seq}"
        ))
        .await;
    let (_, said) = verify(data, &[org]).await;
    assert!(said.contains(": 6 findings"), "{said}");
    let (_, said) = verify(data, &["--head", head]).await;
    let lost = format!("{org}: seal {seq}: not the one that was kept");
    assert!(
        said.contains(&lost) && said.contains(": 7 findings"),
        "{said}"
    );
}
