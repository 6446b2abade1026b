//! Diesel's verbs with the signatures of diesel-async, as futures that are ready at once.

use std::future::{Ready, ready};

use diesel::query_dsl::LoadQuery;
use diesel::query_dsl::methods::{ExecuteDsl, LimitDsl};
use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;

pub(crate) trait RunQueryDsl: Sized {
    fn execute(self, c: &mut SqliteConnection) -> Ready<QueryResult<usize>>
    where
        Self: ExecuteDsl<SqliteConnection> + diesel::RunQueryDsl<SqliteConnection>,
    {
        ready(diesel::RunQueryDsl::execute(self, c))
    }

    fn load<'q, U>(self, c: &mut SqliteConnection) -> Ready<QueryResult<Vec<U>>>
    where
        Self: LoadQuery<'q, SqliteConnection, U> + diesel::RunQueryDsl<SqliteConnection>,
    {
        ready(diesel::RunQueryDsl::load(self, c))
    }

    fn get_result<'q, U>(self, c: &mut SqliteConnection) -> Ready<QueryResult<U>>
    where
        Self: LoadQuery<'q, SqliteConnection, U> + diesel::RunQueryDsl<SqliteConnection>,
    {
        ready(diesel::RunQueryDsl::get_result(self, c))
    }

    fn first<'q, U>(self, c: &mut SqliteConnection) -> Ready<QueryResult<U>>
    where
        Self: LimitDsl + diesel::RunQueryDsl<SqliteConnection>,
        diesel::helper_types::Limit<Self>: LoadQuery<'q, SqliteConnection, U>,
    {
        ready(diesel::RunQueryDsl::first(self, c))
    }
}

impl<Q> RunQueryDsl for Q {}
