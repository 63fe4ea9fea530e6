//! People and grants.

use hausrecht_model::{CameraId, PersonId, Right, UnixMicros};
use serde::{Deserialize, Serialize};

use super::{GrantView, Language};

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
    /// What they are here, such as "Family". For the owner's eyes.
    pub role: String,
    /// When added.
    pub added_us: UnixMicros,
    /// When they may sign in no more; `None`: no end.
    pub until_us: Option<UnixMicros>,
    /// Their language; `None`: as everybody.
    pub language: Option<Language>,
    /// Grants that hold now.
    pub grants: Vec<GrantView>,
    /// When they last opened a clip.
    pub last_opened_us: Option<UnixMicros>,
}

/// A new person.
#[derive(Clone, Default, Deserialize, specta::Type)]
pub struct AddPerson {
    /// Name, unique in this vault.
    pub name: String,
    /// Their own passphrase, typed by them.
    pub passphrase: String,
    /// Accept a passphrase that rates lower than 3 of 4.
    pub accept_weak: bool,
    /// What they are here, such as "Family". May be empty. Sealed.
    pub role: String,
    /// A guest's end: after it they may sign in no more, and all that was granted to them ends.
    pub until_us: Option<UnixMicros>,
}

/// What is changed of a person.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct ChangePerson {
    /// Who.
    pub person: PersonId,
    /// Name, unique in this vault.
    pub name: String,
    /// What they are here. Sealed.
    pub role: String,
    /// Index into the theme's palette.
    pub color: u8,
    /// When they may sign in no more.
    pub until_us: Option<UnixMicros>,
    /// Their language; `None`: as everybody.
    pub language: Option<Language>,
}

/// What a person would see if they signed in now.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct WouldSee {
    /// Why they could not even sign in: their end is past.
    pub ended: bool,
    /// Cameras of which they would see anything, in the order of the wall.
    pub cameras: Vec<WouldSeeCamera>,
}

/// The same of one camera.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct WouldSeeCamera {
    /// Camera.
    pub camera: CameraId,
    /// Its name.
    pub camera_name: String,
    /// What they may do now.
    pub rights: Vec<Right>,
    /// What they may do at other hours, and not now.
    pub other_hours: Vec<Right>,
    /// Clips that they would find.
    #[specta(type = u32)]
    pub clips: u64,
    /// Of these, clips that open only when somebody else agrees.
    #[specta(type = u32)]
    pub with_second: u64,
    /// Clips that they are to find, for which no wrap was made yet.
    #[specta(type = u32)]
    pub to_come: u64,
    /// Start of the oldest.
    pub oldest_us: Option<UnixMicros>,
    /// Start of the newest.
    pub newest_us: Option<UnixMicros>,
}
