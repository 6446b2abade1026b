use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde::Deserialize;

use super::{Environment, Secret};

/// `[nats]`: how nodes wake each other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nats {
    /// `RUNLOOM_NATS_URL`: `nats://` or `tls://` addresses with commas between, all with
    /// the same `user:password@` or `token@` if need be. Absent by default; nodes then wake each other over the
    /// database.
    pub url: Option<Secret>,
    /// `RUNLOOM_NATS_SUBJECT`: deployments that share a NATS have one each. Default
    /// `runloom.hints`.
    pub subject: String,
    /// `RUNLOOM_NATS_CREDENTIALS_FILE`: a credentials file as the tools of NATS make it.
    pub credentials_file: Option<PathBuf>,
    /// `RUNLOOM_NATS_CA_FILE`: certificates in PEM that are trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// `RUNLOOM_NATS_CERTIFICATE_FILE`: this node's certificate in PEM.
    pub certificate_file: Option<PathBuf>,
    /// `RUNLOOM_NATS_KEY_FILE`: the certificate's private key in PEM.
    pub key_file: Option<PathBuf>,
}

impl Default for Nats {
    fn default() -> Self {
        Self {
            url: None,
            subject: "runloom.hints".to_owned(),
            credentials_file: None,
            ca_file: None,
            certificate_file: None,
            key_file: None,
        }
    }
}

impl Nats {
    pub(super) fn overlay(&mut self, environment: &mut Environment) -> Result<()> {
        if let Some(url) = environment.text("RUNLOOM_NATS_URL") {
            self.url = Some(Secret::new(url));
        }
        environment.replace("RUNLOOM_NATS_SUBJECT", &mut self.subject)?;
        for (name, file) in [
            ("RUNLOOM_NATS_CREDENTIALS_FILE", &mut self.credentials_file),
            ("RUNLOOM_NATS_CA_FILE", &mut self.ca_file),
            ("RUNLOOM_NATS_CERTIFICATE_FILE", &mut self.certificate_file),
            ("RUNLOOM_NATS_KEY_FILE", &mut self.key_file),
        ] {
            if let Some(path) = environment.text(name) {
                *file = Some(path.into());
            }
        }
        Ok(())
    }

    pub(super) fn check(&self, one_machine: bool) -> Result<()> {
        ensure!(
            self.url.is_none() || !one_machine,
            "RUNLOOM_NATS_URL (nats.url) is set without RUNLOOM_DATABASE_URL: on SQLite there \
             is only one node, which has nobody to wake"
        );
        ensure!(
            self.certificate_file.is_some() == self.key_file.is_some(),
            "RUNLOOM_NATS_CERTIFICATE_FILE and RUNLOOM_NATS_KEY_FILE go together"
        );
        Ok(())
    }
}
