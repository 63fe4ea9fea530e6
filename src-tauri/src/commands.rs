//! What the window can ask for. Each command has the name and the arguments of a method of the engine's handle and only
//! calls it; the few that the engine cannot know, about the window itself, are marked as the shell's own.

pub(crate) mod backup;
pub(crate) mod cameras;
pub(crate) mod card;
pub(crate) mod clips;
pub(crate) mod control;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod footage;
pub(crate) mod kept_keys;
pub(crate) mod live;
pub(crate) mod log;
pub(crate) mod notify;
pub(crate) mod package;
pub(crate) mod people;
pub(crate) mod player;
pub(crate) mod recording;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod timeline;
pub(crate) mod together;
pub(crate) mod windows;
pub(crate) mod witness;

use std::sync::{Arc, Mutex, atomic::AtomicBool};

use hausrecht_engine::{Handle, wire};
use hausrecht_model::CameraId;

use crate::{demo::Demo, folder::Kept, presenter::Screens};

/// What a command answers.
type Answer<T> = Result<T, wire::Error>;

/// What the commands work with.
pub(crate) struct Shell {
    /// The engine.
    pub(crate) engine: Handle,
    /// What is on the screen, by window.
    pub(crate) screens: Arc<Screens>,
    /// The demo cameras.
    pub(crate) demo: Arc<Demo>,
    /// The camera in the small window.
    pub(crate) small: Mutex<Option<CameraId>>,
    /// Whether the program is to begin again once it has ended.
    pub(crate) anew: Arc<AtomicBool>,
    /// Files that were kept outside the vault.
    pub(crate) kept: Kept,
}

/// A failure of the shell itself.
pub(crate) fn internal(error: impl std::fmt::Display) -> wire::Error {
    wire::Error { code: wire::ErrorCode::Internal, message: error.to_string() }
}
