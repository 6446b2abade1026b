//! Built-in tools behind the engine's tool port.
