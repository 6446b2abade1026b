//! Parts for runs of earlier months, which come with an organisation from elsewhere. Among all
//! other rows they would keep the months to come from being made.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use futures_util::FutureExt;
use runloom_store::StoreError;

use super::super::Conn;
use super::super::error::{Class, class};
use super::super::housekeeping::is_alone;
use super::super::lanes::Lent;
use super::super::transaction::transaction;
use super::{AS_LOGIN, BRIEFLY, Step, make, state, tend};
use crate::failure::{Failure, Verdict};

/// How often it is tried while others are at the log, and the pause before each further try.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);

/// Makes a part for each of the months, which are called like `2020_01`, that has none.
pub(in super::super) async fn make_past(
    lent: &mut Lent,
    months: &BTreeSet<String>,
) -> Result<(), Failure> {
    for _ in 0..TRIES {
        match try_once(lent, months).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(Failure::Sql(error)) if matches!(class(&error), Class::Again | Class::Waited) => {}
            // Other rows are of no month, and the log stays as it is anyway.
            Err(Failure::Sql(error)) if class(&error) == Class::Data => return Ok(()),
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(PAUSE).await;
    }
    let busy = "others are at the log's parts; try again";
    Err(StoreError::Unavailable(busy.into()).into())
}

/// False when another node is at it.
async fn try_once(lent: &mut Lent, months: &BTreeSet<String>) -> Result<bool, Failure> {
    // What is in no part is set apart first: reading it for each new part would take long. The
    // retentions of organisations don't matter to this, as if one kept its events for ever.
    if tend(lent, 0).await?.ahead == 0 {
        return Ok(false);
    }
    for month in months {
        let mut month = month.clone();
        let made = transaction(lent, &mut month, |c, month| step(c, month).boxed());
        if made.await? == Step::Busy {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn step(c: &mut Conn, month: &str) -> Result<Verdict<Step>, Failure> {
    c.batch_execute(AS_LOGIN).await?;
    c.batch_execute(BRIEFLY).await?;
    if !is_alone(c).await? {
        return Ok(Verdict::Undo(Step::Busy));
    }
    let parts = state::parts(c).await?;
    let (name, range) = state::part_for(c, month).await?;
    if parts.iter().any(|part| part.range.overlaps(range)) {
        return Ok(Verdict::Undo(Step::Nothing { ahead: 0 }));
    }
    c.batch_execute(&make(&name, range)).await?;
    Ok(Verdict::Keep(Step::Made))
}
