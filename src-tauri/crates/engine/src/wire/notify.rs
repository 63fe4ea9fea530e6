//! What the desktop is told while the window is not looked at.

use hausrecht_model::{CameraId, EventKind};
use serde::{Deserialize, Serialize};

/// What the owner wants to be notified of.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
pub struct NotifyRules {
    /// At all.
    pub enabled: bool,
    /// Of which kinds, for each camera; a camera that is not named has [`CameraKinds::USUAL`].
    pub kinds: Vec<CameraKinds>,
    /// When nothing is shown.
    pub quiet: Option<QuietHours>,
    /// With a small picture, where the desktop shows one and somebody is signed in who may see it. Each is logged as
    /// previewed.
    pub pictures: bool,
    /// The desktop's own sound of a bell when somebody rings.
    pub bell_sound: bool,
}

impl Default for NotifyRules {
    fn default() -> Self {
        Self { enabled: true, kinds: Vec::new(), quiet: None, pictures: true, bell_sound: true }
    }
}

/// Kinds of one camera.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
pub struct CameraKinds {
    /// Camera.
    pub camera: CameraId,
    /// Kinds; empty: none.
    pub kinds: Vec<EventKind>,
}

impl CameraKinds {
    /// What is notified of until the owner says otherwise: people and what they do, not everything that moves.
    pub const USUAL: [EventKind; 5] =
        [EventKind::Person, EventKind::Package, EventKind::Intrusion, EventKind::Doorbell, EventKind::Tamper];
}

/// A span of every day, in the computer's own time. It may go over midnight.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, specta::Type)]
pub struct QuietHours {
    /// From, in minutes since midnight, 0 to 1439.
    pub from_min: u16,
    /// To, in minutes since midnight, 0 to 1439.
    pub to_min: u16,
    /// Quiet for the doorbell too.
    pub doorbell_too: bool,
}
