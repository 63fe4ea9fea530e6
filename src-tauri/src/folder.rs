//! Files that were kept outside the vault: where they go, chosen in the desktop's own dialog, and showing them in its file
//! manager.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use hausrecht_engine::wire;
use tauri::{AppHandle, Manager, WebviewWindow};

use crate::commands::internal;

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

/// Lets the person choose a folder, beginning in `begin`; `None` if they do not.
///
/// # Errors
/// There is no such dialog on this system.
#[cfg(target_os = "linux")]
pub(crate) async fn choose(
    window: &WebviewWindow,
    title: String,
    begin: String,
) -> Result<Option<String>, wire::Error> {
    use std::{cell::RefCell, rc::Rc};

    use gtk::prelude::*;

    let (chosen, answer) = tokio::sync::oneshot::channel();
    let parent = window.clone();
    let ask = move || {
        let parent = parent.gtk_window().ok();
        let action = gtk::FileChooserAction::SelectFolder;
        let dialog = gtk::FileChooserNative::new(Some(&title), parent.as_ref(), action, None, None);
        dialog.set_modal(true);
        if !begin.is_empty() {
            dialog.set_current_folder(&begin);
        }
        // The dialog lives until it is answered.
        let held = Rc::new(RefCell::new(Some((dialog.clone(), chosen))));
        dialog.connect_response(move |dialog, response| {
            let Some((_, chosen)) = held.borrow_mut().take() else { return };
            let accepted = response == gtk::ResponseType::Accept;
            // Whoever asked may be gone.
            let _ = chosen.send(dialog.filename().filter(|_| accepted));
            dialog.destroy();
        });
        dialog.show();
    };
    window.run_on_main_thread(ask).map_err(internal)?;
    let folder = answer.await.unwrap_or(None);
    Ok(folder.and_then(|folder| folder.to_str().map(str::to_owned)))
}

/// The dialog of other systems is not made yet; the page has a field for the path as well.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub(crate) async fn choose(
    _window: &WebviewWindow,
    _title: String,
    _begin: String,
) -> Result<Option<String>, wire::Error> {
    Err(internal("type the folder's path into the field"))
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
