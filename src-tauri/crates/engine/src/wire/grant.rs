//! Grants: who may view what, within which bounds, and who must agree.

use hausrecht_model::{AskId, CameraId, ClipId, GrantId, Hours, PersonId, Right, UnixMicros};
use serde::{Deserialize, Serialize};

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
    /// A camera: live pictures, and each new clip as it is recorded.
    Camera {
        /// Camera.
        camera: CameraId,
    },
}

/// What a grant allows, and within which bounds.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, specta::Type)]
pub struct Terms {
    /// What it allows.
    pub rights: Vec<Right>,
    /// Of a camera: clips of the last hours, 1 to 8784. `None`: those recorded from the grant on.
    pub back_hours: Option<u32>,
    /// In which hours of the week it holds; `None`: always.
    pub hours: Option<Hours>,
    /// Until when; `None`: until taken back.
    pub until_us: Option<UnixMicros>,
    /// How many openings it allows, 1 to 10 000; `None`: any number.
    pub opens: Option<u32>,
    /// Who must agree to each opening.
    pub second: Option<PersonId>,
}

/// Lets people view: a grant for each of them and each scope.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct GiveGrant {
    /// Whom, 1 to 500.
    pub people: Vec<PersonId>,
    /// What, 1 to 500.
    pub scopes: Vec<GrantScope>,
    /// What it allows.
    pub terms: Terms,
    /// Why, in the owner's words. Sealed.
    pub reason: String,
    /// Name of the template that it was made from.
    pub template: Option<String>,
}

impl GiveGrant {
    /// The plain case: one person may view one thing; of a camera live pictures too.
    pub fn plain(
        person: PersonId,
        scope: GrantScope,
        until_us: Option<UnixMicros>,
        reason: impl Into<String>,
    ) -> Self {
        let rights = match scope {
            GrantScope::Camera { .. } => vec![Right::Live, Right::Playback],
            GrantScope::Clip { .. } | GrantScope::Span { .. } => vec![Right::Playback],
        };
        Self {
            people: vec![person],
            scopes: vec![scope],
            terms: Terms { rights, until_us, ..Terms::default() },
            reason: reason.into(),
            template: None,
        }
    }
}

/// Gives other terms to a grant: the old one ends and a new one begins, in one step.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct ChangeGrant {
    /// Which.
    pub grant: GrantId,
    /// What it is to allow.
    pub terms: Terms,
    /// Why. Sealed.
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
    /// The camera that it is about.
    pub camera: CameraId,
    /// Its name.
    pub camera_name: String,
    /// For a clip: its start.
    pub clip_start_us: Option<UnixMicros>,
    /// What it allows.
    pub terms: Terms,
    /// Name of who must agree, as far as the viewer may know it.
    pub second_name: String,
    /// Whether these are its hours.
    pub in_hours: bool,
    /// Openings so far.
    pub opened: u32,
    /// Whether wraps of clips that exist are still being made.
    pub pending: bool,
    /// When given.
    pub given_us: UnixMicros,
    /// Until when; the same as in the terms.
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
    /// Clips that they could have opened and never did: these can be sealed anew.
    pub never_opened: Vec<ClipId>,
}

/// How far the making of wraps is.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, specta::Type)]
pub struct Wrapping {
    /// Grants that wait.
    pub grants: u32,
    /// Wraps made since the work began.
    #[specta(type = u32)]
    pub made: u64,
}

/// A named set of terms, such as "Family": what a role may do.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
pub struct Template {
    /// Name, unique.
    pub name: String,
    /// What it allows.
    pub rights: Vec<Right>,
    /// Clips of the last hours; `None`: those recorded from the grant on.
    pub back_hours: Option<u32>,
    /// In which hours of the week it holds.
    pub hours: Option<Hours>,
    /// How many days it holds; `None`: until taken back.
    pub days: Option<u32>,
    /// Of which cameras; empty: of all.
    pub cameras: Vec<CameraId>,
}

/// A question whether somebody may open a clip.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct AskView {
    /// Id.
    pub id: AskId,
    /// The clip.
    pub clip: ClipId,
    /// Name of its camera.
    pub camera_name: String,
    /// When it begins.
    pub start_us: UnixMicros,
    /// How long it is. Microseconds.
    #[specta(type = u32)]
    pub duration_us: i64,
    /// Who asks.
    pub from: String,
    /// Who must agree.
    pub to: String,
    /// Whether whoever is signed in is to answer.
    pub mine: bool,
    /// When it was asked.
    pub asked_us: UnixMicros,
    /// The answer; `None`: there is none yet.
    pub agreed: Option<bool>,
    /// Whether the agreement was used for an opening.
    pub used: bool,
}
