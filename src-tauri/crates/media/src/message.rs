//! The control messages: JSON, one a datagram, at most [`crate::control::MAX_MESSAGE_BYTES`] long.

use std::fmt;

use hausrecht_model::{Codec, StreamRole};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{
    Adjust,
    footage::{Container, Created},
    region::Region,
};

/// The version that both sides must speak; they are built together, so there is no negotiation.
pub const PROTOCOL_VERSION: u32 = 1;

/// Which of a camera's streams; the model's own type under the name used here.
pub type Stream = StreamRole;

/// A camera password on its way to the worker; never printed, wiped when dropped.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// Takes over `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Drop for Password {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// How RTP travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TCP first, UDP if the camera does not offer TCP, HTTP if neither gets through.
    #[default]
    Auto,
    /// Interleaved in the RTSP connection.
    Tcp,
    /// Separate datagrams.
    Udp,
    /// Interleaved in an RTSP connection that is tunnelled through HTTP.
    Http,
}

/// What a camera worker is to open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CameraOpen {
    /// `rtsp://` or `rtsps://` address of the main stream, without user and password.
    pub main_uri: String,
    /// Address of the substream, if the camera has one.
    pub sub_uri: Option<String>,
    /// User name; empty if the camera asks for none.
    pub user: String,
    /// Password; empty if the camera asks for none.
    pub password: Password,
    /// Preferred transport.
    pub transport: Transport,
    /// SHA-256 of the camera's certificate, for streams over TLS; without it, the first that is seen is kept to.
    pub certificate: Option<[u8; 32]>,
    /// Size of the jitter buffer, 0 to 10 000 ms. Over TCP, 0 is right for most cameras.
    pub latency_ms: u32,
    /// Whether the main stream is recorded from now on, until [`Order::Record`] says something else. If not, the main stream
    /// is fetched only while viewed.
    pub record: bool,
    /// Length after which a clip ends at the next key frame; 60 000 ms is usual.
    pub clip_target_ms: u32,
}

/// How motion is measured in a camera's pictures, for cameras that do not tell of it themselves.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MotionSettings {
    /// 1 (only what is large) to 10 (the slightest); 5 finds a person across a yard.
    pub sensitivity: u8,
    /// Polygons in which motion counts, their corners from (0, 0), top left, to (1, 1), bottom right. None: the whole picture.
    /// At most [`MotionSettings::MAX_ZONES`] of [`MotionSettings::MAX_CORNERS`] corners.
    pub zones: Vec<Vec<(f32, f32)>>,
}

impl MotionSettings {
    /// The most zones.
    pub const MAX_ZONES: usize = 16;
    /// The most corners of a zone; one with less than three is empty.
    pub const MAX_CORNERS: usize = 64;
}

/// What of a camera's main stream is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Keep {
    /// Nothing, at once. The main stream is fetched only while it is looked at or measured.
    #[default]
    Nothing,
    /// Nothing yet: the last pictures stay in the worker's memory, from the key frame at or before `memory_ms` ago on. What
    /// is being recorded ends at the next key frame.
    Ahead {
        /// How far back the memory reaches at least; more than [`Keep::MAX_MEMORY_MS`] is taken as that.
        memory_ms: u32,
    },
    /// Everything. What the memory holds comes first, from the last key frame at or before `from_unix_us`.
    All {
        /// The first picture that is wanted; `None`: from the next one on.
        from_unix_us: Option<i64>,
    },
}

impl Keep {
    /// The longest that a memory reaches back.
    pub const MAX_MEMORY_MS: u32 = 75_000;
}

/// What a talk worker is to open: the way from this computer's microphone to the camera's loudspeaker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TalkOpen {
    /// `rtsp://` or `rtsps://` address of a stream whose description has the back channel, without user and password.
    pub uri: String,
    /// User name; empty if the camera asks for none.
    pub user: String,
    /// Password; empty if the camera asks for none.
    pub password: Password,
    /// Preferred transport; a talk does not go through HTTP, which is taken as TCP.
    pub transport: Transport,
    /// As in [`CameraOpen::certificate`].
    pub certificate: Option<[u8; 32]>,
    /// What is sent.
    pub sound: TalkSound,
    /// After this the worker ends by itself; more than [`TalkOpen::MAX_LIMIT_MS`] is taken as that.
    pub limit_ms: u32,
}

