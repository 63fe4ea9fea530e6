//! The tray icon: with it, closing the window leaves the recording running; without a tray, closing quits.

use tauri::{
    AppHandle, Manager, Wry,
    image::Image,
    menu::{Menu, MenuItem},
    tray::TrayIconBuilder,
};

/// The menu's entries, to be named in the language of the window.
struct Entries {
    show: MenuItem<Wry>,
    quit: MenuItem<Wry>,
}

/// Names the entries of the menu, if there is one.
pub(crate) fn name(app: &AppHandle, show: &str, quit: &str) {
    let Some(entries) = app.try_state::<Entries>() else { return };
    let named = entries.show.set_text(show).and_then(|()| entries.quit.set_text(quit));
    if let Err(error) = named {
        tracing::warn!(%error, "the tray's menu keeps its words");
    }
}

/// Puts the icon into the desktop's tray. `false`: there is no tray to be seen in.
pub(crate) fn put(app: &AppHandle) -> bool {
    if !desktop_has_tray() {
        tracing::info!("the desktop has no tray: closing the window quits");
        return false;
    }
    // The tray library is looked for at run time, and its binding panics where the desktop has a tray but not the library.
    let built = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| build(app)));
    match built {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(%error, "no tray icon: closing the window quits");
            false
        }
        Err(_) => {
            tracing::warn!("no tray icon, a library is missing: closing the window quits");
            false
        }
    }
}

fn build(app: &AppHandle) -> tauri::Result<()> {
    let show = MenuItem::with_id(app, "show", "Show Hausrecht", true, None::<&str>)?;
    let quit = MenuItem::with_id(app, "quit", "Quit and stop recording", true, None::<&str>)?;
    TrayIconBuilder::with_id("main")
        .icon(Image::from_bytes(include_bytes!("../icons/tray.png"))?)
        .tooltip("Hausrecht")
        .menu(&Menu::with_items(app, &[&show, &quit])?)
        .on_menu_event(|app, event| match event.id.as_ref() {
            "show" => crate::window::show(app),
            "quit" => app.exit(0),
            other => tracing::debug!(other, "a menu entry that is not ours"),
        })
        .build(app)?;
    app.manage(Entries { show, quit });
    Ok(())
}

/// Whether something on the session bus shows tray icons (the StatusNotifierItem specification, "Watcher").
#[cfg(target_os = "linux")]
fn desktop_has_tray() -> bool {
    use gtk::{gio, glib, prelude::*};
    const WAIT_MS: i32 = 1000;
    let asked = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE).and_then(|bus| {
        bus.call_sync(
            Some("org.freedesktop.DBus"),
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "NameHasOwner",
            Some(&("org.kde.StatusNotifierWatcher",).to_variant()),
            Some(glib::VariantTy::TUPLE),
            gio::DBusCallFlags::NONE,
            WAIT_MS,
            gio::Cancellable::NONE,
        )
    });
    match asked {
        Ok(answer) => answer.get::<(bool,)>().is_some_and(|(owned,)| owned),
        Err(error) => {
            tracing::debug!(%error, "no session bus");
            false
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn desktop_has_tray() -> bool {
    true
}
