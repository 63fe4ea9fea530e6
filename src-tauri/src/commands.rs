//! What the window can ask for. Each command has the name and the arguments of a method of the engine's handle and only
//! calls it; the few that the engine cannot know, about the window itself, are marked as the shell's own.

pub(crate) mod cameras;
pub(crate) mod card;
pub(crate) mod clips;
pub(crate) mod control;
pub(crate) mod events;
pub(crate) mod footage;
pub(crate) mod live;
pub(crate) mod log;
pub(crate) mod notify;
pub(crate) mod people;
pub(crate) mod player;
pub(crate) mod recording;
pub(crate) mod session;
pub(crate) mod settings;

use std::sync::Arc;

use hausrecht_engine::{Handle, wire};

use crate::{
    demo::Demo,
    presenter::{Wall, canvas::Canvas},
};

/// What a command answers.
type Answer<T> = Result<T, wire::Error>;

/// What the commands work with.
pub(crate) struct Shell {
    /// The engine.
    pub(crate) engine: Handle,
    /// What is on the screen.
    pub(crate) wall: Arc<Wall>,
    /// The stream for canvases.
    pub(crate) canvas: Arc<Canvas>,
    /// The demo cameras.
    pub(crate) demo: Arc<Demo>,
}

/// A failure of the shell itself.
fn internal(error: impl std::fmt::Display) -> wire::Error {
    wire::Error { code: wire::ErrorCode::Internal, message: error.to_string() }
}
