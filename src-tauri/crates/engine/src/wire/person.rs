//! People and grants.

use hausrecht_model::{CameraId, ClipId, GrantId, PersonId, UnixMicros};
use serde::{Deserialize, Serialize};

/// A person as drawn: initial and colour.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct Face {
    /// Id.
    pub id: PersonId,
    /// Name; for members, those of others are left empty.
    pub name: String,
    /// Owner.
    pub owner: bool,
    /// Index into the theme's palette.
    pub color: u8,
}

/// A person and what they may view.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct PersonView {
    /// Face.
    pub face: Face,
    /// When added.
    pub added_us: UnixMicros,
    /// Grants that hold now.
    pub grants: Vec<GrantView>,
    /// When they last opened a clip.
    pub last_opened_us: Option<UnixMicros>,
}

/// A new person.
#[derive(Clone, Deserialize, specta::Type)]
pub struct AddPerson {
    /// Name, unique in this vault.
    pub name: String,
    /// Their own passphrase, typed by them.
    pub passphrase: String,
    /// Accept a passphrase that rates lower than 3 of 4.
    pub accept_weak: bool,
}

/// What a grant covers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum GrantScope {
    /// One clip.
    Clip {
        /// The clip.
        clip: ClipId,
    },
    /// The clips of one camera that overlap a span of time.
    Span {
        /// Camera.
        camera: CameraId,
        /// From.
        from_us: UnixMicros,
        /// To.
        to_us: UnixMicros,
    },
    /// A camera from now on: live pictures, and each new clip as it is recorded.
    Camera {
        /// Camera.
        camera: CameraId,
    },
}

/// Lets someone view.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct GiveGrant {
    /// Who.
    pub person: PersonId,
    /// What.
    pub scope: GrantScope,
    /// Until when; `None`: until taken back.
    pub until_us: Option<UnixMicros>,
    /// Why, in the owner's words. Sealed.
    pub reason: String,
}

/// A grant.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct GrantView {
    /// Id.
    pub id: GrantId,
    /// Who.
    pub person: PersonId,
    /// What.
    pub scope: GrantScope,
    /// Name of the camera it is about.
    pub camera_name: String,
    /// For a clip: its start.
    pub clip_start_us: Option<UnixMicros>,
    /// When given.
    pub given_us: UnixMicros,
    /// Until when.
    pub until_us: Option<UnixMicros>,
    /// Why.
    pub reason: String,
    /// Its entry in the log.
    #[specta(type = u32)]
    pub entry: u64,
}

/// What taking back could do.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct TakenBack {
    /// How often the person had opened something through this grant. Zero: it was never opened through Hausrecht.
    #[specta(type = u32)]
    pub opened: u64,
}
