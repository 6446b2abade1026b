use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::{Config, MasterKey};
use crate::keys::Keys;

/// The file of the generated key, in the data folder.
const FILE: &str = "master-key";

/// The configured master keys; in development mode the main one may be that in the data folder,
/// which is made at the first start.
pub(crate) fn keys(config: &Config) -> Result<Keys> {
    let main = match &config.master_keys.main {
        Some(key) => key.clone(),
        None => kept(&config.data.dir.join(FILE))?,
    };
    Ok(Keys::new(&main, &config.master_keys.others))
}

fn kept(path: &Path) -> Result<MasterKey> {
    match fs::read_to_string(path) {
        Ok(text) => {
            MasterKey::parse(&text).with_context(|| format!("can't use {}", path.display()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(path).with_context(|| format!("can't make {}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
    }
}

/// Makes a key and keeps it. It appears under its name whole or not at all, and a second
/// process that is making one at the same time ends up with the same.
fn make(path: &Path) -> Result<MasterKey> {
    let bytes: [u8; MasterKey::MIN_BYTES] = random()?;
    let unnamed = path.with_extension(format!("{:08x}", u32::from_be_bytes(random()?)));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unnamed)?;
    writeln!(file, "{}", STANDARD.encode(bytes))?;
    file.sync_all()?;
    let named = fs::hard_link(&unnamed, path);
    fs::remove_file(&unnamed)?;
    match named {
        Ok(()) => MasterKey::new(bytes.to_vec()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            MasterKey::parse(&fs::read_to_string(path)?)
        }
        Err(error) => Err(error.into()),
    }
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random bytes: {error}"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_generated_key_stays_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let made = kept(&path).unwrap();
        assert_eq!(kept(&path).unwrap(), made);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(&path, "short").unwrap();
        assert!(kept(&path).is_err());
    }
}
