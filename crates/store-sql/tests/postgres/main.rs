//! PostgreSQL, which `RUNLOOM_TEST_POSTGRES_URL` names, with a database for each test.

mod audit;
mod contract;
mod copy;
mod faults;
mod frozen;
mod history;
mod imports;
mod log_parts;
mod proxy;
mod rights;
mod roles;
mod sample;
mod sessions;
mod support;
mod wall;
