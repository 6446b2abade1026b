//! SQLite, with a folder for each test.

mod backup;
mod contract;
mod file;
mod rights;
