//! Servers of tools: bad ones of our own, and good ones of others.

mod ask;
mod faults;
mod life;
mod support;
