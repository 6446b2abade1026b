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

/// A place named in the crash tests. The action `return` ends the process at once, without
/// unwinding or flushing: to the outside that is a kill. Without the feature it is nothing.
#[cfg(feature = "failpoints")]
pub(crate) fn point(name: &str) {
    fail::eval(name, |_| std::process::abort());
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
