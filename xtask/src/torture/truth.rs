//! Reads the database: the view that the other two are compared with.

use super::provider::script::Script;
use super::views::{Event, Message, ModelCall, Run, Totals, Views};
use anyhow::{Context as _, Result};
use runloom_domain::event::event_json;
use runloom_domain::{OrgId, RunId, StoredEvent};
use runloom_store::RunStore as _;
use runloom_store_sql::{PostgresStore, open_postgres};
use serde_json::Value;
use std::sync::Arc;
use tokio_postgres::{Client, NoTls};

/// Events of one read.
const PAGE: u32 = 1_000;

const RUNS: &str = "
SELECT h.org_id::text, h.run_id::text, h.status, h.last_seq,
    h.owner_node IS NOT NULL,
    r.uncached_input_tokens + r.cache_read_tokens + r.cache_write_tokens, r.output_tokens,
    r.cost_nanos, c.credits
FROM run_heads h JOIN runs r USING (org_id, run_id)
    LEFT JOIN credit_entries c USING (org_id, run_id)";

const CALLS: &str = "
SELECT run_id::text, step, attempt, source = 'reported',
    uncached_input_tokens + cache_read_tokens + cache_write_tokens, output_tokens, cost_nanos
FROM model_calls";

const MESSAGES: &str = "
SELECT thread_id::text, position, run_id::text, role, content, tool_calls, tool_call_id::text
FROM messages ORDER BY org_id, thread_id, position";

const LIVE: &str = "
SELECT run_id::text, status FROM run_heads
WHERE status NOT IN ('completed', 'failed', 'cancelled')";

/// What a later version might write into some run's log between the events of its owner.
const ADD_STRANGER: &str = "
WITH head AS (
    UPDATE run_heads SET last_seq = last_seq + 1
    WHERE status IN ('running', 'waiting_for_input') AND (org_id, run_id) = (
        SELECT org_id, run_id FROM run_heads WHERE status IN ('running', 'waiting_for_input')
        ORDER BY random() LIMIT 1)
    RETURNING org_id, run_id, last_seq)
INSERT INTO events (org_id, run_id, seq, type, data, created_at)
SELECT org_id, run_id, last_seq, 'run.annotated', '{\"by\":\"another version\"}', now() FROM head";

/// The type of such events.
pub(crate) const STRANGER: &str = "run.annotated";

/// The database, read behind the back of the nodes.
pub(crate) struct Truth {
    client: Client,
    url: String,
}

impl Truth {
    /// A connection lasts no longer than the database does without being killed.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls)
            .await
            .context("can't look into the database")?;
        tokio::spawn(connection);
        Ok(Self {
            client,
            url: url.to_owned(),
        })
    }

    /// Runs that haven't ended, with their status.
    pub(crate) async fn live(&self) -> Result<Vec<(String, String)>> {
        let rows = self
            .client
            .query(LIVE, &[])
            .await
            .context("can't read runs")?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Adds an event of a type that nobody knows to some live run.
    pub(crate) async fn add_stranger(&self) -> Result<()> {
        let added = self.client.execute(ADD_STRANGER, &[]).await;
        added.map(drop).context("can't add an event")
    }

    /// Fills in what the database holds.
    pub(crate) async fn read(&self, views: &mut Views) -> Result<()> {
        self.read_runs(views).await?;
        self.read_calls(views).await?;
        self.read_messages(views).await
    }

    async fn read_runs(&self, views: &mut Views) -> Result<()> {
        let store = open_postgres(&self.url)
            .await
            .context("can't open the store")?;
        let rows = self
            .client
            .query(RUNS, &[])
            .await
            .context("can't read runs")?;
        for row in rows {
            let (org, id): (String, String) = (row.get(0), row.get(1));
            let events = read_events(&store, &org, &id).await?;
            let run = Run {
                name: None,
                status: row.get(2),
                last_seq: row.get::<_, i64>(3) as u64,
                owned: row.get(4),
                events,
                calls: Vec::new(),
                totals: Totals {
                    input: row.get(5),
                    output: row.get(6),
                    cost_nanos: row.get(7),
                },
                credits: row.get(8),
            };
            views.runs.insert(id, run);
        }
        Ok(())
    }

    async fn read_calls(&self, views: &mut Views) -> Result<()> {
        let rows = self
            .client
            .query(CALLS, &[])
            .await
            .context("can't read calls")?;
        for row in rows {
            let call = ModelCall {
                step: row.get::<_, i64>(1) as u64,
                attempt: row.get::<_, i64>(2) as u64,
                reported: row.get(3),
                totals: Totals {
                    input: row.get(4),
                    output: row.get(5),
                    cost_nanos: row.get(6),
                },
            };
            let run = views.runs.entry(row.get(0)).or_default();
            run.calls.push(call);
        }
        Ok(())
    }

    async fn read_messages(&self, views: &mut Views) -> Result<()> {
        let rows = self.client.query(MESSAGES, &[]).await;
        for row in rows.context("can't read messages")? {
            let calls: Option<String> = row.get(5);
            let message = Message {
                position: row.get::<_, i64>(1) as u64,
                run: row.get(2),
                role: row.get(3),
                content: row.get(4),
                calls: calls.map(|json| ids_of(&json)).unwrap_or_default(),
                tool_call_id: row.get(6),
            };
            if let (Some(run), "user") = (&message.run, message.role.as_str())
                && let Some(script) = Script::from_input(&message.content)
            {
                views.runs.entry(run.clone()).or_default().name = Some(script.name);
            }
            views.threads.entry(row.get(0)).or_default().push(message);
        }
        Ok(())
    }
}

fn ids_of(calls: &str) -> Vec<String> {
    let calls: Value = serde_json::from_str(calls).unwrap_or_default();
    let calls = calls.as_array().into_iter().flatten();
    calls
        .filter_map(|call| call["tool_call_id"].as_str().map(str::to_owned))
        .collect()
}

async fn read_events(store: &Arc<PostgresStore>, org: &str, run: &str) -> Result<Vec<Event>> {
    let (org, run): (OrgId, RunId) = (org.parse()?, run.parse()?);
    let mut events: Vec<Event> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.seq);
        let page = store.events(org, run, after, PAGE).await;
        let page = page.with_context(|| format!("can't read the log of {run}"))?;
        let whole = page.len() == PAGE as usize;
        for stored in page {
            events.push(into_event(&stored)?);
        }
        if !whole {
            return Ok(events);
        }
    }
}

fn into_event(stored: &StoredEvent) -> Result<Event> {
    let event = &stored.event;
    let json = |text: &str| serde_json::from_str(text).context("an event holds no JSON");
    Ok(Event {
        seq: stored.seq,
        kind: event.event_type.clone(),
        data: json(&event.data)?,
        private: event.private.as_deref().map(json).transpose()?,
        line: event_json(stored.seq, event),
    })
}
