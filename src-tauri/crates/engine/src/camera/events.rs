//! Listens to what a camera reports and keeps it: an event's start, its end, an entry in the log.

use std::{collections::HashMap, sync::Arc};

use hausrecht_ledger::Kind;
use hausrecht_model::{EventId, EventKind, UnixMicros};
use hausrecht_onvif::{Backoff, Notification, Operation};
use hausrecht_store::EventRow;

use super::{CameraTask, Wanted};
use crate::{
    Result,
    inner::{Inner, lock},
    logbook::Note,
    wire::Event,
    wire::LastEvent,
};

type Open = HashMap<(String, Vec<(String, String)>), EventId>;

pub(super) async fn listen(task: Arc<CameraTask>, inner: Arc<Inner>) {
    let mut wanted = task.wanted.subscribe();
    let mut backoff = Backoff::default();
    let mut open = Open::new();
    loop {
        let asked = *wanted.borrow_and_update();
        if asked == Wanted::Stop {
            break;
        }
        let outcome = tokio::select! {
            outcome = follow(&task, &inner, &mut open, &mut backoff) => outcome,
            _ = wanted.changed() => continue,
        };
        let Err(error) = outcome;
        // What is still going on when the camera stops answering has an end that nobody saw.
        end_all(&inner, &mut open).await;
        tracing::info!(camera = %task.id, "no events: {error}");
        let refused = error.code == crate::wire::ErrorCode::CameraRefused;
        let pause = backoff.failed(rand::random());
        tokio::select! {
            _ = wanted.changed() => {}
            () = tokio::time::sleep(pause), if !refused => {}
        }
    }
    end_all(&inner, &mut open).await;
}

async fn follow(
    task: &CameraTask,
    inner: &Arc<Inner>,
    open: &mut Open,
    backoff: &mut Backoff,
) -> Result<std::convert::Infallible> {
    let live = task.live(inner).await?;
    let mut subscription = match live.camera.events().await {
        Ok(subscription) => subscription,
        Err(error) => return Err(task.failed(&live, error).await),
    };
    backoff.succeeded();
    loop {
        let notifications = match subscription.next().await {
            Ok(notifications) => notifications,
            Err(error) => return Err(task.failed(&live, error).await),
        };
        for notification in notifications {
            take(task, inner, open, notification).await?;
        }
    }
}

async fn take(
    task: &CameraTask,
    inner: &Arc<Inner>,
    open: &mut Open,
    notification: Notification,
) -> Result<()> {
    let meaning = notification.meaning();
    let key = (notification.topic.clone(), notification.source.clone());
    let ends = meaning.active == Some(false) || notification.operation == Some(Operation::Deleted);
    if ends {
        if let Some(id) = open.remove(&key) {
            let at = inner.now();
            inner.db.write(move |tables| Ok(tables.end_event(id, at)?)).await?;
            show(task, inner, meaning.kind, at, false);
        }
        return Ok(());
    }
    // The first state after a subscription says nothing new unless it is "going on".
    let first_state = notification.operation == Some(Operation::Initialized);
    if open.contains_key(&key) || (first_state && meaning.active != Some(true)) {
        return Ok(());
    }
    if meaning.kind == EventKind::Unknown && meaning.active.is_none() && first_state {
        return Ok(());
    }
    let at = inner.now();
    let lasts = meaning.active == Some(true);
    let row = EventRow {
        id: EventId::random(&mut rand::rng()),
        camera: task.id,
        kind: meaning.kind,
        topic: notification.topic,
        start_us: at,
        end_us: (!lasts).then_some(at),
    };
    if lasts {
        open.insert(key, row.id);
    }
    let note = Note::new(Kind::Event)
        .camera(task.id)
        .fact("event", meaning.kind.as_str())
        .fact("topic", row.topic.clone());
    let writer = Arc::clone(inner);
    let index = inner
        .db
        .write(move |tables| {
            tables.insert_event(&row)?;
            writer.logbook.append(tables, &note, None)
        })
        .await?;
    inner.tell(Event::LogGrew(index + 1));
    show(task, inner, meaning.kind, at, lasts);
    Ok(())
}

fn show(task: &CameraTask, inner: &Arc<Inner>, kind: EventKind, at: UnixMicros, active: bool) {
    {
        let mut status = lock(&task.status);
        let at_us = match &status.last_event {
            Some(last) if !active && last.kind == kind => last.at_us,
            Some(_) | None => at,
        };
        status.last_event = Some(LastEvent { kind, at_us, active });
    }
    inner.tell(Event::Tiles(inner.tiles_view()));
    inner.clips_changed();
}

async fn end_all(inner: &Arc<Inner>, open: &mut Open) {
    let at = inner.now();
    let ids: Vec<_> = open.drain().map(|(_, id)| id).collect();
    if ids.is_empty() {
        return;
    }
    let ended = inner
        .db
        .write(move |tables| {
            for id in ids {
                tables.end_event(id, at)?;
            }
            Ok(())
        })
        .await;
    if let Err(error) = ended {
        tracing::warn!("events stay open: {error}");
    }
}
