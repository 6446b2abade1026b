//! Where key material is read from: a variable, a file, or what a command prints.

use std::fs;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use zeroize::Zeroizing;

use super::Environment;

/// How long a command may take. A service of keys far away answers within seconds, or it is
/// better that the start fails and is tried again.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much a command may print, in bytes. A hundred keys are less.
const MOST: u64 = 64 * 1024;

/// The text that `name` holds, or the file that `{name}_FILE` names, or that the command
/// `{name}_COMMAND` prints. Nothing when none is set; an error when several are.
pub(super) fn read(environment: &mut Environment, name: &str) -> Result<Option<Zeroizing<String>>> {
    let (file, command) = (format!("{name}_FILE"), format!("{name}_COMMAND"));
    let text = environment.text(name).map(Zeroizing::new);
    let (path, line) = (environment.text(&file), environment.text(&command));
    match (text, path, line) {
        (text, None, None) => Ok(text),
        (None, Some(path), None) => {
            let text = fs::read_to_string(&path).with_context(|| format!("{file}={path}"))?;
            Ok(Some(Zeroizing::new(text)))
        }
        (None, None, Some(line)) => Ok(Some(printed(&line).with_context(|| command)?)),
        _ => bail!("{name}, {file} and {command} exclude each other, and several are set"),
    }
}

/// What a command prints. It is split at blanks and run without a shell.
fn printed(line: &str) -> Result<Zeroizing<String>> {
    let mut words = line.split_whitespace();
    let program = words.next().context("the command is empty")?;
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} can't be run"))?;
    let output = child.stdout.take().context("it has no output")?;
    // Reading in a thread of its own: a command that neither prints nor ends must not hold us.
    let reader = thread::spawn(move || {
        let mut text = Zeroizing::new(String::new());
        output.take(MOST).read_to_string(&mut text).map(|_| text)
    });
    let ended = ended(&mut child, program);
    if ended.is_err() {
        // It may be gone already.
        let _ = child.kill();
        let _ = child.wait();
    }
    ended?;
    let text = reader.join().ok().context("its output can't be read")??;
    Ok(text)
}

fn ended(child: &mut Child, program: &str) -> Result<()> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "{program} failed: {status}");
            return Ok(());
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "{program} has not ended after {} s",
            PATIENCE.as_secs()
        );
        thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Result<Option<String>> {
        let pairs = variables.iter();
        let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let found = read(&mut pairs.collect(), "KEY")?;
        Ok(found.map(|text| text.trim().to_owned()))
    }

    #[test]
    fn one_source_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, "from a file\n").unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(found(&[]).unwrap(), None);
        assert_eq!(found(&[("KEY", "plain")]).unwrap().unwrap(), "plain");
        assert_eq!(
            found(&[("KEY_FILE", path)]).unwrap().unwrap(),
            "from a file"
        );
        let printed = found(&[("KEY_COMMAND", "printf %s-%s  a b")]);
        assert_eq!(printed.unwrap().unwrap(), "a-b");
    }

    #[test]
    fn what_goes_wrong_is_told_without_the_text() {
        for (variables, expected) in [
            (&[("KEY", "a"), ("KEY_FILE", "b")][..], "exclude each other"),
            (&[("KEY_FILE", "/nowhere/key")], "KEY_FILE=/nowhere/key"),
            (
                &[("KEY_COMMAND", "/nowhere/program x")],
                "/nowhere/program can't be run",
            ),
            (&[("KEY_COMMAND", "false")], "false failed"),
        ] {
            let error = format!("{:#}", found(variables).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
