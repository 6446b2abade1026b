//! The two roles under which the server's sessions work, and what each may do.
//!
//! Roles belong to the whole cluster and are in no backup of a database. So they are looked at
//! each time a database is opened, not once by a migration: what is missing is made, as far as
//! the login role may.

use diesel::QueryableByName;
use diesel::result::Error;
use diesel::sql_types::{Array, Bool, Text};
use diesel_async::SimpleAsyncConnection;

use super::error::{self, Class};
use super::{Conn, RunQueryDsl};

/// What people ask for goes through this one.
pub(super) const API: &str = "runloom_tenant";

/// The fixed statements about runs of all organisations go through this one.
pub(super) const ENGINE: &str = "runloom_engine";

/// How often something is tried that servers of other databases do in the same moment.
const TRIES: u32 = 5;

/// What [`API`] and [`ENGINE`] may do with each table. A table that isn't here is closed to both.
/// Nothing is granted by default: that would cover partitions too, which are reached through
/// their parent only.
const RIGHTS: &[(&str, &str, &str)] = &[
    ("orgs", "SELECT, INSERT, UPDATE", "SELECT"),
    ("org_data_keys", "SELECT, INSERT, UPDATE", ""),
    ("llm_credentials", "SELECT, INSERT, UPDATE, DELETE", ""),
    ("llm_routes", "SELECT, INSERT, UPDATE, DELETE", ""),
    ("personas", "SELECT, INSERT, UPDATE", ""),
    ("persona_versions", "SELECT, INSERT, UPDATE", ""),
    (
        "mcp_servers",
        "SELECT, INSERT, UPDATE, DELETE",
        "SELECT, UPDATE",
    ),
    ("mcp_tools", "SELECT, INSERT, UPDATE, DELETE", ""),
    ("http_tools", "SELECT, INSERT, UPDATE, DELETE", ""),
    ("users", "SELECT, INSERT, UPDATE", ""),
    ("user_names", "SELECT, INSERT, DELETE", ""),
    ("memberships", "SELECT, INSERT, UPDATE, DELETE", ""),
    ("api_keys", "SELECT, INSERT, UPDATE, DELETE", ""),
    ("invitations", "SELECT, INSERT, UPDATE, DELETE", ""),
    ("sessions", "SELECT, INSERT, UPDATE", "SELECT, DELETE"),
    (
        "password_resets",
        "SELECT, INSERT, DELETE",
        "SELECT, DELETE",
    ),
    (
        "idempotency_keys",
        "SELECT, INSERT, UPDATE",
        "SELECT, DELETE",
    ),
    (
        "threads",
        "SELECT, INSERT, UPDATE",
        "SELECT, INSERT, UPDATE",
    ),
    ("run_heads", "SELECT, INSERT, UPDATE", "SELECT, UPDATE"),
    ("runs", "SELECT, INSERT, UPDATE", "SELECT, UPDATE"),
    ("events", "SELECT, INSERT", "SELECT, INSERT, DELETE"),
    ("messages", "SELECT, INSERT, UPDATE", "INSERT"),
    ("model_calls", "SELECT, INSERT", "INSERT"),
    ("credit_entries", "SELECT, INSERT", "INSERT"),
    (
        "org_balances",
        "SELECT, INSERT, UPDATE",
        "SELECT, INSERT, UPDATE",
    ),
    ("credit_ledger", "SELECT, INSERT", "INSERT"),
    (
        "credit_holds",
        "SELECT, INSERT, UPDATE",
        "SELECT, INSERT, UPDATE",
    ),
    ("budgets", "SELECT, INSERT, UPDATE, DELETE", ""),
    (
        "budget_spend",
        "SELECT, INSERT, UPDATE, DELETE",
        "SELECT, INSERT, UPDATE",
    ),
    (
        "budget_holds",
        "SELECT, INSERT, UPDATE",
        "SELECT, INSERT, UPDATE",
    ),
    ("audit_records", "SELECT, INSERT", "SELECT"),
    ("audit_seals", "SELECT", "SELECT, INSERT"),
    ("audit_pending", "SELECT, INSERT", "SELECT, DELETE"),
    ("contents", "SELECT, INSERT", ""),
    ("tool_outputs", "SELECT, INSERT", "SELECT, INSERT, DELETE"),
    ("expired_runs", "", "SELECT, INSERT, UPDATE, DELETE"),
    ("nodes", "", "SELECT, INSERT, UPDATE, DELETE"),
    ("compatible_from", "SELECT", ""),
    ("__diesel_schema_migrations", "SELECT", ""),
];

/// How a server's sessions stand in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseRoles {
    /// The role that the database's address names.
    pub login: String,
    /// Whether that role may do everything, whatever is granted.
    pub is_superuser: bool,
    /// Why sessions keep the login role, if they do, instead of taking `runloom_tenant` and
    /// `runloom_engine`.
    pub unused: Option<String>,
    /// Where the login role finds its tables. The search path may name the current role, so a
    /// session that takes another one is told.
    search_path: String,
}

impl DatabaseRoles {
    /// What a session runs to take one of the two roles; nothing when they aren't used.
    pub(super) fn taking(&self, role: &str) -> String {
        match self.unused {
            None => format!("; SET search_path = {}; SET ROLE {role}", self.search_path),
            Some(_) => String::new(),
        }
    }
}

