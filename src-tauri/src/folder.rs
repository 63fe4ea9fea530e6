//! Files that were kept outside the vault: where they go, and showing them in the desktop's file manager.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use tauri::{AppHandle, Manager};

/// Files that this program kept since it started: nothing else is shown to the desktop.
#[derive(Default)]
pub(crate) struct Kept(Mutex<BTreeSet<String>>);

impl Kept {
    /// A file was kept.
    pub(crate) fn note(&self, path: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
    }

    /// Whether this file was kept.
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }
}

/// Where pictures go: a folder of ours among the person's pictures.
pub(crate) fn pictures(app: &AppHandle) -> PathBuf {
    let own = app.path().picture_dir().or_else(|_| app.path().home_dir().map(|home| home.join("Pictures")));
    own.unwrap_or_else(|_| PathBuf::from(".")).join("Hausrecht")
}

/// Shows `path` in the file manager, selected where it can do that.
///
/// # Errors
/// There is no file manager.
#[cfg(target_os = "linux")]
pub(crate) fn show(path: &Path) -> anyhow::Result<()> {
    use gtk::{gio, glib, prelude::*};
    const WAIT_MS: i32 = 5000;
    let uri = glib::filename_to_uri(path, None)?;
    let asked = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE).and_then(|bus| {
        bus.call_sync(
            Some("org.freedesktop.FileManager1"),
            "/org/freedesktop/FileManager1",
            "org.freedesktop.FileManager1",
            "ShowItems",
            Some(&(vec![uri.as_str()], "").to_variant()),
            None,
            gio::DBusCallFlags::NONE,
            WAIT_MS,
            gio::Cancellable::NONE,
        )
    });
    if asked.is_ok() {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    std::process::Command::new("xdg-open").arg(folder).spawn()?;
    Ok(())
}

/// Shows `path` in the file manager.
///
/// # Errors
/// There is no file manager.
#[cfg(not(target_os = "linux"))]
pub(crate) fn show(path: &Path) -> anyhow::Result<()> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "explorer" };
    std::process::Command::new(opener).arg(path.parent().unwrap_or(path)).spawn()?;
    Ok(())
}
