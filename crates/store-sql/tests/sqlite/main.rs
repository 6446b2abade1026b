//! SQLite, with a folder for each test.

mod contract;
mod file;
mod plans;
