//! One camera: its worker, its recording, its events. A task of its own that only ever ends with the engine or with
//! the camera's removal.

pub(crate) mod card;
mod events;
pub(crate) mod link;
pub(crate) mod live;
mod motion;
pub(crate) mod mover;
pub(crate) mod recording;
mod supervise;

use std::sync::{Arc, Mutex, atomic::AtomicBool};

use hausrecht_media::{StreamState, Transport};
use hausrecht_model::{CameraId, Rights, StreamRole, UnixMicros};
use hausrecht_onvif::Credentials;
use hausrecht_store::CameraRow;
use hausrecht_vault::{SecretString, open_with, seal_to};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use zeroize::Zeroizing;

pub(crate) use self::events::Said;
use crate::{
    Result,
    inner::{Inner, lock},
    snapshots::Snapshots,
    viewport::{View, Viewport},
    wire::{self, DeadReason, PictureState},
};

/// What the supervising task is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    Run,
    /// Row or password changed: begin anew at once.
    Restart(u64),
    Stop,
}

/// State that the window shows.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) picture: PictureState,
    pub(crate) recording: bool,
    /// The last try to record it found no room.
    pub(crate) disk_full: bool,
    pub(crate) aspect: Option<f32>,
    pub(crate) last_event: Option<wire::LastEvent>,
    /// It said that it goes, and was not heard of since.
    pub(crate) said_bye: bool,
    /// How much later than usual its pictures come, and for how long they have been the same bit for bit. Milliseconds.
    pub(crate) lag_ms: u32,
    pub(crate) frozen_ms: u32,
    /// The transport by which its pictures came last.
    pub(crate) transport: Option<Transport>,
}

/// A camera that runs.
pub(crate) struct CameraTask {
    pub(crate) id: CameraId,
    row: Mutex<CameraRow>,
    pub(crate) status: Mutex<Status>,
    pub(crate) port: Arc<Viewport>,
    pub(crate) wanted: watch::Sender<Wanted>,
    /// Process id of the worker, for tests and the log.
    pub(crate) worker_pid: Mutex<Option<u32>>,
    /// The conversation that events and control share.
    link: link::Link,
    /// Its motors.
    pub(crate) mover: mover::Mover,
    /// Whether and how motion is measured in its pictures.
    pub(crate) motion: motion::Motion,
    /// When it is recorded.
    pub(crate) plan: recording::Plan,
    /// Its stream was not found at the known address.
    was_not_found: AtomicBool,
    /// What happens at it, on its way into database and log.
    desk: tokio::sync::Mutex<events::Desk>,
    /// What is fetched from its card.
    pub(crate) card: card::Card,
    /// Single pictures that are asked for.
    pub(crate) snapshots: Snapshots,
    /// What its worker last said of the streams that come.
    streams: Mutex<Vec<StreamState>>,
}

#[derive(Serialize, Deserialize)]
struct SignIn {
    user: String,
    password: String,
}

/// Seals a camera's sign-in to this computer, so that recording needs nobody.
pub(crate) fn seal_sign_in(inner: &Inner, user: &str, password: &str) -> Result<Vec<u8>> {
    let text =
        Zeroizing::new(serde_json::to_vec(&SignIn { user: user.to_owned(), password: password.to_owned() })?);
    Ok(seal_to(&[inner.logbook.device.broker_recipient()], &text)?)
}

/// Opens a sealed sign-in.
pub(crate) fn open_sign_in(inner: &Inner, sealed: &[u8]) -> Result<Credentials> {
    let plain = open_with(inner.logbook.device.broker(), sealed)?;
    let SignIn { user, password } = serde_json::from_slice(&plain)?;
    Ok(Credentials::new(user, SecretString::from(password)))
}

impl CameraTask {
    pub(crate) fn new(inner: &Arc<Inner>, row: CameraRow) -> Arc<Self> {
        Arc::new(Self {
            id: row.id,
            row: Mutex::new(row),
            status: Mutex::new(Status {
                picture: PictureState::Starting,
                recording: false,
                disk_full: false,
                aspect: None,
                last_event: None,
                said_bye: false,
                lag_ms: 0,
                frozen_ms: 0,
                transport: None,
            }),
            port: Viewport::of_many_views(Arc::clone(&inner.options.clock)),
            wanted: watch::channel(Wanted::Run).0,
            worker_pid: Mutex::new(None),
            link: link::Link::default(),
            mover: mover::Mover::default(),
            motion: motion::Motion::default(),
            plan: recording::Plan::default(),
            was_not_found: AtomicBool::new(false),
            desk: tokio::sync::Mutex::new(events::Desk::new(inner)),
            card: card::Card::default(),
            snapshots: Snapshots::default(),
            streams: Mutex::default(),
        })
    }

    /// Starts the tasks that run the camera.
    pub(crate) fn spawn(self: &Arc<Self>, inner: &Arc<Inner>) {
        inner.begin(supervise::run(Arc::clone(self), Arc::clone(inner)));
        inner.begin(events::listen(Arc::clone(self), Arc::clone(inner)));
        inner.begin(card::tend(Arc::clone(self), Arc::clone(inner)));
    }

    pub(crate) fn row(&self) -> CameraRow {
        lock(&self.row).clone()
    }

    /// Takes over a changed row; `restart` also begins anew with it.
    pub(crate) fn replace_row(&self, row: CameraRow, restart: bool) {
        *lock(&self.row) = row;
        if restart {
            self.restart();
        }
    }

