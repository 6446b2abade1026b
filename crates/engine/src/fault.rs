//! Faults on purpose, by the feature `failpoints`: places where a test can kill the process,
//! and bugs that show whether a test can see what it is there for.

/// A protection that a test can take away, by its name in `RUNLOOM_PLANTED_BUG`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Events are shown before they are committed.
    EarlyPublish,
    /// A watcher reads the store before it subscribes.
    LateSubscribe,
    /// A tool is started before its intent is committed.
    EarlyEffect,
    /// A node goes on when its lease has ended, and its appends take whatever epoch the run
    /// has by then.
    NoFence,
    /// A node tells the others nothing.
    Deaf,
    /// A tool that must not happen twice runs again after a crash, and nobody is asked.
    RepeatOnce,
}

/// A place named in the crash tests. The action `return` kills the process at once, without
/// unwinding or flushing. `return(FILE)` does so when there is such a file, which it takes away,
/// so that the next process survives: with it a test that goes on decides when.
#[cfg(feature = "failpoints")]
pub(crate) fn point(name: &str) {
    fail::eval(name, |file| {
        // Of several who come here at once only one can take the file away, which is enough.
        if file.is_none_or(|file| std::fs::remove_file(file).is_ok()) {
            kill();
        }
    });
}

/// What `kill -9` does.
#[cfg(feature = "failpoints")]
fn kill() -> ! {
    use rustix::process::{Signal, getpid, kill_process};
    let _ = kill_process(getpid(), Signal::KILL);
    // Nobody comes here unless the system forbids a process to kill itself.
    std::process::abort()
}

/// A place named in the crash tests. Without the feature it is nothing.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn point(_name: &str) {}

/// Whether the protection is taken away. Without the feature it never is.
#[cfg(feature = "failpoints")]
pub(crate) fn planted(bug: Bug) -> bool {
    static PLANTED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let name = match bug {
        Bug::EarlyPublish => "early_publish",
        Bug::LateSubscribe => "late_subscribe",
        Bug::EarlyEffect => "early_effect",
        Bug::NoFence => "no_fence",
        Bug::Deaf => "deaf",
        Bug::RepeatOnce => "repeat_once",
    };
    let planted = PLANTED.get_or_init(|| std::env::var("RUNLOOM_PLANTED_BUG").ok());
    planted.as_deref() == Some(name)
}

/// Whether the protection is taken away. Without the feature it never is.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn planted(_bug: Bug) -> bool {
    false
}