impl TalkOpen {
    /// The longest that one talk lasts.
    pub const MAX_LIMIT_MS: u32 = 60_000;
}

/// Where the sound of a talk comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TalkSound {
    /// This computer's microphone, through its sound server.
    #[default]
    Microphone,
    /// A sine of `hz`, 50 to 3 400. Only tests ask for it: no microphone is opened.
    Tone {
        /// Its frequency.
        hz: u16,
    },
}

/// What a player worker is to open. It asks for the bytes as it needs them with [`Event::Read`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PlayerOpen {
    /// Size of the clip's plaintext; for a clip cut short, as much as there is.
    pub size_bytes: u64,
    /// The clip's codec.
    pub codec: Codec,
    /// Whether to stop at the first picture or begin to play.
    pub autoplay: bool,
}

/// What a card worker is to open: a span of what lies on the camera's own card, watched or fetched. All times are those of the
/// camera's clock, in microseconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CardOpen {
    /// `rtsp://` or `rtsps://` address of the replay, as the camera's replay service names it, without user and password.
    pub uri: String,
    /// User name; empty if the camera asks for none.
    pub user: String,
    /// Password; empty if the camera asks for none.
    pub password: Password,
    /// As in [`CameraOpen::certificate`].
    pub certificate: Option<[u8; 32]>,
    /// The first picture that is wanted. Watching begins here.
    pub from_unix_us: i64,
    /// Pictures from this time on are not wanted, nor any that the camera records after this order.
    pub until_unix_us: i64,
    /// What is added to the camera's time to have this computer's. All times in events and clips are this computer's.
    pub offset_us: i64,
    /// Whether the span is fetched as clips, as fast as the camera gives it, or watched.
    pub fetch: bool,
    /// Fetching: as in [`CameraOpen::clip_target_ms`].
    pub clip_target_ms: u32,
}

/// What an export worker is to do: clips in, files out. It asks for the bytes of each clip with [`Event::Read`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExportOpen {
    /// What is written on every picture; everything is re-encoded for it. None: pictures are copied as they are. At most
    /// [`ExportOpen::MAX_CAPTION_CHARS`].
    pub caption: Option<String>,
}

impl ExportOpen {
    /// The longest caption.
    pub const MAX_CAPTION_CHARS: usize = 160;
}

/// The next clip of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExportClip {
    /// Names the clip; counts up.
    pub number: u32,
    /// Size of the clip's plaintext.
    pub size_bytes: u64,
    /// When its first picture was taken.
    pub start_unix_us: i64,
    /// Pictures before this, from the clip's first, are not wanted.
    pub from_us: u64,
    /// Nor are those from this on.
    pub until_us: u64,
    /// Whether it goes on where the clip before it ended. If not, a new file begins.
    pub joins: bool,
    /// How much is wanted from here on without a gap; for the room that a file's head is given.
    pub run_us: u64,
}

/// What a footage worker is to open: a file that was recorded by something else. It asks for the bytes as it needs them with
/// [`Event::Read`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FootageOpen {
    /// Size of the file.
    pub size_bytes: u64,
    /// What is to be done with it.
    pub task: FootageTask,
}

/// What is done with a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum FootageTask {
    /// Says what is in it, with [`Event::Footage`], and ends.
    Look,
    /// Its pictures come as clips over bulk, as they are; [`Event::FootageEnded`] follows.
    Import {
        /// When its first picture was taken.
        start_unix_us: i64,
        /// As in [`CameraOpen::clip_target_ms`].
        clip_target_ms: u32,
    },
    /// The worker is a player of it, as after [`Order::PlayerOpen`].
    Watch {
        /// Whether to stop at the first picture or begin to play.
        autoplay: bool,
    },
}

/// What is in a file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FootageInfo {
    /// What holds the pictures.
    pub container: Container,
    /// Codec of the pictures.
    pub codec: Codec,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// How long the file says it is; it may be wrong.
    pub duration_us: Option<u64>,
    /// When the file says that it was recorded.
    pub created: Option<Created>,
}

