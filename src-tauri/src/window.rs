//! The windows: each with a picture area over its page; closing, hiding, minimising, and where they stood last.

pub(crate) mod extra;
mod place;

use std::sync::Arc;

use hausrecht_engine::{Handle, wire::WindowPlace};
use tauri::{AppHandle, Manager, WebviewWindow, WebviewWindowBuilder, WindowEvent, webview::PageLoadEvent};

use crate::{
    commands::Shell,
    presenter::{Presenter, Screen, Wall},
};

/// Label of the main window, as in the capabilities.
pub(crate) const MAIN: &str = "main";

/// Makes the main window. `tray`: closing hides it instead of quitting.
///
/// # Errors
/// The window cannot be made.
pub(crate) fn make(app: &AppHandle, screen: &Arc<Screen>, tray: bool) -> anyhow::Result<()> {
    let config = app
        .config()
        .app
        .windows
        .iter()
        .find(|window| window.label == MAIN)
        .ok_or_else(|| anyhow::anyhow!("the configuration has no window “{MAIN}”"))?;
    let engine = app.state::<Shell>().engine.clone();
    let listening = engine.clone();
    let builder = WebviewWindowBuilder::from_config(app, config)?;
    let window = own_page(builder, screen, move || listening.close_microphone()).build()?;
    let places = tauri::async_runtime::block_on(engine.window_places()).unwrap_or_default();
    place::restore(&window, &places);
    furnish(&window, screen, &engine, String::new());

    let (wall, closing) = (screen.wall.clone(), window.clone());
    window.on_window_event(move |event| {
        if let WindowEvent::DragDrop(dragged) = event {
            crate::open::dragged(closing.app_handle(), dragged);
        }
        if let WindowEvent::CloseRequested { .. } | WindowEvent::Destroyed = event {
            engine.close_microphone();
            // Without the main window the others say nothing of who is signed in.
            extra::close_all(closing.app_handle());
        }
        if let WindowEvent::CloseRequested { api, .. } = event
            && tray
        {
            api.prevent_close();
            hide(&closing, &wall);
        }
    });
    window.show()?;
    Ok(())
}

/// What holds for every page: it is our own, and nothing of it is kept on disk. A page that begins anew has not placed any
/// picture yet; `anew` is called then.
fn own_page<'a>(
    builder: WebviewWindowBuilder<'a, tauri::Wry, AppHandle>,
    screen: &Arc<Screen>,
    anew: impl Fn() + Send + Sync + 'static,
) -> WebviewWindowBuilder<'a, tauri::Wry, AppHandle> {
    let wall = screen.wall.clone();
    builder
        .incognito(!is_driven())
        .on_navigation(|url| {
            let own = matches!(url.scheme(), "tauri") || url.host_str() == Some("tauri.localhost");
            own || (cfg!(dev) && url.host_str() == Some("127.0.0.1"))
        })
        .on_page_load(move |_, load| {
            if load.event() == PageLoadEvent::Started {
                wall.place(Vec::new());
                anew();
            }
        })
}

/// Whether a test drives the page, which must not be in the private mode then.
fn is_driven() -> bool {
    std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some()
}

/// Gives a window its pictures, and keeps where it stands; `shows` is kept with that.
fn furnish(window: &WebviewWindow, screen: &Arc<Screen>, engine: &Handle, shows: String) {
    screen.wall.set_scale(window.scale_factor().unwrap_or(1.0));
    if let Some(native) = native(window, &screen.wall) {
        screen.has_native(native);
    }
    screen.draw_by(engine.settings().presenter);
    place::keep(window, engine, shows);
    let (wall, seen) = (screen.wall.clone(), window.clone());
    window.on_window_event(move |event| {
        if let WindowEvent::ScaleFactorChanged { scale_factor, .. } = event {
            wall.set_scale(*scale_factor);
        } else if let WindowEvent::Resized(_) | WindowEvent::Focused(_) = event {
            let shown = seen.is_visible().unwrap_or(true);
            wall.set_visible(shown && !seen.is_minimized().unwrap_or(false));
        }
    });
}

/// Shows the main window again.
pub(crate) fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(MAIN) else { return };
    let shown = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!(%error, "the window does not show");
    }
    if let Some(screen) = app.try_state::<Shell>().and_then(|shell| shell.screens.of(MAIN)) {
        screen.wall.set_visible(true);
    }
}

fn hide(window: &WebviewWindow, wall: &Wall) {
    wall.set_visible(false);
    if let Err(error) = window.hide() {
        tracing::warn!(%error, "the window does not hide");
    }
}

/// What a window of this name is remembered by, if it is.
async fn remembered(engine: &Handle, label: &str) -> Option<WindowPlace> {
    let places = engine.window_places().await.unwrap_or_default();
    places.into_iter().find(|place| place.window == label)
}

#[cfg(target_os = "linux")]
fn native(window: &WebviewWindow, wall: &Arc<Wall>) -> Option<Arc<dyn Presenter>> {
    use gtk::{gdk, glib, prelude::*};

    use crate::presenter::native::Native;

    let box_of_page = window.default_vbox().ok()?;
    let page = box_of_page.children().into_iter().find(|child| child.type_().name() == "WebKitWebView")?;
    let native =
        Native::over(&page).inspect_err(|error| tracing::warn!(%error, "no native presenter")).ok()?;
    let desktop = window.gtk_window().ok()?;
    // Minimising reaches Tauri as nothing at all.
    let minimised = wall.clone();
    desktop.connect_window_state_event(move |_, event| {
        let unseen = gdk::WindowState::ICONIFIED | gdk::WindowState::WITHDRAWN;
        minimised.set_visible(!event.new_window_state().intersects(unseen));
        glib::Propagation::Proceed
    });
    // On a desktop that draws windows directly, one that lies wholly under others is told so.
    let covered = wall.clone();
    desktop.add_events(gdk::EventMask::VISIBILITY_NOTIFY_MASK);
    desktop.connect_event(move |_, event| {
        if let Ok(event) = event.clone().downcast::<gdk::EventVisibility>() {
            covered.set_visible(event.state() != gdk::VisibilityState::FullyObscured);
        }
        glib::Propagation::Proceed
    });
    Some(native)
}

#[cfg(not(target_os = "linux"))]
fn native(_window: &WebviewWindow, _wall: &Arc<Wall>) -> Option<Arc<dyn Presenter>> {
    None
}
