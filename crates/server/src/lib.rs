//! The Runloom server: configuration, wiring and life cycle.