/// The measures of a ring; the memfd travels with the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RingShape {
    /// Counts up with each new ring; frames name the ring they are in.
    pub generation: u32,
    /// Width of a picture, 16 to 7680 pixels.
    pub width: u32,
    /// Height of a picture, 16 to 4320 pixels.
    pub height: u32,
    /// Bytes from one line to the next.
    pub stride: u32,
}

/// What the engine tells a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// The first message; two descriptors travel with it: bulk out, answers in. Sent by [`crate::Launcher`].
    Hello {
        /// [`PROTOCOL_VERSION`].
        version: u32,
    },
    /// Makes this a camera worker. Once, after [`Event::Ready`] is not awaited.
    Open(CameraOpen),
    /// Makes this a player worker. Once.
    PlayerOpen(PlayerOpen),
    /// Makes this a talk worker: it opens the microphone and the camera's back channel. Once.
    TalkOpen(TalkOpen),
    /// Camera: measures motion from now on, in the substream if there is one; `None` ends that, and what it cost.
    Motion {
        /// How; new settings begin anew.
        settings: Option<MotionSettings>,
    },
    /// Makes this a card worker: it watches or fetches what lies on the camera's own card. Once.
    CardOpen(CardOpen),
    /// Makes this a footage worker: it reads a file that something else has recorded. Once.
    FootageOpen(FootageOpen),
    /// Makes this an export worker. Once.
    ExportOpen(ExportOpen),
    /// Export: the next clip; [`Event::Exported`] answers when it is done.
    ExportClip(ExportClip),
    /// Export: there are no more clips; the last file is finished and the worker ends.
    ExportEnd,
    /// Shows a stream in the ring whose memfd travels with this message, or moves a view to a new ring. A camera has as many
    /// views as are asked for, each with its own decoder; a player and a card have one, and ignore `view` and `stream`.
    View {
        /// Which view; the engine numbers them.
        view: u32,
        /// Which stream.
        stream: Stream,
        /// The ring.
        ring: RingShape,
    },
    /// Nobody looks at this view any more: its decoding stops.
    NoView {
        /// Which.
        view: u32,
    },
    /// Camera: a view shows this part of the picture from now on, as large as its ring.
    Region {
        /// Which view.
        view: u32,
        /// The part.
        region: Region,
    },
    /// Camera, player: writes the newest picture of a stream, or the one that stands, whole and at its full size, into the memfd that
    /// travels with this message. [`Event::Snapshot`] answers.
    Snapshot {
        /// Names the answer.
        id: u32,
        /// Which stream; a clip has one.
        stream: Stream,
        /// How it is encoded.
        format: SnapshotFormat,
    },
    /// Camera: what of the main stream is recorded from now on, in place of what `open` or the last such order said.
    Record {
        /// What.
        keep: Keep,
    },
    /// Ends the current clip at the next key frame.
    Cut,
    /// Player, card: play on from here.
    Play,
    /// Player, card: hold.
    Pause,
    /// Card: jump to the picture of this time, or the first after it; in this computer's time.
    CardSeek {
        /// Where to, in microseconds since 1970.
        to_unix_us: i64,
    },
    /// Player: jump.
    Seek {
        /// Where to, from the clip's first picture.
        to_us: u64,
        /// Whether exactly this picture is wanted, or the key frame before it (cheaper, for dragging).
        accurate: bool,
    },
    /// Player: pause and go this many pictures on or back.
    Step {
        /// Negative is backwards.
        frames: i32,
    },
    /// Player, card: how fast.
    Speed {
        /// 1 is real time. Card: 0.25 to 16. Player: 0.125 to 64, and backwards if it is below zero.
        factor: f64,
    },
    /// Player: play by the engine's clock instead of its own, so that several players stay in step. Ends with [`Order::Play`],
    /// [`Order::Pause`], [`Order::Seek`], [`Order::Step`] and [`Order::Speed`].
    Follow {
        /// A moment of `CLOCK_BOOTTIME`, in microseconds; it may lie ahead.
        at_boot_us: u64,
        /// What of the clip is shown at that moment, from its first picture. It may lie outside of the clip: then the clip's first
        /// or last picture stands until its time comes, or the end is reached.
        clip_us: i64,
        /// As in [`Order::Speed`].
        factor: f64,
    },
    /// Player: play a span again and again, or no longer.
    Loop {
        /// Times of its first and last picture; both are shown.
        span_us: Option<(u64, u64)>,
    },
    /// Player: change the colours that are shown. What is recorded stays as it is.
    Adjust {
        /// How.
        adjust: Adjust,
    },
    /// Finish the clip, send what is pending, end.
    Shutdown,
}

