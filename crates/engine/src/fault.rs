//! Places where a test can kill the process, by the feature `failpoints`.

/// A place named in the crash tests. The action `return` ends the process at once, without
/// unwinding or flushing: to the outside that is a kill. Without the feature it is nothing.
#[cfg(feature = "failpoints")]
pub(crate) fn point(name: &str) {
    fail::eval(name, |_| std::process::abort());
}

/// A place named in the crash tests. Without the feature it is nothing.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn point(_name: &str) {}