/// Makes what is missing of the two roles and says whether they can be used. Called under the
/// lock of the migrations.
pub(super) async fn prepare(c: &mut Conn) -> Result<DatabaseRoles, Error> {
    let Login {
        name: login,
        is_superuser,
        search_path,
    } = diesel::sql_query(
        "SELECT current_user::text AS name, rolsuper AS is_superuser,
            (SELECT string_agg(quote_ident(name), ', ')
            FROM unnest(current_schemas(false)) AS name) AS search_path
        FROM pg_roles WHERE rolname = current_user",
    )
    .get_result(c)
    .await?;
    let mut unused = None;
    for (role, rights) in [(API, of_api()), (ENGINE, of_engine())] {
        match make(c, role, &rights).await {
            Ok(()) => {}
            Err(error) if error::class(&error) == Class::Data => {
                unused = Some(format!("{role}: {error}"));
                break;
            }
            // Without its connection nothing can be said about the roles.
            Err(error) => return Err(error),
        }
    }
    Ok(DatabaseRoles {
        login,
        is_superuser,
        unused,
        search_path,
    })
}

#[derive(QueryableByName)]
struct Login {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    is_superuser: bool,
    #[diesel(sql_type = Text)]
    search_path: String,
}

/// Pairs of a table and one right.
type Rights = (Vec<&'static str>, Vec<&'static str>);

fn of_api() -> Rights {
    pairs(RIGHTS.iter().map(|(table, api, _)| (*table, *api)))
}

fn of_engine() -> Rights {
    pairs(RIGHTS.iter().map(|(table, _, engine)| (*table, *engine)))
}

fn pairs(tables: impl Iterator<Item = (&'static str, &'static str)>) -> Rights {
    let split = |(table, rights): (_, &'static str)| {
        let rights = rights.split(", ").filter(|right| !right.is_empty());
        rights.map(move |right| (table, right))
    };
    tables.flat_map(split).unzip()
}

/// Makes the role, lets the login role take it, and grants what it lacks.
async fn make(c: &mut Conn, role: &str, rights: &Rights) -> Result<(), Error> {
    let exists = format!("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') AS yes");
    if !is(c, &exists).await? {
        together(c, &format!("CREATE ROLE {role} NOLOGIN"), &exists).await?;
    }
    if take(c, role).await.is_err() {
        let member = format!("SELECT pg_has_role('{role}', 'MEMBER') AS yes");
        let grant = format!("GRANT {role} TO CURRENT_USER");
        together(c, &grant, &member).await?;
        take(c, role).await?;
    }
    grant(c, role, rights).await
}

/// Takes the role and gives it back: whether that works no catalogue tells in all versions.
async fn take(c: &mut Conn, role: &str) -> Result<(), Error> {
    c.batch_execute(&format!("SET ROLE {role}; RESET ROLE"))
        .await
}

/// Does what servers of other databases in the cluster may do in the same moment: whoever is
/// second fails, and then it `is_done`.
async fn together(c: &mut Conn, statement: &str, is_done: &str) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        let Err(error) = c.batch_execute(statement).await else {
            return Ok(());
        };
        tries += 1;
        if is(c, is_done).await? {
            return Ok(());
        }
        if tries == TRIES {
            return Err(error);
        }
    }
}

/// Grants what the role hasn't got. A grant that changes nothing would still make all sessions
/// plan their statements anew.
async fn grant(c: &mut Conn, role: &str, (tables, rights): &Rights) -> Result<(), Error> {
    let missing: Vec<Statement> = diesel::sql_query(
        "SELECT format('GRANT %s ON %s TO %I', string_agg(w.can, ', '), to_regclass(w.name), $1)
            AS text
        FROM unnest($2, $3) AS w (name, can)
        WHERE CASE WHEN to_regclass(w.name) IS NULL THEN false
            ELSE NOT has_table_privilege($1::name, to_regclass(w.name)::oid, w.can) END
        GROUP BY w.name
        UNION ALL
        SELECT format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), $1)
        WHERE NOT has_schema_privilege($1::name, current_schema()::text, 'USAGE')",
    )
    .bind::<Text, _>(role)
    .bind::<Array<Text>, _>(tables)
    .bind::<Array<Text>, _>(rights)
    .load(c)
    .await?;
    let missing: Vec<String> = missing.into_iter().map(|grant| grant.text).collect();
    if missing.is_empty() {
        return Ok(());
    }
    c.batch_execute(&missing.join("; ")).await
}

#[derive(QueryableByName)]
struct Statement {
    #[diesel(sql_type = Text)]
    text: String,
}

async fn is(c: &mut Conn, question: &str) -> Result<bool, Error> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        yes: bool,
    }
    let answer: Answer = diesel::sql_query(question).get_result(c).await?;
    Ok(answer.yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_right_stands_beside_its_table() {
        let (tables, rights) = of_api();
        assert_eq!(tables.len(), rights.len());
        assert_eq!((tables[0], rights[0]), ("orgs", "SELECT"));
        assert!(!tables.contains(&"nodes"));
        assert!(of_engine().0.contains(&"nodes"));
    }
}
