//! The program: starting, refusing to start, stopping, and what it prints.

mod first_start;
mod logs;
mod refusals;
mod report;
mod stop;
