//! What the engine tells the window: one typed event for each kind, always a whole snapshot.

use hausrecht_engine::wire;
use hausrecht_model::CameraId;
use serde::Serialize;
use tauri::AppHandle;
use tauri_specta::Event as _;

macro_rules! event {
    ($(#[$doc:meta])* $name:ident($(#[$field:meta])* $snapshot:ty) = $wire_name:literal) => {
        $(#[$doc])*
        #[derive(Clone, Serialize, specta::Type, tauri_specta::Event)]
        #[tauri_specta(event_name = $wire_name)]
        pub(crate) struct $name($(#[$field])* pub(crate) $snapshot);
    };
}

event!(
    /// Who is signed in.
    SessionEvent(wire::Session) = "session"
);
event!(
    /// The search for cameras.
    DiscoveryEvent(wire::Discovery) = "discovery"
);
event!(
    /// The cameras that were added.
    CamerasEvent(Vec<wire::CameraView>) = "cameras"
);
event!(
    /// What each tile says.
    TilesEvent(Vec<wire::TileState>) = "tiles"
);
event!(
    /// The player.
    PlayerEvent(wire::PlayerState) = "player"
);
event!(
    /// The cameras that are played together.
    TogetherEvent(wire::TogetherState) = "together"
);
event!(
    /// Fetches from cameras' cards.
    CardJobsEvent(Vec<wire::CardJob>) = "card_jobs"
);
event!(
    /// The card that is watched.
    CardPlayerEvent(wire::CardPlayerState) = "card_player"
);
event!(
    /// Exports to files.
    ExportsEvent(Vec<wire::ExportView>) = "exports"
);
event!(
    /// The files that are looked at and imported.
    FootageEvent(wire::Footage) = "footage"
);
event!(
    /// Whether files are being dragged over the window.
    DropHoversEvent(bool) = "drop_hovers"
);
event!(
    /// A package is there to be opened.
    PackageGivenEvent(()) = "package_given"
);
event!(
    /// A backup is there to be restored.
    BackupGivenEvent(()) = "backup_given"
);
event!(
    /// There are other clips than before; at most once a second.
    ClipsChangedEvent(()) = "clips_changed"
);
event!(
    /// Who may view what has changed, or was asked.
    GrantsChangedEvent(()) = "grants_changed"
);
event!(
    /// How many wraps are still to be made for grants.
    WrappingEvent(wire::Wrapping) = "wrapping"
);
event!(
    /// Entries in the log.
    LogGrewEvent(#[specta(type = u32)] u64) = "log_grew"
);
event!(
    /// How far a verification is.
    VerifyEvent(wire::VerifyState) = "verify"
);
event!(
    /// What the window should say without being asked.
    NoticeEvent(wire::Notice) = "notice"
);
event!(
    /// Where the window is to go: the part of its address from `#` on.
    OpenRouteEvent(String) = "open_route"
);

event!(
    /// The camera that the small window is to show from now on.
    ShownCameraEvent(CameraId) = "shown_camera"
);

/// Sends `event` to the windows.
pub(crate) fn emit(app: &AppHandle, event: wire::Event) {
    let sent = match event {
        wire::Event::Session(session) => SessionEvent(session).emit(app),
        wire::Event::Discovery(discovery) => DiscoveryEvent(discovery).emit(app),
        wire::Event::Cameras(cameras) => CamerasEvent(cameras).emit(app),
        wire::Event::Tiles(tiles) => TilesEvent(tiles).emit(app),
        wire::Event::Player(player) => PlayerEvent(player).emit(app),
        wire::Event::Together(together) => TogetherEvent(together).emit(app),
        wire::Event::CardJobs(jobs) => CardJobsEvent(jobs).emit(app),
        wire::Event::CardPlayer(player) => CardPlayerEvent(player).emit(app),
        wire::Event::Exports(exports) => ExportsEvent(exports).emit(app),
        wire::Event::Footage(footage) => FootageEvent(footage).emit(app),
        wire::Event::ClipsChanged => ClipsChangedEvent(()).emit(app),
        wire::Event::GrantsChanged => GrantsChangedEvent(()).emit(app),
        wire::Event::Wrapping(wrapping) => WrappingEvent(wrapping).emit(app),
        wire::Event::LogGrew(size) => LogGrewEvent(size).emit(app),
        wire::Event::Verify(verify) => VerifyEvent(verify).emit(app),
        wire::Event::Notice(notice) => NoticeEvent(notice).emit(app),
        // The desktop is told of it, not the page.
        wire::Event::Happened(_) => Ok(()),
    };
    if let Err(error) = sent {
        tracing::warn!(%error, "the window did not get an event");
    }
}
