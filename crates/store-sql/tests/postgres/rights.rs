//! Deleting from every table that the schema has, whatever it is called.

use std::collections::BTreeSet;
use std::sync::Arc;

use runloom_domain::{OrgId, SystemClock};
use runloom_store_sql::{Place, delete_org, open_postgres};
use tokio_postgres::Client;

use crate::support::{self, TestDatabase};
use crate::wall::{ANYTHING_GOES, OURS, THEIRS, WALLED, a_row, names};

/// Makes the rows of an organisation those of a person with the same id.
const PERSON: &str = "
SELECT format('UPDATE %I SET user_id = %L WHERE %s', table_name, $1::text,
    CASE WHEN EXISTS (SELECT FROM information_schema.columns o WHERE o.table_schema = 'public'
        AND o.table_name = c.table_name AND o.column_name = 'org_id')
    THEN format('org_id = %L', $1::text)
    ELSE format('user_id NOT IN (%L, %L)', $1::text, $2::text) END)
FROM information_schema.columns c
WHERE c.table_schema = 'public' AND c.column_name = 'user_id' AND c.table_name = $3";

/// What a table has of an organisation or a person, and a digest of the rest.
const STATE: &str = "
SELECT format('SELECT count(*) FILTER (WHERE t::text LIKE %L),
    md5(string_agg(t::text, '','' ORDER BY t::text) FILTER (WHERE t::text LIKE %L)) FROM %I t',
    '%' || $1::text || '%', '%' || $2::text || '%', $3::text)";

async fn state(session: &Client, table: &str) -> (i64, Option<String>) {
    let asked = session
        .query_one(STATE, &[&OURS, &THEIRS, &table])
        .await
        .unwrap();
    let row = session
        .query_one(asked.get::<_, &str>(0), &[])
        .await
        .unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_goes_and_no_other() {
    let database = TestDatabase::create().await;
    open_postgres(database.url()).await.unwrap();
    let session = database.session().await;
    support::run(&session, ANYTHING_GOES).await;
    let walled = names(&session, WALLED).await;
    for table in &walled {
        for (org, other) in [(OURS, THEIRS), (THEIRS, OURS)] {
            support::run(&session, &a_row(&session, org, table).await).await;
            let persons = session.query(PERSON, &[&org, &other, table]).await.unwrap();
            for person in persons {
                support::run(&session, person.get(0)).await;
            }
        }
    }
    support::run(&session, "UPDATE users SET kind = 'person'").await;
    let mut before = Vec::new();
    for table in &walled {
        let (rows, rest) = state(&session, table).await;
        assert!(rows > 0 && rest.is_some(), "{table} has rows of both");
        before.push(rest);
    }
    let place = Place::Postgres(database.url().to_owned());
    let org: OrgId = OURS.parse().unwrap();
    let delete = async |for_good| {
        let clock = Arc::new(SystemClock);
        delete_org(&place, org, for_good, clock, &mut |_| {}).await
    };
    let would = delete(false).await.unwrap();
    let deleted = delete(true).await.unwrap();
    assert_eq!(would, deleted);
    assert_eq!(
        (deleted.orgs, deleted.users.len()),
        (BTreeSet::from([org]), 1)
    );
    for (table, rest) in walled.iter().zip(before) {
        assert_eq!(state(&session, table).await, (0, rest), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_into_the_wrong_database_says_so() {
    let database = TestDatabase::create_empty().await;
    let place = Place::Postgres(database.url().to_owned());
    let (org, clock) = (OURS.parse().unwrap(), Arc::new(SystemClock));
    let looked = delete_org(&place, org, false, clock, &mut |_| {}).await;
    let refused = looked.unwrap_err().to_string();
    assert!(refused.contains("it has no schema yet"), "{refused}");
}
