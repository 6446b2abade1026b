//! An in-memory adapter, for tests and for trying things out.
