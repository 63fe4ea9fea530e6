//! Walls, how a person likes the window, and what a tile's details say.

use hausrecht_media::{Region, SnapshotFormat};
use hausrecht_model::{CameraId, Codec, StreamRole, WallId};
use serde::{Deserialize, Serialize};

/// A wall that somebody has arranged: cameras on a grid.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct SavedWall {
    /// Id.
    pub id: WallId,
    /// Name.
    pub name: String,
    /// Columns of the grid, 1 to 12.
    pub columns: u8,
    /// Rows of the grid, 1 to 12.
    pub rows: u8,
    /// Cameras that the person may see, each at most once.
    pub tiles: Vec<WallTile>,
}

/// A wall to be kept.
#[derive(Clone, PartialEq, Debug, Deserialize, specta::Type)]
pub struct KeepWall {
    /// Which is replaced; `None`: a new one.
    pub id: Option<WallId>,
    /// Name, 1 to 80 characters.
    pub name: String,
    /// Columns of the grid, 1 to 12.
    pub columns: u8,
    /// Rows of the grid, 1 to 12.
    pub rows: u8,
    /// Tiles that do not overlap.
    pub tiles: Vec<WallTile>,
}

/// A camera's place on a wall, in cells of its grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, specta::Type)]
pub struct WallTile {
    /// Camera.
    pub camera: CameraId,
    /// First column, from 0.
    pub column: u8,
    /// First row, from 0.
    pub row: u8,
    /// Columns that it takes.
    pub width: u8,
    /// Rows that it takes.
    pub height: u8,
}

/// How a person likes the window.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
pub struct ViewSettings {
    /// Size of everything in the page, 100 to 200 percent.
    pub text_percent: u16,
    /// How long the patrol stays at a wall, 3 to 3600 seconds.
    pub patrol_seconds: u16,
    /// The wall that was shown last: a [`WallId`], or the name of a layout of the page.
    pub wall: String,
}

impl Default for ViewSettings {
    fn default() -> Self {
        Self { text_percent: 100, patrol_seconds: 15, wall: String::new() }
    }
}

/// Where a window of the program stood last. Pixels of the screen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WindowPlace {
    /// Name of the window.
    pub window: String,
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Width of its inside.
    pub width: u32,
    /// Height of its inside.
    pub height: u32,
    /// It filled the screen.
    pub maximised: bool,
    /// What it showed, where that is to be remembered.
    pub shows: String,
}

/// What a tile's details say, beside what its [`super::TileState`] does.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct TileDetails {
    /// The streams that come now.
    pub streams: Vec<StreamDetails>,
    /// What is decoded now, for all windows together.
    pub decoded: Vec<BranchDetails>,
}

/// A stream as it comes from the camera.
#[derive(Clone, PartialEq, Debug, Serialize, specta::Type)]
pub struct StreamDetails {
    /// Which.
    pub stream: StreamRole,
    /// Codec, once known.
    pub codec: Option<Codec>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Pictures a second.
    pub fps: f32,
    /// Bits a second.
    #[specta(type = f64)]
    pub bits_per_second: u64,
    /// How it travels.
    pub transport: TransportKind,
}

/// How a stream travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum TransportKind {
    /// Not known yet.
    Auto,
    /// Inside the RTSP connection.
    Tcp,
    /// As datagrams.
    Udp,
    /// Through HTTP.
    Http,
}

/// A decoder at work.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct BranchDetails {
    /// The stream that it decodes.
    pub stream: StreamRole,
    /// GStreamer's name of it.
    pub decoder: String,
    /// Whether it is hardware.
    pub hardware: bool,
}

/// A picture to be kept outside the vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum PictureFormat {
    /// JPEG of high quality.
    Jpeg,
    /// PNG, which loses nothing more.
    Png,
}

impl From<PictureFormat> for SnapshotFormat {
    fn from(format: PictureFormat) -> Self {
        match format {
            PictureFormat::Jpeg => Self::Jpeg,
            PictureFormat::Png => Self::Png,
        }
    }
}

/// A picture that was kept outside the vault.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct KeptPicture {
    /// The file.
    pub path: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// A part of a picture, as fractions of it from its top left corner: digital zoom.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, specta::Type)]
pub struct PicturePart {
    /// Left edge, 0 to 1.
    pub left: f64,
    /// Top edge, 0 to 1.
    pub top: f64,
    /// Width, above 0 to 1.
    pub width: f64,
    /// Height, above 0 to 1.
    pub height: f64,
}

impl From<PicturePart> for Region {
    fn from(part: PicturePart) -> Self {
        let PicturePart { left, top, width, height } = part;
        Self { left, top, width, height }.within()
    }
}
