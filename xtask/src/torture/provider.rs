//! A model provider of our own: it says what the run's input asks for and keeps a ledger.

pub(crate) mod script;
mod serve;

use super::seen::Notes;
use super::views::ProviderCall;
use crate::mock::Mock;
use anyhow::{Context, Result};
use script::Script;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The provider; it stops when it is dropped.
pub(crate) struct Provider {
    pub(crate) port: u16,
    ledger: Arc<Ledger>,
    _server: Mock,
}

/// What was asked of the provider, and what it did.
struct Ledger {
    notes: Arc<Notes>,
    calls: Mutex<Vec<ProviderCall>>,
    /// How often a step of a run was tried.
    tries: Mutex<HashMap<(String, u64), usize>>,
}

impl Provider {
    pub(crate) fn start(notes: Arc<Notes>) -> Result<Self> {
        let ledger = Arc::new(Ledger {
            notes,
            calls: Mutex::default(),
            tries: Mutex::default(),
        });
        let known = Arc::clone(&ledger);
        let server = Mock::start(move |services| serve::services(&known, services))
            .context("no mock provider")?;
        Ok(Self {
            port: server.port,
            ledger,
            _server: server,
        })
    }

    /// A copy of the ledger.
    pub(crate) fn calls(&self) -> Vec<ProviderCall> {
        self.ledger.lock().clone()
    }
}

impl Ledger {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<ProviderCall>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call; returns its index and how often this step had been tried before.
    fn begin(&self, script: &Script, step: u64, bad_history: Option<String>) -> (usize, usize) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let tried = tries.entry((script.name.clone(), step)).or_default();
        let before = *tried;
        *tried += 1;
        let mut calls = self.lock();
        let index = calls.len();
        calls.push(ProviderCall {
            number: index as u64 + 1,
            name: script.name.clone(),
            step,
            at_ms: self.notes.now_ms(),
            bad_history,
            ..ProviderCall::default()
        });
        (index, before)
    }

    fn note(&self, index: usize, change: impl FnOnce(&mut ProviderCall)) {
        if let Some(call) = self.lock().get_mut(index) {
            change(call);
        }
    }
}
