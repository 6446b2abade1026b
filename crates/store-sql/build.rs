//! Embedded migrations are read at compile time: without this, a changed one would not count.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
