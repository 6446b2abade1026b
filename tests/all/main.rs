//! One binary for all tests from the outside, one folder for each concern.

mod accounts;
mod bad_input;
mod browser;
mod cancel;
mod configuration;
mod crash;
mod disk;
mod events;
mod idempotency;
mod input;
mod large;
mod lists;
mod messages;
mod metrics;
mod money;
mod nodes;
mod openapi;
mod operate;
mod provider;
mod real_model;
mod retention;
mod runs;
mod server;
mod tenancy;
mod threads;
mod upgrade;
