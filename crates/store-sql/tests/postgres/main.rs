//! PostgreSQL, which `RUNLOOM_TEST_POSTGRES_URL` names, with a database for each test.

mod contract;
mod copy;
mod faults;
mod proxy;
mod support;
