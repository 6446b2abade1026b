//! The storage ports of Runloom, an in-memory adapter, and the contract suite that every adapter passes.
