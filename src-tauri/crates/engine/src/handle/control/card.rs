//! The card in a camera: what is on it, watching it, fetching from it.

use std::{sync::Arc, time::Duration};

use hausrecht_ledger::Kind;
use hausrecht_media::{CardOpen, Password};
use hausrecht_model::{CameraId, CardJobId, UnixMicros};
use hausrecht_onvif::camera::{RecordedSpan, Span};
use hausrecht_store::CardJobRow;

use super::Control;
use crate::{
    Result,
    camera::card::LEAST_US,
    card_player::CardPlayer,
    handle::{Handle, session::blocking},
    inner::lock,
    logbook::Note,
    wire::{CardJob, CardOrder, CardPlayerState, CardSpan, CardView, Error, Event},
};

/// The longest span that is listed, watched, or fetched at once.
const SPAN_MAX: Duration = Duration::from_secs(8 * 86_400);
const FETCH_MAX: Duration = Duration::from_secs(86_400);
/// How many fetches of one camera may wait.
const JOBS_MAX: usize = 64;
/// How far back gaps are looked for when that is switched on.
const GAPS_SINCE: Duration = Duration::from_secs(7 * 86_400);

impl Handle {
    /// What a camera's card has in a span of time.
    ///
    /// # Errors
    /// Only the owner; the camera has no card that can be searched; a span that is empty or too long.
    pub async fn card(&self, camera: CameraId, from_us: UnixMicros, to_us: UnixMicros) -> Result<CardView> {
        check_span(from_us, to_us, SPAN_MAX)?;
        let control = self.control(camera).await?;
        let spans = control.on_card(Span { from: from_us, until: to_us }).await?;
        let spans = spans.into_iter().map(|recorded| CardSpan {
            recording: recorded.recording,
            from_us: recorded.span.from.max(from_us),
            to_us: recorded.span.until.min(to_us),
        });
        Ok(CardView { spans: spans.filter(|span| span.from_us < span.to_us).collect() })
    }

    /// Fetches a span from a camera's card into the vault: what the vault does not have of it. The log says so before the
    /// camera is asked, and again at the end.
    ///
    /// # Errors
    /// Only the owner; a span that lies in the future, is too long, or is older than clips are kept.
    pub async fn fetch_from_card(
        &self,
        camera: CameraId,
        recording: &str,
        from_us: UnixMicros,
        to_us: UnixMicros,
    ) -> Result<CardJobId> {
        let task = self.camera_task(camera)?;
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        let now = self.inner.now();
        let kept = self.inner.kept(camera);
        let (from_us, to_us) = (from_us.max(now.minus(kept)), to_us.min(now));
        check_span(from_us, to_us, FETCH_MAX)?;
        if to_us.0 - from_us.0 < LEAST_US {
            return Err(Error::invalid("a span that is fetched lasts two seconds or longer"));
        }
        check_recording(recording)?;
        if self.inner.card_jobs.open(camera) >= JOBS_MAX {
            return Err(Error::invalid(
                "many fetches from this camera wait already: stop some of them first",
            ));
        }
        let row = CardJobRow {
            id: CardJobId::random(&mut rand::rng()),
            camera,
            recording: recording.to_owned(),
            from_us,
            to_us,
            asked_by: Some(person.id),
        };
        let id = row.id;
        self.inner.begin_card_job(&task, row, Some(keys)).await?;
        Ok(id)
    }

    /// Stops a fetch; what came is kept.
    ///
    /// # Errors
    /// Only the owner; there is no such fetch, or it has ended.
    pub fn stop_card_job(&self, id: CardJobId) -> Result<()> {
        self.inner.signed_in()?.owner_keys()?;
        let camera = self.inner.card_jobs.stop(id).ok_or_else(|| Error::not_found("this fetch"))?;
        self.camera_task(camera)?.card.wake();
        Ok(())
    }

    /// Fetches of this run, oldest first.
    ///
    /// # Errors
    /// Only the owner.
    pub fn card_jobs(&self) -> Result<Vec<CardJob>> {
        self.inner.signed_in()?.owner_keys()?;
        Ok(self.inner.card_jobs.views())
    }

