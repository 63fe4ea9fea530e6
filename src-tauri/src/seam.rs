//! The list of everything that crosses between page and shell, once: what Tauri dispatches and what becomes
//! `ui/src/ipc/bindings.ts` are the same list.

use tauri_specta::{Builder, collect_commands, collect_events};

use crate::{commands::*, events::*};

/// All commands and events.
pub(crate) fn builder() -> Builder<tauri::Wry> {
    // A value has one shape in TypeScript, whichever way it goes.
    Builder::new()
        .disable_serde_phases()
        .commands(collect_commands![
            session::session,
            session::create_owner,
            session::recovery_sheet,
            session::recovery_done,
            session::suggest_passphrase,
            session::rate_passphrase,
            session::unlock,
            session::lock,
            session::touch,
            settings::settings,
            settings::set_settings,
            settings::name_tray,
            cameras::discover,
            cameras::discovery,
            cameras::add_by_address,
            cameras::found_picture,
            cameras::connect_cameras,
            cameras::cameras,
            cameras::rename_camera,
            cameras::set_camera_password,
            cameras::remove_camera,
            cameras::start_demo,
            cameras::demo_available,
            live::tiles,
            live::place_tiles,
            live::stream_endpoint,
            clips::timeline,
            clips::clips,
            clips::thumbnails,
            clips::clip,
            player::open_clip,
            player::player,
            player::close_player,
            people::people,
            people::add_person,
            people::grant,
            people::take_back,
            log::log_page,
            log::log_entry,
            log::verify_log,
            log::verify_state,
            log::checkpoint,
            log::export_checkpoint,
            events::unknown_topics,
            events::topic_map,
            events::map_topic,
            notify::notify_rules,
            notify::set_notify_rules,
            notify::notification_server,
        ])
        .events(collect_events![
            SessionEvent,
            DiscoveryEvent,
            CamerasEvent,
            TilesEvent,
            PlayerEvent,
            ClipsChangedEvent,
            LogGrewEvent,
            VerifyEvent,
            NoticeEvent,
            OpenRouteEvent,
        ])
}

#[cfg(test)]
mod tests;
