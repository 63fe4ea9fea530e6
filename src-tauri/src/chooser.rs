//! Folders, chosen and shown by the desktop itself: GTK's own dialog, which the program has in it anyway, and whatever program
//! the person uses for files.

use hausrecht_engine::wire;
use tauri::WebviewWindow;

use crate::commands::internal;

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

/// Shows `folder` in the program that the desktop has for it.
///
/// # Errors
/// There is none on this system.
#[cfg(target_os = "linux")]
pub(crate) fn show_folder(window: &WebviewWindow, folder: String) -> Result<(), wire::Error> {
    use gtk::{gio, glib};

    let uri = glib::filename_to_uri(folder, None).map_err(internal)?;
    let open = move || {
        if let Err(error) = gio::AppInfo::launch_default_for_uri(&uri, None::<&gio::AppLaunchContext>) {
            tracing::warn!("the folder cannot be shown: {error}");
        }
    };
    window.run_on_main_thread(open).map_err(internal)
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

/// As above.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub(crate) fn show_folder(_window: &WebviewWindow, folder: String) -> Result<(), wire::Error> {
    Err(internal(format!("the files are in {folder}")))
}
