//! What the engine needs from outside besides the store: models, tools, configuration.

pub mod catalog;
pub mod model;
pub mod tool;
