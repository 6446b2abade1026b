//! The model adapters against providers that misbehave, third-party mock servers, and a real
//! local model. Run them by `cargo xtask test`, which starts the servers they need.

mod aimock;
mod bodies;
mod calls;
mod closing;
mod endpoints;
mod families;
mod family_rows;
mod genai_alone;
mod golden;
mod history;
mod llmock;
mod loops;
mod mock;
mod outcome;
mod prefix;
mod probe;
mod program;
mod real_model;
mod refusals;
mod request;
mod rows;
mod scripted;
mod streams;
mod wire;
