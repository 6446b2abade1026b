//! Identity, passwords, tokens, API keys and permissions.
