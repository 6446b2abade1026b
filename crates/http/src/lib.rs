//! Runloom's HTTP API: actix-web routes, wire types, the event stream, OpenAPI.
