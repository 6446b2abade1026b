use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use crate::node::server_binary;
use crate::soon;

/// What a program that has ended said, and whether it was content.
#[derive(Debug)]
pub struct Outcome {
    /// Whether its exit status was 0.
    pub success: bool,
    /// Standard output, then standard error.
    pub text: String,
}

impl Outcome {
    /// The text of a program that must have succeeded.
    #[track_caller]
    pub fn expect(self) -> String {
        assert!(self.success, "{}", self.text);
        self.text
    }
}

/// Runs a developer task as `cargo xtask` does, with the program that was built beside the
/// server's.
pub async fn xtask(arguments: &[&str]) -> Outcome {
    xtask_with(&[], arguments).await
}

/// The same with variables set.
pub async fn xtask_with(variables: &[(&str, &str)], arguments: &[&str]) -> Outcome {
    let xtask = server_binary().with_file_name("xtask");
    run(xtask, variables, arguments).await
}

/// Runs one of PostgreSQL's programs, such as `pg_dump`.
pub async fn postgres_program(name: &str, arguments: &[&str]) -> Outcome {
    let folder = std::env::var_os("RUNLOOM_TEST_POSTGRES_BIN")
        .expect("RUNLOOM_TEST_POSTGRES_BIN is not set; `cargo xtask test` sets it");
    run(PathBuf::from(folder).join(name), &[], arguments).await
}

async fn run(program: PathBuf, variables: &[(&str, &str)], arguments: &[&str]) -> Outcome {
    let output = Command::new(&program)
        .args(arguments)
        .env_remove("RUNLOOM_DATABASE_URL")
        .env_remove("RUNLOOM_DATA_DIR")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = soon("a program's end", output).await;
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let bytes = [output.stdout, output.stderr].concat();
    Outcome {
        success: output.status.success(),
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}
