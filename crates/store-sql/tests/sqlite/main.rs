//! SQLite, with a folder for each test.

mod audit;
mod backup;
mod contract;
mod file;
mod rights;
