//! When a camera is recorded, what is kept and for how long, and why of some time there is nothing.

use hausrecht_model::{CameraId, EventKind, HoldId, UnixMicros};
use serde::{Deserialize, Serialize};

/// When a camera is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum RecordMode {
    /// Always.
    #[default]
    Always,
    /// While something happens, some time before it, and some time after.
    Events,
    /// Never. Live pictures can be looked at all the same.
    Off,
}

/// How a camera is recorded, and how long that is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
pub struct RecordingSettings {
    /// What holds at all times, unless there is a week.
    pub mode: RecordMode,
    /// Seven days from Monday on, each of 48 half hours of this computer's wall clock: what holds in each of them.
    pub week: Option<Vec<Vec<RecordMode>>>,
    /// How long before an event a clip begins: at the last key frame that is at least as old. Seconds, 0 to 60.
    pub pre_roll_s: u8,
    /// How long after an event a clip goes on at least. Seconds, 0 to 600.
    pub post_roll_s: u16,
    /// Which events count.
    pub kinds: Vec<EventKind>,
    /// Days after which its clips are erased, 1 to 366; `None`: as all are.
    pub kept_days: Option<u16>,
    /// Why longer than three days, and longer than all are, in the owner's words.
    pub kept_reason: String,
    /// How much its clips may take: the oldest go then. Millions of bytes, 100 at least; `None`: no bound of its own.
    pub size_mb: Option<u32>,
}

impl Default for RecordingSettings {
    fn default() -> Self {
        let counts = |kind: &EventKind| !matches!(kind, EventKind::Unknown | EventKind::Input);
        Self {
            mode: RecordMode::Always,
            week: None,
            pre_roll_s: 10,
            post_roll_s: 30,
            kinds: EventKind::ALL.into_iter().filter(counts).collect(),
            kept_days: None,
            kept_reason: String::new(),
            size_mb: None,
        }
    }
}

/// Whether a camera is being recorded, and if not, why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    /// Clips are being written.
    Recording,
    /// It will be recorded when something happens.
    Waiting,
    /// The owner has switched recording off.
    Off,
    /// It is off now by the week's plan.
    OffBySchedule,
    /// It should be recorded, and the disk is full.
    DiskFull,
    /// It should be recorded, and no pictures come.
    NoPictures,
}

/// Why of some time there is no clip.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The owner had switched recording off.
    Off,
    /// It was off by the week's plan.
    Schedule,
    /// Nothing happened that would have begun a recording.
    Waiting,
    /// The camera did not answer.
    Unreachable,
    /// The camera refused the sign-in, or showed another certificate.
    SignInRefused,
    /// The camera answered and sent no pictures that can be recorded.
    NoPicture,
    /// The disk was full.
    DiskFull,
    /// Hausrecht did not run, or the computer was off.
    NotRunning,
    /// The clock was set forward over it: there never was such a time.
    ClockStep,
}

/// A stretch without a clip, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct Gap {
    /// From.
    pub from_us: UnixMicros,
    /// To; as far as it went so far.
    pub to_us: UnixMicros,
    /// Why.
    pub reason: GapReason,
}

/// How much all clips together may take, and what stays free.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, specta::Type)]
pub struct KeepLimits {
    /// How much all clips may take: the oldest go then. Millions of bytes, 1000 at least; `None`: what the disk has.
    pub size_mb: Option<u32>,
    /// How much of the disk stays free: the oldest clips go before it has less. Millions of bytes, 256 at least; `None`: the
    /// larger of a fiftieth of the disk and 2 GiB, but no more than a tenth of it.
    pub reserve_mb: Option<u32>,
}

/// What the clips take, and how far back the disk reaches.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct Storage {
    /// The bounds.
    pub limits: KeepLimits,
    /// Size of the disk. Bytes.
    #[specta(type = u32)]
    pub total_bytes: u64,
    /// What is free of it. Bytes.
    #[specta(type = u32)]
    pub free_bytes: u64,
    /// What stays free of it. Bytes.
    #[specta(type = u32)]
    pub reserve_bytes: u64,
    /// What all clips take. Bytes.
    #[specta(type = u32)]
    pub stored_bytes: u64,
    /// What a day brings, from what the last one brought. Bytes; `None`: too little was recorded to say.
    #[specta(type = Option<u32>)]
    pub day_bytes: Option<u64>,
    /// How many days the disk has room for, at that rate; how long clips are kept is another matter.
    pub reach_days: Option<f32>,
    /// The disk has too little room, and nothing is left that may be erased: all that there is is kept longer.
    pub only_held_left: bool,
    /// By camera, in the order in which they were added.
    pub cameras: Vec<CameraStorage>,
}

/// What the clips of a camera take.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct CameraStorage {
    /// Camera.
    pub camera: CameraId,
    /// Name.
    pub name: String,
    /// What they take. Bytes.
    #[specta(type = u32)]
    pub stored_bytes: u64,
    /// How many there are.
    #[specta(type = u32)]
    pub clips: u64,
    /// Since when there are any.
    pub oldest_us: Option<UnixMicros>,
    /// What was recorded in the last 24 hours. Bytes.
    #[specta(type = u32)]
    pub last_day_bytes: u64,
    /// What a whole day takes, from the clips of the last one. Bytes; `None`: there were none.
    #[specta(type = Option<u32>)]
    pub whole_day_bytes: Option<u64>,
}

/// Keep a stretch of a camera longer.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct GiveHold {
    /// Camera.
    pub camera: CameraId,
    /// From.
    pub from_us: UnixMicros,
    /// To.
    pub to_us: UnixMicros,
    /// Why, in the owner's words; may be empty.
    pub note: String,
    /// Until when; `None`: until it is released.
    pub until_us: Option<UnixMicros>,
}

/// What is kept longer.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct HoldView {
    /// Id.
    pub id: HoldId,
    /// Camera.
    pub camera: CameraId,
    /// Its name.
    pub camera_name: String,
    /// From.
    pub from_us: UnixMicros,
    /// To.
    pub to_us: UnixMicros,
    /// Why, in the owner's words.
    pub note: String,
    /// Since when.
    pub made_us: UnixMicros,
    /// Until when; `None`: until it is released.
    pub until_us: Option<UnixMicros>,
    /// Entry in the log.
    #[specta(type = u32)]
    pub entry: u64,
}
