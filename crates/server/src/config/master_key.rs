use std::fmt;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use sha2::{Digest as _, Sha256};

use super::{Environment, key_source};

/// At least 32 random bytes as base64 or hex, for instance from `openssl rand -base64 32`. Access
/// tokens are signed and stored secrets encrypted by keys derived from it.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(Vec<u8>);

impl MasterKey {
    /// The least length in bytes.
    pub const MIN_BYTES: usize = 32;

    /// Wraps bytes that are long enough.
    pub fn new(bytes: Vec<u8>) -> Result<Self> {
        if bytes.len() < Self::MIN_BYTES {
            bail!(
                "the master key has {} bytes, fewer than {}",
                bytes.len(),
                Self::MIN_BYTES
            );
        }
        Ok(Self(bytes))
    }

    /// Reads a key as people write it. Hex comes first: 64 hex digits are also base64, but
    /// nobody means them so.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let Some(bytes) = from_hex(text).or_else(|| from_base64(text)) else {
            bail!("the master key is neither base64 nor hex");
        };
        Self::new(bytes)
    }

    /// 32 bytes that stand for the key, however long it is; other keys derive from them.
    pub fn seed(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// The deployment's master keys. They are read from the environment only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MasterKeys {
    /// `RUNLOOM_MASTER_KEY`, or `RUNLOOM_MASTER_KEY_FILE`, or what `RUNLOOM_MASTER_KEY_COMMAND`
    /// prints. Production needs it; in development mode one is made and kept in the data folder.
    pub main: Option<MasterKey>,
    /// `RUNLOOM_OTHER_MASTER_KEYS`, and `_FILE` and `_COMMAND` likewise: keys that are accepted
    /// beside the main one while it is being changed, with commas or line ends between.
    pub others: Vec<MasterKey>,
}

impl MasterKeys {
    pub(super) fn from_environment(environment: &mut Environment) -> Result<Self> {
        const MAIN: &str = "RUNLOOM_MASTER_KEY";
        const OTHERS: &str = "RUNLOOM_OTHER_MASTER_KEYS";
        let main = key_source::read(environment, MAIN)?
            .map(|text| MasterKey::parse(&text).context(MAIN))
            .transpose()?;
        let others = key_source::read(environment, OTHERS)?.unwrap_or_default();
        let others = others.split([',', '\n']).map(str::trim);
        let others = others
            .filter(|text| !text.is_empty())
            .map(|text| MasterKey::parse(text).context(OTHERS))
            .collect::<Result<_>>()?;
        Ok(Self { main, others })
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| {
            let pair = &text[at..at + 2];
            // The parser would also take a sign.
            let digits = pair.bytes().all(|byte| byte.is_ascii_hexdigit());
            digits.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
        })
        .collect()
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    const FORMS: [GeneralPurpose; 4] = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
    FORMS.iter().find_map(|form| form.decode(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_both_kinds_of_base64_are_read() {
        let bytes: Vec<u8> = (200..232).collect();
        let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02X}")).collect();
        let forms = [
            hex.concat(),
            STANDARD.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
            format!(" {}\n", STANDARD.encode(&bytes)),
        ];
        for form in forms {
            assert_eq!(MasterKey::parse(&form).unwrap().0, bytes, "{form}");
        }
    }

    #[test]
    fn short_and_garbled_keys_are_refused_without_being_shown() {
        let short = MasterKey::parse(&STANDARD.encode([7; 31])).unwrap_err();
        assert_eq!(
            short.to_string(),
            "the master key has 31 bytes, fewer than 32"
        );
        let garbled = MasterKey::parse("correct horse battery staple").unwrap_err();
        assert!(!garbled.to_string().contains("horse"));
        assert!(MasterKey::parse("").is_err());
        assert!(!format!("{:?}", MasterKey::new(vec![9; 32])).contains('9'));
    }
}
