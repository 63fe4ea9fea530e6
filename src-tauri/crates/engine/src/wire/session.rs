//! Who is at the window, and the settings.

use hausrecht_model::{CameraId, PersonId, UnixMicros};
use serde::{Deserialize, Serialize};

/// Who is signed in.
#[derive(Clone, Debug, Serialize, specta::Type)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Session {
    /// No owner yet: the welcome screen.
    Empty,
    /// Nobody is signed in. Recording goes on.
    Locked {
        /// Cameras that are being recorded.
        #[specta(type = u32)]
        recording: usize,
        /// How long to wait before the next try, after wrong ones. Milliseconds; zero: at once.
        #[specta(type = u32)]
        wait_ms: u64,
        /// Whether somebody chose to be unlocked by this computer's keyring.
        by_keyring: bool,
    },
    /// Somebody is signed in.
    Open {
        /// The person.
        me: Me,
        /// When the window locks itself unless something is done.
        locks_at_us: UnixMicros,
    },
}

/// The signed-in person.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Me {
    /// Id.
    pub id: PersonId,
    /// Name as given.
    pub name: String,
    /// Whether this is the owner, who alone may grant, add and erase.
    pub owner: bool,
    /// Colour of the face, an index into the theme's palette.
    pub color: u8,
    /// Whether the recovery sheet was made.
    pub recovery_made: bool,
}

/// First step of the welcome.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct CreateOwner {
    /// Owner's name.
    pub name: String,
    /// Passphrase; at least score 3 of 4 is asked for.
    pub passphrase: String,
    /// Accept a passphrase that rates lower.
    pub accept_weak: bool,
}

/// A passphrase offered to a person.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct SuggestedPassphrase {
    /// Six words, separated by spaces.
    pub words: String,
    /// Entropy of the draw.
    pub bits: f32,
}

/// How strong a passphrase of one's own is, measured with zxcvbn.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct PassphraseRating {
    /// 0 (guessed at once) to 4 (very strong).
    pub score: u8,
    /// Decimal logarithm of the guesses that are needed.
    pub guesses_log10: f32,
}

/// The recovery sheet, to print or save. Handed out once after set-up or against the passphrase.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct RecoverySheet {
    /// The owner identity, `AGE-SECRET-KEY-1…`, in groups for reading.
    pub identity: String,
    /// The same as a QR code, SVG.
    pub qr_svg: String,
    /// The public key, `age1…`.
    pub recipient: String,
    /// When the vault was made.
    pub made_us: UnixMicros,
}

/// What the owner can set.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
pub struct Settings {
    /// Window language.
    pub language: Language,
    /// Window theme.
    pub theme: Theme,
    /// How pictures reach the window; takes effect at once.
    pub presenter: PresenterKind,
    /// Clips older than this are erased. Hours, 1 to 8784; 72 by default.
    pub kept_hours: u32,
    /// Why longer than 72 hours, in the owner's words. Required above 72.
    pub kept_reason: String,
    /// Idle minutes until the window locks. 1 to 240; 15 by default.
    pub lock_after_minutes: u32,
    /// The window locks when the desktop is locked or falls asleep.
    #[serde(default = "yes")]
    pub lock_with_desktop: bool,
}

fn yes() -> bool {
    true
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: Language::System,
            theme: Theme::Dark,
            presenter: if cfg!(target_os = "linux") { PresenterKind::Native } else { PresenterKind::Canvas },
            kept_hours: 72,
            kept_reason: String::new(),
            lock_after_minutes: 15,
            lock_with_desktop: true,
        }
    }
}

/// Languages of the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// As the desktop says.
    System,
    /// English.
    En,
    /// German.
    De,
}

impl Language {
    /// The language's name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// The language of this name; `None` for one of a later version.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::System, Self::En, Self::De].into_iter().find(|language| language.name() == name)
    }
}

/// Themes of the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the desktop says.
    System,
    /// Dark, the default.
    Dark,
    /// Light.
    Light,
}

/// How pictures reach the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum PresenterKind {
    /// One drawing area of the desktop, above the page.
    Native,
    /// Canvases in the page, over a loopback WebSocket.
    Canvas,
}

/// What the window should say without being asked, for example "Disk full: recording stopped".
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct Notice {
    /// Which.
    pub kind: NoticeKind,
    /// The camera it is about.
    pub camera: Option<CameraId>,
    /// English particulars.
    pub detail: String,
}

/// Kinds of notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The disk is full or nearly so: recording stopped.
    DiskFull,
    /// The clock was set back or forward.
    ClockStep,
    /// A witness remembers the log otherwise than it is now; the detail says how.
    WitnessDiffers,
    /// A recording that had been interrupted was recovered up to its last whole part.
    Recovered,
    /// The log could not be written.
    LogUnwritable,
    /// A clip could not be written; each new clip is a new try.
    RecordingFailed,
    /// A camera that nobody has added has come; the detail is its name.
    CameraCame,
    /// Something says that it is an added camera at another address, and has not proven it: the owner decides by
    /// connecting it anew. The detail is the new address.
    CameraMoved,
    /// A camera reports more than is kept: of each state the last is, of what repeats itself not every one.
    EventFlood,
    /// The disk runs low, and every clip that is left is kept longer: only the owner can release some.
    OnlyHeldLeft,
    /// A camera refuses the sign-in for its events: what happens there is not heard of until it accepts it again.
    EventsRefused,
    /// A sealed file that was to be opened is no clip of this vault, or not for this person; the detail is its name.
    NotOfThisVault,
    /// Files were dropped that only the owner can import.
    ImportIsTheOwners,
}
