//! `cargo xtask audit`: checks that the audit log is as it was written.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use runloom_domain::{Clock, OrgId, SystemClock, Timestamp, hex};
use runloom_store::{Chain, Checked, Finding, StoreError};
use runloom_store_sql::{Database, back_up_sqlite, open_sqlite};
use tempfile::TempDir;

use crate::database::{Chosen, DatabaseArguments};
use crate::process;

/// Seals, records or organisations that are read at once.
const PAGE: u32 = 1_000;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Name every record that was changed, is missing, is out of order or has no seal and waits
    /// for none, and print the heads of the chains, to be kept elsewhere
    Verify(Verify),
}

#[derive(Args)]
struct Verify {
    /// The organisation's id; all when absent
    org: Option<OrgId>,
    /// A head that was printed before and must still be in its chain: only this shows that the
    /// end of a chain was cut off. May be said several times
    #[arg(long = "head", value_name = "ORG:SEQ:HASH")]
    heads: Vec<Head>,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// A place in a chain that somebody has kept.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Head {
    org: OrgId,
    seq: u64,
    hash: [u8; 32],
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.org, self.seq, hex(&self.hash))
    }
}

impl FromStr for Head {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let [org, seq, digits] = parts[..] else {
            bail!("a head is ORG:SEQ:HASH");
        };
        ensure!(
            digits.len() == 64 && digits.is_ascii(),
            "a hash has 64 hexadecimal digits"
        );
        let mut hash = [0; 32];
        for (place, byte) in hash.iter_mut().enumerate() {
            let pair = &digits[2 * place..2 * place + 2];
            *byte = u8::from_str_radix(pair, 16).context("a hash has 64 hexadecimal digits")?;
        }
        Ok(Self {
            org: org.parse().context("a head begins with an id")?,
            seq: seq.parse().context("a head's second part is a number")?,
            hash,
        })
    }
}

pub(crate) async fn run(arguments: &Arguments) -> Result<()> {
    let What::Verify(verify) = &arguments.what;
    if let Some(org) = verify.org {
        let other = verify.heads.iter().find(|head| head.org != org);
        if let Some(head) = other {
            bail!("the head {head} isn't one of the organisation {org}");
        }
    }
    let read = Reading::open(&verify.database.choose()?, Arc::new(SystemClock)).await?;
    let found = check(&*read.database, verify).await;
    let closed = read.database.close().await;
    let found = found?;
    closed.context("can't close the database")?;
    match found {
        0 => Ok(()),
        1 => bail!("the audit log isn't as it was written: 1 finding"),
        found => bail!("the audit log isn't as it was written: {found} findings"),
    }
}

/// The database to read. A server may be using a file of SQLite's, so a copy of it is read.
struct Reading {
    database: Arc<dyn Database>,
    _copy: Option<TempDir>,
}

impl Reading {
    async fn open(chosen: &Chosen, clock: Arc<dyn Clock>) -> Result<Self> {
        let Chosen::Sqlite(folder) = chosen else {
            let database = chosen.open(clock).await?;
            return Ok(Self {
                database,
                _copy: None,
            });
        };
        let copy = TempDir::new().context("can't make a folder for a copy")?;
        back_up_sqlite(folder, &copy.path().join("runloom.db"))
            .with_context(|| format!("can't copy the database in {}", folder.display()))?;
        let database = open_sqlite(copy.path(), clock);
        Ok(Self {
            database: database.context("can't read the copy of the database")?,
            _copy: Some(copy),
        })
    }
}

/// Checks one chain or all, prints what is found, and counts it.
async fn check(store: &dyn Database, verify: &Verify) -> Result<usize> {
    if let Some(org) = verify.org {
        ensure!(
            store.org(org).await?.is_some(),
            "there is no organisation {org}"
        );
        return check_org(store, org, &verify.heads).await;
    }
    let (mut found, mut after) = (0, None);
    let mut unknown: Vec<&Head> = verify.heads.iter().collect();
    loop {
        let orgs = store.audited_orgs(after, PAGE).await?;
        for org in &orgs {
            found += check_org(store, *org, &verify.heads).await?;
            unknown.retain(|head| head.org != *org);
        }
        after = orgs.last().copied();
        if after.is_none() {
            break;
        }
    }
    for head in &unknown {
        println!("{}: the organisation isn't there", head.org);
    }
    Ok(found + unknown.len())
}

/// What can't be read of one organisation is a finding too, and keeps no other from being checked.
async fn check_org(store: &dyn Database, org: OrgId, heads: &[Head]) -> Result<usize> {
    let (checked, waiting) = match read_org(store, org, heads).await {
        Err(error @ (StoreError::Corrupt { .. } | StoreError::Rejected(_))) => {
            println!("{org}: can't be read: {:#}", anyhow::Error::new(error));
            return Ok(1);
        }
        read => read?,
    };
    for finding in &checked.findings {
        println!("{org}: {finding}");
    }
    if let Some(since) = waiting.oldest {
        process::step(&format!(
            "{org}: records that wait for a running server to seal them: {}, the oldest since {since}",
            waiting.count
        ));
    }
    if let Some((seq, hash)) = checked.head {
        process::step(&format!("head {}", Head { org, seq, hash }));
    }
    Ok(checked.findings.len())
}

/// Records that are as they should be, but for the seal that they will get.
#[derive(Debug, Default)]
struct Waiting {
    count: u64,
    oldest: Option<Timestamp>,
}

async fn read_org(
    store: &dyn Database,
    org: OrgId,
    heads: &[Head],
) -> Result<(Checked, Waiting), StoreError> {
    let kept = heads.iter().filter(|head| head.org == org);
    let mut chain = Chain::with_heads(kept.map(|head| (head.seq, head.hash)));
    let mut after = 0;
    loop {
        let links = store.audit_chain(org, after, PAGE).await?;
        for link in &links {
            chain.add(link);
        }
        let Some(last) = links.last() else { break };
        after = last.seal.seq;
    }
    let mut checked = chain.finish();
    let (mut waiting, mut after) = (Waiting::default(), None);
    loop {
        let unsealed = store.unsealed_audit(org, after, PAGE).await?;
        for it in &unsealed {
            if it.waits {
                waiting.count += 1;
                waiting.oldest = Some(waiting.oldest.map_or(it.at, |oldest| oldest.min(it.at)));
            } else {
                checked.findings.push(Finding::Unsealed(it.record_id));
            }
        }
        let Some(last) = unsealed.last() else { break };
        after = Some(last.record_id);
    }
    Ok((checked, waiting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let org = OrgId::generate(Timestamp::from_micros(1));
        let head = Head {
            org,
            seq: 7,
            hash: [171; 32],
        };
        let text = head.to_string();
        assert!(text.ends_with(&"ab".repeat(32)), "{text}");
        assert_eq!(text.parse::<Head>().unwrap(), head);
        for bad in [
            "",
            "a:1:00",
            &text[..text.len() - 1],
            &text.replace("ab", "é"),
        ] {
            assert!(bad.parse::<Head>().is_err(), "{bad}");
        }
    }
}
