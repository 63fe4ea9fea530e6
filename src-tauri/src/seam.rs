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
            control::camera_panel,
            control::choose_streams,
            control::camera_certificate,
            control::accept_certificate,
            control::reboot_camera,
            control::set_camera_clock,
            control::ptz_move,
            control::ptz_stop,
            control::ptz_presets,
            control::ptz_save_preset,
            control::ptz_go_to_preset,
            control::ptz_remove_preset,
            control::ptz_go_home,
            control::ptz_set_home,
            control::imaging,
            control::set_imaging,
            control::encoders,
            control::set_encoder,
            control::osds,
            control::set_osd,
            control::delete_osd,
            control::masks,
            control::set_mask,
            control::delete_mask,
            control::still_picture,
            control::relays,
            control::operate_relay,
            control::camera_users,
            control::set_camera_user_password,
            control::make_own_account,
            control::delete_camera_user,
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
        ])
}

#[cfg(test)]
mod tests;
