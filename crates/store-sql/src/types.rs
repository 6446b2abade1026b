//! SQL types that both databases share, and the values that are bound to them.
//!
//! A UUID is `uuid` or 16 bytes; a moment is `timestamptz` or an integer of microseconds.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{self, SqlOrd, SqlType};
use diesel::sqlite::Sqlite;
use runloom_domain::Timestamp;
use uuid::Uuid;

/// SQL type of an id.
#[derive(SqlType, QueryId, Clone, Copy)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct Uid;

/// SQL type of a moment.
#[derive(SqlType, QueryId, Clone, Copy)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Long"))]
pub struct Moment;

impl SqlOrd for Uid {}
impl SqlOrd for Moment {}

/// An id as it is bound and read.
#[derive(AsExpression, FromSqlRow, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[diesel(sql_type = Uid)]
pub(crate) struct Id(pub(crate) Uuid);

/// A moment as it is bound and read.
#[derive(AsExpression, FromSqlRow, Clone, Copy, Debug, PartialEq, Eq)]
#[diesel(sql_type = Moment)]
pub(crate) struct At(pub(crate) Timestamp);

macro_rules! ids {
    ($($name:ident),+) => {$(
        impl From<runloom_domain::$name> for Id {
            fn from(id: runloom_domain::$name) -> Self {
                Self(id.as_uuid())
            }
        }

        impl From<Id> for runloom_domain::$name {
            fn from(id: Id) -> Self {
                Self::from_uuid(id.0)
            }
        }
    )+};
}

ids!(
    ApiKeyId,
    AuditRecordId,
    BudgetId,
    CredentialId,
    CreditEntryId,
    HttpToolId,
    InvitationId,
    McpServerId,
    MessageId,
    NodeId,
    OrgId,
    PersonaId,
    RouteId,
    RunId,
    SessionId,
    ThreadId,
    ToolCallId,
    UserId
);

impl ToSql<Uid, Pg> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<sql_types::Uuid, Pg>::to_sql(&self.0, out)
    }
}

impl FromSql<Uid, Pg> for Id {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<sql_types::Uuid, Pg>::from_sql(value).map(Self)
    }
}

impl ToSql<Uid, Sqlite> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<Uid, Sqlite> for Id {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.read_blob())?))
    }
}

/// PostgreSQL counts from the year 2000.
pub(crate) const PG_EPOCH_MICROS: i64 = 946_684_800_000_000;

impl ToSql<Moment, Pg> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = self.0.as_micros().saturating_sub(PG_EPOCH_MICROS);
        ToSql::<sql_types::BigInt, Pg>::to_sql(&micros, &mut out.reborrow())
    }
}

impl FromSql<Moment, Pg> for At {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<sql_types::BigInt, Pg>>::from_sql(value)?;
        Ok(Self(Timestamp::from_micros(
            micros.saturating_add(PG_EPOCH_MICROS),
        )))
    }
}

impl ToSql<Moment, Sqlite> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_micros());
        Ok(IsNull::No)
    }
}

impl FromSql<Moment, Sqlite> for At {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Timestamp::from_micros(value.read_long())))
    }
}
