//! Servers of tools: bad ones of our own, and good ones of others.

mod ask;
mod conformance;
mod faults;
mod http;
mod life;
mod real;
mod support;
