//! The model adapters against providers that misbehave, third-party mock servers, and a real
//! local model. Run them by `cargo xtask test`, which starts the servers they need.

mod calls;
mod closing;
mod genai_alone;
mod history;
mod mock;
mod outcome;
mod refusals;
mod request;
mod rows;
mod scripted;
mod streams;
mod wire;