/// How a single picture is encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotFormat {
    /// JPEG of high quality.
    Jpeg,
    /// PNG, which loses nothing more.
    Png,
}

/// A decode branch of a camera worker: what looking costs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BranchState {
    /// The view that it serves.
    pub view: u32,
    /// The stream that it decodes.
    pub stream: Stream,
    /// GStreamer's name of the decoder.
    pub decoder: String,
    /// Whether that is hardware.
    pub hardware: bool,
}

/// How much of the sandbox the kernel gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sandbox {
    /// Files, network and system calls are all restricted.
    Full,
    /// Some of it.
    Partial,
    /// Nothing of it.
    None,
}

/// Why something failed, for the engine to branch on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// Nothing listens there, or the host refused.
    Refused,
    /// User or password is wrong. Do not try again with the same.
    NotAuthorized,
    /// The camera wants the password in clear (RTSP Basic without TLS), which is not done. Its owner has to switch on Digest or
    /// RTSP over TLS in the camera; another password changes nothing.
    PasswordUnprotected,
    /// The camera has no such stream.
    NotFound,
    /// No answer in time.
    Timeout,
    /// Pictures come, but none that decoding could begin with, for ten seconds.
    NoKeyFrame,
    /// A codec that cannot be recorded or shown.
    UnsupportedCodec,
    /// The connection ended after it had worked.
    Lost,
    /// Talk: the camera takes no sound, or none that is known here.
    NoBackChannel,
    /// Talk: this computer's sound server cannot be reached, or it has no microphone.
    NoMicrophone,
    /// Anything else; the text says what.
    Internal,
}

/// What a worker knows of a running stream.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StreamState {
    /// Which stream; a player says main.
    pub stream: Stream,
    /// Whether pictures arrive; until then the rest is empty.
    pub streaming: bool,
    /// Codec, once known.
    pub codec: Option<Codec>,
    /// Width in pixels, 0 until known.
    pub width: u32,
    /// Height in pixels, 0 until known.
    pub height: u32,
    /// Pictures a second, measured over the last seconds.
    pub fps: f32,
    /// Bits a second, measured over the last seconds.
    pub bits_per_second: u64,
    /// The transport in use.
    pub transport: Transport,
    /// How much later the newest pictures come than the most punctual ones of this connection did; 0 below half a second and
    /// where it is not known.
    pub lag_ms: u32,
    /// For how long all key frames have been the same, bit for bit; 0 below ten seconds. The camera sends, and sees nothing new.
    pub frozen_ms: u32,
}

