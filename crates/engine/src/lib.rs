//! The agent loop that Runloom serves and other services embed.
