//! PostgreSQL, which `RUNLOOM_TEST_POSTGRES_URL` names, with a database for each test.

mod contract;
mod faults;
mod log_parts;
mod proxy;
mod support;
