//! `POST /v1/threads/{id}/runs` and what a run then shows.

mod busy;
mod create;
mod fairness;
mod get;
mod references;
mod totals;
