//! The main window: made once, with the picture area over its page; closing, hiding and minimising.

use std::sync::Arc;

use hausrecht_engine::wire::PresenterKind;
use tauri::{AppHandle, Manager, WebviewWindow, WebviewWindowBuilder, WindowEvent, webview::PageLoadEvent};

use crate::{
    commands::Shell,
    presenter::{Presenter, Wall},
};

/// Label of the window, as in the capabilities.
const LABEL: &str = "main";

/// The presenter of the desktop, where there is one.
struct NativePresenter(Option<Arc<dyn Presenter>>);

/// Makes the window. `tray`: closing hides it instead of quitting.
///
/// # Errors
/// The window cannot be made.
pub(crate) fn make(app: &AppHandle, wall: &Arc<Wall>, tray: bool) -> anyhow::Result<()> {
    let config = app
        .config()
        .app
        .windows
        .iter()
        .find(|window| window.label == LABEL)
        .ok_or_else(|| anyhow::anyhow!("the configuration has no window “{LABEL}”"))?;
    let (loading, engine) = (wall.clone(), app.state::<Shell>().engine.clone());
    let listening = engine.clone();
    // Nothing of a page is kept on disk. A page that a test drives must not be in the private mode that does so.
    let driven = std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some();
    let window = WebviewWindowBuilder::from_config(app, config)?
        .incognito(!driven)
        .on_navigation(|url| {
            let own = matches!(url.scheme(), "tauri") || url.host_str() == Some("tauri.localhost");
            own || (cfg!(dev) && url.host_str() == Some("127.0.0.1"))
        })
        .on_page_load(move |_, load| {
            // A page that begins anew has not placed anything yet, and holds no button.
            if load.event() == PageLoadEvent::Started {
                loading.place(Vec::new());
                listening.close_microphone();
            }
        })
        .build()?;
    wall.set_scale(window.scale_factor()?);
    app.manage(NativePresenter(native(&window, wall)));

    let (events_wall, events_window) = (wall.clone(), window.clone());
    window.on_window_event(move |event| {
        if let WindowEvent::DragDrop(dragged) = event {
            crate::open::dragged(events_window.app_handle(), dragged);
        }
        if let WindowEvent::CloseRequested { .. } | WindowEvent::Destroyed = event {
            engine.close_microphone();
        }
        if let WindowEvent::CloseRequested { api, .. } = event
            && tray
        {
            api.prevent_close();
            hide(&events_window, &events_wall);
        } else if let WindowEvent::ScaleFactorChanged { scale_factor, .. } = event {
            events_wall.set_scale(*scale_factor);
        } else if let WindowEvent::Resized(_) | WindowEvent::Focused(_) = event {
            let shown = events_window.is_visible().unwrap_or(true);
            events_wall.set_visible(shown && !events_window.is_minimized().unwrap_or(false));
        }
    });
    window.show()?;
    Ok(())
}

/// Shows the window again.
pub(crate) fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    let shown = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!(%error, "the window does not show");
    }
    if let Some(shell) = app.try_state::<Shell>() {
        shell.wall.set_visible(true);
    }
}

/// Lets the presenter of the settings draw; the canvas one where the desktop has none.
pub(crate) fn choose_presenter(app: &AppHandle, kind: PresenterKind) {
    let (Some(shell), Some(native)) = (app.try_state::<Shell>(), app.try_state::<NativePresenter>()) else {
        return;
    };
    let presenter = match (kind, &native.0) {
        (PresenterKind::Native, Some(native)) => native.clone(),
        (PresenterKind::Native, None) | (PresenterKind::Canvas, _) => shell.canvas.clone(),
    };
    shell.wall.use_presenter(presenter);
}

fn hide(window: &WebviewWindow, wall: &Wall) {
    wall.set_visible(false);
    if let Err(error) = window.hide() {
        tracing::warn!(%error, "the window does not hide");
    }
}

#[cfg(target_os = "linux")]
fn native(window: &WebviewWindow, wall: &Arc<Wall>) -> Option<Arc<dyn Presenter>> {
    use gtk::prelude::*;

    use crate::presenter::native::Native;

    let box_of_page = window.default_vbox().ok()?;
    let page = box_of_page.children().into_iter().find(|child| child.type_().name() == "WebKitWebView")?;
    let native =
        Native::over(&page).inspect_err(|error| tracing::warn!(%error, "no native presenter")).ok()?;
    // Minimising reaches Tauri as nothing at all.
    let wall = wall.clone();
    window.gtk_window().ok()?.connect_window_state_event(move |_, event| {
        let unseen = gtk::gdk::WindowState::ICONIFIED | gtk::gdk::WindowState::WITHDRAWN;
        wall.set_visible(!event.new_window_state().intersects(unseen));
        gtk::glib::Propagation::Proceed
    });
    Some(native)
}

#[cfg(not(target_os = "linux"))]
fn native(_window: &WebviewWindow, _wall: &Arc<Wall>) -> Option<Arc<dyn Presenter>> {
    None
}
