//! kill -9 at every window and at random moments: after each restart every run goes on by
//! itself, nothing is done twice, and a client that comes back has exactly the log.

mod effects;
mod frozen;
mod outcome;
mod poison;
mod random;
mod round;
mod windows;
mod workload;

/// How many of `all` rounds are made: all of them with `RUNLOOM_TEST_LONG`, else a fifth.
fn rounds(all: u64) -> u64 {
    if std::env::var_os("RUNLOOM_TEST_LONG").is_some() {
        all
    } else {
        all / 5
    }
}