    /// Ends what talks to the camera and begins it anew.
    pub(crate) fn restart(&self) {
        self.wanted.send_modify(|wanted| {
            *wanted = match *wanted {
                Wanted::Run => Wanted::Restart(1),
                Wanted::Restart(count) => Wanted::Restart(count + 1),
                Wanted::Stop => Wanted::Stop,
            }
        });
    }

    pub(crate) fn stop(&self) {
        self.wanted.send_replace(Wanted::Stop);
    }

    pub(crate) fn sign_in(&self, inner: &Inner) -> Result<(String, Zeroizing<String>)> {
        let plain = open_with(inner.logbook.device.broker(), &self.row().sign_in)?;
        let sign_in: SignIn = serde_json::from_slice(&plain)?;
        Ok((sign_in.user, Zeroizing::new(sign_in.password)))
    }

    /// The transport that worked last; until one did, whichever does.
    pub(crate) fn transport(&self) -> Transport {
        lock(&self.status).transport.unwrap_or_default()
    }

    pub(crate) fn is_recording(&self) -> bool {
        lock(&self.status).recording
    }

    /// Shows this camera's pictures at a size in pixels.
    pub(crate) fn watch(&self, stream: StreamRole, width: u32, height: u32) -> Result<View> {
        let stream = if self.row().sub_uri.is_none() { StreamRole::Main } else { stream };
        self.port.view(stream, width, height)
    }

    /// The streams that come now, as their worker last said.
    pub(crate) fn streams(&self) -> Vec<StreamState> {
        let decoded = self.port.branches();
        let mut streams = lock(&self.streams).clone();
        // A substream that nobody looks at any more is not fetched either.
        streams.retain(|state| {
            state.stream == StreamRole::Main || decoded.iter().any(|branch| branch.stream == state.stream)
        });
        streams.sort_by_key(|state| state.stream != StreamRole::Main);
        streams
    }

    /// Notes what its worker says of a stream.
    fn note_stream(&self, state: &StreamState) {
        let mut streams = lock(&self.streams);
        streams.retain(|known| known.stream != state.stream);
        streams.push(state.clone());
    }

    pub(crate) fn tile(&self) -> wire::TileState {
        let drawn = self.port.drawn();
        let record = self.record_state();
        let status = lock(&self.status);
        wire::TileState {
            camera: self.id,
            picture: status.picture.clone(),
            recording: status.recording,
            record,
            fps: drawn.fps,
            age_ms: drawn.age_ms,
            lag_ms: status.lag_ms,
            frozen_ms: status.frozen_ms,
            aspect: status.aspect,
            last_event: status.last_event.clone(),
        }
    }

    pub(crate) fn view(&self, row: &CameraRow, viewers: Vec<wire::Face>, rights: Rights) -> wire::CameraView {
        let maker_model = [row.maker.as_str(), row.model.as_str()];
        wire::CameraView {
            id: self.id,
            name: row.name.clone(),
            maker_model: maker_model
                .iter()
                .filter(|part| !part.is_empty())
                .copied()
                .collect::<Vec<_>>()
                .join(" "),
            firmware: row.firmware.clone(),
            address: address_of(&row.xaddr),
            demo: row.demo,
            recording: self.is_recording(),
            away: self.is_away(),
            viewers,
            rights: rights.iter().collect(),
        }
    }

    /// Whether it said that it goes, or does not answer. Anybody can say Bye in a camera's name, so one that is seen is
    /// there.
    pub(crate) fn is_away(&self) -> bool {
        let status = lock(&self.status);
        match status.picture {
            PictureState::Live => false,
            PictureState::Dead { reason: DeadReason::Unreachable, .. } => true,
            PictureState::Starting | PictureState::Dead { .. } => status.said_bye,
        }
    }

    /// Notes that it said Hello; tries it again at once if it was away, but never a password that was refused.
    pub(crate) fn said_hello(&self) {
        let is_waiting = {
            let mut status = lock(&self.status);
            status.said_bye = false;
            match status.picture {
                PictureState::Dead { reason, .. } => {
                    !matches!(reason, DeadReason::WrongPassword | DeadReason::UnsupportedCodec)
                }
                PictureState::Starting | PictureState::Live => false,
            }
        };
        if is_waiting {
            self.restart();
        }
    }

    /// Sets the picture's state; returns whether it was alive before.
    fn set_picture(&self, picture: PictureState) -> bool {
        let mut status = lock(&self.status);
        let was_live = status.picture == PictureState::Live;
        if picture == PictureState::Live {
            status.said_bye = false;
        }
        status.picture = picture;
        was_live
    }

    /// Says that there is no picture. The time since when stays while the reason changes.
    fn set_dead(&self, now: UnixMicros, reason: DeadReason, retry_at_us: Option<UnixMicros>) -> bool {
        let mut status = lock(&self.status);
        let was_live = status.picture == PictureState::Live;
        let since_us = match status.picture {
            PictureState::Dead { since_us, .. } => since_us,
            PictureState::Starting | PictureState::Live => now,
        };
        status.picture = PictureState::Dead { since_us, reason, retry_at_us };
        was_live
    }
}

/// Host and, if unusual, port of a URL.
pub(crate) fn address_of(url: &str) -> String {
    url::Url::parse(url).ok().map_or_else(
        || url.to_owned(),
        |url| {
            let host = url.host_str().unwrap_or_default().to_owned();
            url.port().map_or(host.clone(), |port| format!("{host}:{port}"))
        },
    )
}
