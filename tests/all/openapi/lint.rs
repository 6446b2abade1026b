//! The document as linters see it: by their own rules, without an exception of ours but the one
//! that is explained in the file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ran;

const PATIENCE: Duration = Duration::from_mins(1);

fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/http/tests/snapshots/openapi.json")
}

fn rules(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("openapi")
        .join(file)
}

fn shown(path: &Path) -> &str {
    path.to_str().expect("paths here are UTF-8")
}

#[tokio::test]
async fn spectral_finds_nothing() {
    let (document, rules) = (document(), rules("spectral.yaml"));
    let arguments = ["lint", "--fail-severity=hint", "-r", shown(&rules)];
    let arguments = [&arguments[..], &[shown(&document)]].concat();
    let said = ran("RUNLOOM_TEST_SPECTRAL", &arguments, PATIENCE).await;
    assert!(said.contains("No results"), "{said}");
}

#[tokio::test]
async fn redocly_finds_nothing() {
    let (document, rules) = (document(), rules("redocly.yaml"));
    let arguments = ["lint", "--format=stylish", "--config", shown(&rules)];
    let arguments = [&arguments[..], &[shown(&document)]].concat();
    let said = ran("RUNLOOM_TEST_REDOCLY", &arguments, PATIENCE).await;
    assert!(said.contains("Your API description is valid"), "{said}");
    assert!(!said.contains("warning  "), "{said}");
}
