//! The server's program; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    runloom_server::program::main()
}