/// What a worker tells the engine. Every one of them is to be taken as coming from an attacker.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The sandbox is closed and streaming begins.
    Ready {
        /// How much of the sandbox the kernel gave.
        sandbox: Sandbox,
    },
    /// A stream's state; on each change, and every two seconds while it runs.
    State(StreamState),
    /// A new picture lies in the ring. A wake-up: [`crate::Ring::newest`] is what counts.
    Frame {
        /// The ring's generation.
        generation: u32,
        /// The slot, 0 to 2.
        slot: u8,
        /// Counts up from 1.
        sequence: u64,
        /// The stream's own time; for a player, time from the clip's first picture; for a card, when the picture was taken,
        /// in microseconds since 1970 by this computer's clock.
        pts_us: u64,
        /// When the picture's data arrived in the worker; 0 from a player and a card.
        arrived_unix_us: i64,
    },
    /// Camera: every decode branch that looking needs, on each change and every two seconds while there are any.
    Decoding {
        /// All of them.
        branches: Vec<BranchState>,
    },
    /// Camera, player: what [`Order::Snapshot`] asked for.
    Snapshot {
        /// As in the order.
        id: u32,
        /// How many bytes lie in the memfd; `None` if there is no picture.
        len: Option<u32>,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// When the picture is shown, on the stream's own clock or in the clip.
        shown_us: u64,
    },
    /// No data for three seconds though connected. [`FaultCode::Lost`] follows after ten.
    Stalled {
        /// Which stream.
        stream: Stream,
        /// Since how long.
        silent_ms: u64,
    },
    /// Something failed. After a fault of the main stream the worker finishes its clip and ends; a fault of the substream
    /// leaves recording as it is.
    Fault {
        /// Which stream.
        stream: Stream,
        /// What the engine branches on.
        code: FaultCode,
        /// For the log; at most 2 000 characters; never holds a password.
        text: String,
    },
    /// Camera: motion began or ended, as [`Order::Motion`] asked for. It ends with the orders too, and when the stream stops.
    Motion {
        /// Whether it began.
        active: bool,
        /// The zone in which most of it is, as numbered in the settings; `None` without zones.
        zone: Option<u32>,
        /// The stream's own time of the picture.
        pts_us: u64,
        /// When that picture's data arrived in the worker.
        arrived_unix_us: i64,
        /// The part of the zone (or of the picture) that changed, 0 to 1.
        share: f32,
    },
    /// Talk: sound is on its way; first once the camera has been given some, then twice a second.
    Talking {
        /// Packets given to the camera so far.
        packets: u64,
        /// How loud the last half second was at its loudest, 0 to 32 767.
        loudness: u16,
    },
    /// Player: wants bytes of the clip. Answer with [`crate::AnswerWriter`], with fewer bytes at the clip's end.
    Read {
        /// Names the answer.
        id: u32,
        /// From the clip's start.
        offset: u64,
        /// 1 to [`crate::answer::MAX_ANSWER_BYTES`].
        len: u32,
    },
    /// Player: the clip is understood.
    Opened {
        /// Its true length, up to the last whole fragment.
        duration_us: u64,
        /// How many pictures it has.
        frames: u64,
        /// Time of the first one that is shown.
        first_us: u64,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Player: where it is; with each picture, at most 30 times a second, and on each change.
    Position {
        /// Time of the picture shown, from the clip's first.
        pts_us: u64,
        /// Whether it plays.
        playing: bool,
        /// Whether the last picture has been shown.
        ended: bool,
    },
    /// Card: where it is; at most four times a second, and on each change.
    CardPosition {
        /// Time of the picture shown or fetched last, by this computer's clock, in microseconds since 1970.
        unix_us: i64,
        /// Whether it plays; while fetching, always.
        playing: bool,
        /// Whether there is nothing more in the span. A jump begins anew.
        ended: bool,
    },
    /// Export: all wanted of this clip has been read; what was made of it is on its way through the bulk channel.
    Exported {
        /// As in [`ExportClip::number`].
        number: u32,
    },
    /// Export: how far it is, at most four times a second.
    ExportPosition {
        /// When the newest picture that was read was taken.
        unix_us: i64,
    },
    /// Card: the whole span has been fetched, and everything lies in the bulk channel. The worker ends. Only this says that
    /// nothing of the span is missing that the card has.
    CardEnded,
    /// Footage: what is in the file. The worker ends.
    Footage(FootageInfo),
    /// Footage: how far the import is; at most four times a second.
    FootagePosition {
        /// Length of what has been read.
        done_us: u64,
    },
    /// Footage: all that can be read of the file lies in the bulk channel. The worker ends.
    FootageEnded {
        /// Pictures that could not be taken over, since the ones that they build on are missing.
        left_out: u64,
        /// Why reading ended before the file's end; `None`: it did not. At most 2 000 characters.
        cut: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        let text = format!("{:?}", Password::new("geheim"));
        assert!(!text.contains("geheim"));
    }

    #[test]
    fn an_event_survives_json() {
        let event = Event::Frame { generation: 3, slot: 1, sequence: 9, pts_us: 40_000, arrived_unix_us: 5 };
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}
