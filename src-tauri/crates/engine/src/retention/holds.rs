//! Holds whose time is over: what they wanted is as all else is.

use std::sync::Arc;

use hausrecht_ledger::Kind;

use crate::{Result, inner::Inner, logbook::Note};

/// Ends holds whose time is over, and says so in the log.
pub(super) async fn end_holds(inner: &Arc<Inner>) -> Result<()> {
    let now = inner.now();
    let writer = Arc::clone(inner);
    let ended = inner
        .db
        .write(move |tables| {
            let mut ended = 0;
            for hold in tables.holds()? {
                if hold.until_us.is_none_or(|until| now < until) {
                    continue;
                }
                let mut note = Note::new(Kind::HoldEnded)
                    .camera(hold.camera)
                    .fact("why", "time_is_up")
                    .fact("from_us", hold.from_us.0)
                    .fact("to_us", hold.to_us.0);
                note.refers_to = Some(hold.entry);
                tables.delete_hold(hold.id)?;
                writer.logbook.append(tables, &note, None)?;
                ended += 1;
            }
            Ok(ended)
        })
        .await?;
    if ended > 0 {
        inner.clips_changed();
    }
    Ok(())
}
