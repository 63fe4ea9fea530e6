//! What the window and the command line may ask of the engine: one method an operation, by noun.
//!
//! Every method checks for itself who is signed in. Nothing here is a shortcut past the log.

mod asks;
mod bookmarks;
mod cameras;
mod clip_proof;
mod clips;
mod consistency;
mod control;
mod erase;
mod events;
mod footage;
mod grants;
mod keyring;
mod log;
mod notify;
mod people;
mod pictures;
mod recording;
mod release;
mod session;
mod templates;
mod timeline;
mod together;
mod verify;
mod walls;
mod would_see;

pub(crate) use self::control::talk::Talk;

use std::{fs::File, sync::Arc};

use hausrecht_model::UnixMicros;
use tokio::sync::broadcast;

pub(crate) use self::cameras::{Search, found_view, known_row};
pub use self::{
    cameras::find_cameras, clip_proof::check_clip_proof, keyring::KeptKeys, notify::SmallPicture,
};
pub(crate) use self::{
    clips::{end_of, visible_grants},
    events::said,
    grants::about,
    keyring::KEYRING_KEY,
    session::{OWNER_FILE, blocking, qr_svg},
};
use crate::{
    Result, View,
    inner::{Inner, lock},
    player::{FOR_ANYBODY, Player},
    start, wire,
    wire::Error,
};

/// The running engine. Clones are the same engine.
#[derive(Clone)]
pub struct Handle {
    pub(crate) inner: Arc<Inner>,
    /// Held until the last clone is gone.
    _lock_file: Arc<File>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("folder", &self.inner.options.data_folder).finish_non_exhaustive()
    }
}

impl Handle {
    pub(crate) fn new(inner: Arc<Inner>, lock_file: File) -> Self {
        Self { inner, _lock_file: Arc::new(lock_file) }
    }

    /// Snapshots for the window, from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<wire::Event> {
        self.inner.events.subscribe()
    }

    /// The time by the engine's clock.
    pub fn now(&self) -> UnixMicros {
        self.inner.now()
    }

    /// Stops recording, seals what is open, signs the last checkpoint. The engine is of no use afterwards.
    pub async fn stop(&self) {
        start::stop(&self.inner).await;
    }

    /// Shows pictures of `source` at a size in pixels, for as long as the view is held.
    ///
    /// # Errors
    /// Nobody is signed in, or the camera is not theirs to watch.
    pub fn view(&self, source: &wire::TileSource, width: u32, height: u32) -> Result<View> {
        let packed = |player: &Arc<Player>| player.opened_by == FOR_ANYBODY;
        if *source == wire::TileSource::Player && lock(&self.inner.player).as_ref().is_some_and(packed) {
            return self.inner.player_port.view(hausrecht_model::StreamRole::Main, width, height);
        }
        let person = self.inner.signed_in()?;
        match source {
            wire::TileSource::Live { camera, stream } => {
                if !self.inner.may_watch(&person, *camera) {
                    return Err(Error::not_found("this camera"));
                }
                let task = lock(&self.inner.cameras).get(camera).cloned();
                task.ok_or_else(|| Error::not_found("this camera"))?.watch(*stream, width, height)
            }
            wire::TileSource::Card => {
                let watched = lock(&self.inner.card_player).clone();
                if watched.is_none_or(|watched| watched.opened_by != person.number) {
                    return Err(Error::not_found("a card that is watched"));
                }
                self.inner.card_port.view(hausrecht_model::StreamRole::Main, width, height)
            }
            wire::TileSource::Together { seat } => {
                let together = lock(&self.inner.together).clone();
                let port = together
                    .filter(|together| together.opened_by == person.number)
                    .and_then(|together| together.ports.get(*seat as usize).cloned())
                    .ok_or_else(|| Error::not_found("cameras that are played together"))?;
                port.view(hausrecht_model::StreamRole::Main, width, height)
            }
            wire::TileSource::Player => {
                let player = lock(&self.inner.player).clone();
                if player.is_some_and(|player| player.opened_by != person.number) {
                    return Err(Error::not_found("an open clip"));
                }
                self.inner.player_port.view(hausrecht_model::StreamRole::Main, width, height)
            }
        }
    }

    /// The live tiles.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub fn tiles(&self) -> Result<Vec<wire::TileState>> {
        self.inner.signed_in()?;
        Ok(self.inner.tiles_view())
    }

    /// Process id of a camera's worker, while it has one. For tests and the command line.
    pub fn worker_pid(&self, camera: hausrecht_model::CameraId) -> Option<u32> {
        let task = lock(&self.inner.cameras).get(&camera).cloned();
        task.and_then(|task| *lock(&task.worker_pid))
    }
}
