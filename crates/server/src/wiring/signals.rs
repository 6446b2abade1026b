use std::sync::Arc;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use runloom_net::nats::{NatsSettings, Received, Subject};
use runloom_store::signals::{decode, encode};
use runloom_store::{Hint, Signals};
use runloom_store_sql::Database;

use crate::config::Nats;

/// NATS takes a megabyte unless it is told otherwise; a message of this size is a long list.
const MAX_BYTES: usize = 64 * 1024;

/// How this node and others wake each other: over NATS, else over the database; not at all on
/// a database of one node.
pub(crate) async fn signals(
    nats: &Nats,
    database: &dyn Database,
) -> Result<Option<Arc<dyn Signals>>> {
    let Some(url) = &nats.url else {
        return Ok(database.signals());
    };
    let settings = NatsSettings {
        url: url.expose().to_owned(),
        subject: nats.subject.clone(),
        name: "runloom".to_owned(),
        credentials: nats.credentials_file.clone(),
        authorities: nats.ca_file.clone(),
        certificate: nats.certificate_file.clone().zip(nats.key_file.clone()),
    };
    let subject = Subject::join(settings).await.context("can't use NATS")?;
    Ok(Some(Arc::new(OverNats(subject))))
}

/// Hints as text over a subject.
struct OverNats(Subject);

#[async_trait]
impl Signals for OverNats {
    fn tell(&self, hints: &[Hint]) {
        self.0.publish(encode(hints, MAX_BYTES));
    }

    fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    async fn heard(&self) -> Vec<Hint> {
        match self.0.next().await {
            Received::Text(text) => decode(&text),
            Received::Gap => vec![Hint::Missed],
        }
    }
}