    /// Whether gaps in what was recorded of a camera are filled from its card by themselves.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn fill_gaps(&self, camera: CameraId) -> Result<bool> {
        self.camera_task(camera)?;
        Ok(self.inner.db.read(move |tables| Ok(tables.gap_filling(camera)?)).await?.is_some())
    }

    /// Switches that on or off.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn set_fill_gaps(&self, camera: CameraId, on: bool) -> Result<()> {
        let task = self.camera_task(camera)?;
        if self.fill_gaps(camera).await? == on {
            return Ok(());
        }
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        let now = self.inner.now();
        let note = Note::new(Kind::SettingChanged)
            .by(person.id)
            .camera(camera)
            .fact("setting", "fill_gaps")
            .fact("to", if on { "on" } else { "off" });
        let writer = Arc::clone(&self.inner);
        let index = self
            .inner
            .db
            .write(move |tables| {
                if on {
                    // What is before the first recording is no gap, even if something was fetched of it.
                    let since_us = tables.first_live(camera, now.minus(GAPS_SINCE))?.unwrap_or(now);
                    tables.put_gap_filling(camera, since_us)?;
                } else {
                    tables.delete_gap_filling(camera)?;
                }
                writer.logbook.append(tables, &note, Some(&keys))
            })
            .await?;
        self.inner.tell(Event::LogGrew(index + 1));
        task.card.wake();
        Ok(())
    }

    /// Shows what a camera's card has from a time on. The entry is durable before the camera is asked for a picture.
    ///
    /// # Errors
    /// Only the owner; the card has nothing there; the log cannot be written.
    pub async fn open_card(
        &self,
        camera: CameraId,
        recording: &str,
        from_us: UnixMicros,
    ) -> Result<CardPlayerState> {
        check_recording(recording)?;
        let control = self.control(camera).await?;
        if !control.heard(control.live.features().await).await?.replay.is_present() {
            return Err(Error::from(control.live.lacks("a way to play what is on its card")));
        }
        let until = from_us.plus(FETCH_MAX).min(self.inner.now());
        check_span(from_us, until, FETCH_MAX)?;
        let mut spans = control.on_card(Span { from: from_us, until }).await?;
        spans.retain(|recorded| recorded.recording == recording);
        let (Some(from_us), Some(to_us)) = (
            spans.iter().map(|recorded| recorded.span.from.max(from_us)).min(),
            spans.iter().map(|recorded| recorded.span.until.min(until)).max(),
        ) else {
            return Err(Error::not_found("a picture of that time on the card"));
        };
        let uri = control.heard(control.live.camera.replay_uri(recording).await).await?;
        let (user, password) = control.task.sign_in(&self.inner)?;
        let theirs = control.live.camera.camera_time(from_us);
        let open = CardOpen {
            uri: uri.to_string(),
            user,
            password: Password::new(password.as_str()),
            certificate: control.task.row().certificate,
            from_unix_us: theirs.0,
            until_unix_us: control.live.camera.camera_time(to_us).0,
            offset_us: from_us.0 - theirs.0,
            fetch: false,
            clip_target_ms: 0,
        };
        let state = CardPlayerState {
            camera,
            recording: recording.to_owned(),
            from_us,
            to_us,
            at_us: from_us,
            playing: true,
            ended: false,
            speed: 1.0,
            has_picture: false,
            error: None,
        };
        let note =
            Note::new(Kind::CardOpened).fact("recording", recording.to_owned()).fact("from_us", from_us.0);
        control.announce(note).await?;
        let (inner, number) = (Arc::clone(&self.inner), control.person.number);
        let player = blocking(move || CardPlayer::open(&inner, open, state, number)).await?;
        let state = player.state();
        let old = {
            let mut slot = lock(&self.inner.card_player);
            if self.inner.still(&control.person).is_err() {
                player.close();
                return Err(Error::locked());
            }
            player.take_port(&self.inner);
            slot.replace(player)
        };
        if let Some(old) = old {
            old.close();
        }
        self.touch();
        Ok(state)
    }

    /// Tells the player of the card what to do.
    ///
    /// # Errors
    /// No card is watched; a value out of range.
    pub fn card_player(&self, order: &CardOrder) -> Result<()> {
        let person = self.inner.signed_in()?;
        self.touch();
        let player = lock(&self.inner.card_player).clone();
        let player = player.filter(|player| player.opened_by == person.number);
        player.ok_or_else(|| Error::not_found("a card that is watched"))?.order(order)
    }

    /// Ends watching.
    pub fn close_card(&self) {
        let player = lock(&self.inner.card_player).take();
        if player.is_some() {
            self.inner.end_card(player);
        }
    }
}

impl Control {
    /// What the card has.
    async fn on_card(&self, span: Span) -> Result<Vec<RecordedSpan>> {
        if !self.heard(self.live.features().await).await?.recordings.is_present() {
            return Err(Error::from(self.live.lacks("recordings on a card")));
        }
        self.heard(self.live.camera.recordings(span).await).await
    }
}

fn check_span(from_us: UnixMicros, to_us: UnixMicros, longest: Duration) -> Result<()> {
    if to_us <= from_us {
        return Err(Error::invalid("the span is empty, lies in the future, or is older than clips are kept"));
    }
    if to_us.since(from_us) > longest {
        return Err(Error::invalid(format!("the span is longer than {} hours", longest.as_secs() / 3600)));
    }
    Ok(())
}

fn check_recording(recording: &str) -> Result<()> {
    if recording.is_empty() || recording.len() > 256 {
        return Err(Error::invalid("a recording's id has 1 to 256 characters"));
    }
    Ok(())
}
