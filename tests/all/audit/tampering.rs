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
        let org = match data.database_url() {
            Some(_) => format!("'{org}'"),
            None => format!("x'{}'", org.replace('-', "")),
        };
        Self { data, org }
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

/// A changed record, one that is gone, seals that have changed places, and an end that was cut off
/// are named, and nothing else.
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
    for (from, to) in [(7, -1), (8, 7), (-1, 8)] {
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
    assert!(!well && said.contains(": 4 findings"), "{said}");

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
    assert!(said.contains(": 4 findings"), "{said}");
    let (_, said) = verify(data, &["--head", head]).await;
    let lost = format!("{org}: seal {seq}: not the one that was kept");
    assert!(
        said.contains(&lost) && said.contains(": 5 findings"),
        "{said}"
    );
}
