//! What a session of the API role may see and write: it says so at the beginning of each
//! transaction, and row-level security holds it to that.
//!
//! Nobody gets a connection of that role without a scope, and no statement can be sent on it but in
//! a transaction that begins with its scope. The beginning is sent ahead of the first statement
//! without waiting for its answer, and so costs no journey of its own.

use std::fmt::Write as _;
use std::ops::{Deref, DerefMut};

use diesel::QueryResult;
use diesel_async::SimpleAsyncConnection;
use futures_util::FutureExt;
use runloom_domain::{OrgId, UserId};

use super::Conn;

/// Whose rows a transaction is about. What it doesn't name is not there for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    org: Option<OrgId>,
    user: Option<UserId>,
    lookup: Option<String>,
    joined: Vec<OrgId>,
}

impl From<OrgId> for Scope {
    fn from(org: OrgId) -> Self {
        Self {
            org: Some(org),
            ..Self::default()
        }
    }
}

impl From<UserId> for Scope {
    fn from(user: UserId) -> Self {
        Self {
            user: Some(user),
            ..Self::default()
        }
    }
}

impl Scope {
    /// The one row that has this key, whatever organisation it belongs to: an API key by its
    /// public id, a person by a name, an idempotency key of no organisation.
    pub(super) fn lookup(key: &str) -> Self {
        Self {
            lookup: Some(key.to_owned()),
            ..Self::default()
        }
    }

    /// Reading these organisations, which a person is in.
    pub(super) fn joined(orgs: Vec<OrgId>) -> Self {
        Self {
            joined: orgs,
            ..Self::default()
        }
    }

    /// This and what the other names.
    pub(super) fn and(self, other: impl Into<Self>) -> Self {
        let other = other.into();
        Self {
            org: self.org.or(other.org),
            user: self.user.or(other.user),
            lookup: self.lookup.or(other.lookup),
            joined: [self.joined, other.joined].concat(),
        }
    }

    /// The settings, which end with the transaction. A key comes from outside and stands in the
    /// text as hexadecimal digits, so that nothing in it can be taken for SQL.
    fn settings(&self) -> String {
        let org = self
            .org
            .map(|org| format!("SET LOCAL runloom.org_id = '{org}'"));
        let user = self
            .user
            .map(|user| format!("SET LOCAL runloom.user_id = '{user}'"));
        let lookup = self.lookup.as_ref().map(|key| {
            let digits = digits(key);
            format!(
                "SELECT set_config('runloom.lookup', \
                convert_from(decode('{digits}', 'hex'), 'UTF8'), true)"
            )
        });
        let ids: Vec<String> = self.joined.iter().map(OrgId::to_string).collect();
        let joined = (!ids.is_empty())
            .then(|| format!("SET LOCAL runloom.joined = '{{{}}}'", ids.join(",")));
        let all: Vec<String> = [org, user, lookup, joined].into_iter().flatten().collect();
        all.join("; ")
    }
}

fn digits(text: &str) -> String {
    text.bytes().fold(String::new(), |mut digits, byte| {
        // Writing to a string can't fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// A transaction. Dropping it rolls it back, also when the future that holds it is dropped
/// half-way: the connection can be used again at once, and nothing of the scope stays on it.
pub(super) struct Open<'c> {
    pub(super) c: &'c mut Conn,
    /// Whether it has ended, and isn't to be rolled back.
    pub(super) is_over: bool,
}

impl<'c> Open<'c> {
    /// Begins a transaction of this scope. If that fails, so does the first statement.
    pub(super) fn begin(c: &'c mut Conn, scope: &Scope) -> Self {
        send(c, &format!("BEGIN; {}", scope.settings()));
        Self { c, is_over: false }
    }

    /// Names more, such as the organisation of a key that was looked up.
    pub(super) fn widen(&mut self, scope: impl Into<Scope>) {
        send(self.c, &scope.into().settings());
    }

    pub(super) async fn commit(self) -> QueryResult<()> {
        self.end("COMMIT").await
    }

    /// Rolls back and waits until its locks are free. Where there are none, dropping it will do.
    pub(super) async fn undo(self) -> QueryResult<()> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, how: &str) -> QueryResult<()> {
        self.is_over = true;
        self.c.batch_execute(how).await
    }
}

impl Deref for Open<'_> {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.c
    }
}

impl DerefMut for Open<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        self.c
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            send(self.c, "ROLLBACK");
        }
    }
}

/// Puts a text behind what was sent before and ahead of what is sent next. Its answer is passed
/// over: the connection's driver takes it off the line.
fn send(c: &mut Conn, text: &str) {
    // The first poll sends.
    let _ = c.batch_execute(text).now_or_never();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_from_outside_is_never_text() {
        let settings = Scope::lookup("'; DROP TABLE runs; --\u{e9}").settings();
        let digits = "273b2044524f50205441424c452072756e733b202d2dc3a9";
        assert!(settings.contains(&format!("decode('{digits}', 'hex')")));
        assert_eq!(settings.matches(';').count(), 0);
    }

    #[test]
    fn scopes_add_up() {
        let org = OrgId::from_uuid(uuid::Uuid::from_u128(1));
        let user = UserId::from_uuid(uuid::Uuid::from_u128(2));
        let settings = Scope::lookup("k").and(org).and(user).settings();
        assert_eq!(settings.matches("SET LOCAL").count(), 2);
        assert_eq!(Scope::default().settings(), "");
    }
}
