//! The windows beside the main one: a wall on a second screen, and one camera that stays above everything else.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::Duration,
};

use hausrecht_engine::wire::{ErrorCode, WindowPlace};
use hausrecht_model::CameraId;
use serde::{Deserialize, Serialize};
use tauri::{
    AppHandle, LogicalSize, Manager, PhysicalPosition, WebviewUrl, WebviewWindow, WebviewWindowBuilder,
    WindowEvent,
};
use tauri_specta::Event as _;
use tokio::sync::watch;

use super::{MAIN, furnish, own_page, place, remembered};
use crate::{commands::Shell, events::ShownCameraEvent, presenter::Screen};

/// Label of the window with a wall of its own.
pub(crate) const SECOND: &str = "second";
/// Label of the window with one camera.
pub(crate) const SMALL: &str = "small";

/// What stands where the page has not drawn yet: `#0e1113`.
const GROUND: tauri::window::Color = tauri::window::Color(14, 17, 19, 255);
/// The bar above the picture of the small window. CSS pixels.
const BAR: f64 = 32.0;
/// How large it is at first.
const FIRST_WIDTH: f64 = 400.0;
/// A size counts once it has stayed the same for this long.
const CALM: Duration = Duration::from_millis(150);
/// No narrower.
const LEAST_WIDTH: f64 = 220.0;

/// What a window is there for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
#[serde(tag = "role", rename_all = "snake_case")]
pub(crate) enum WindowRole {
    /// Everything.
    Main,
    /// A wall of its own.
    Second {
        /// The wall that it showed last, as the page calls it.
        shows: String,
    },
    /// One camera.
    Small {
        /// Which.
        camera: CameraId,
    },
}

/// An edge or corner by which a window is resized.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Edge {
    /// Top left corner.
    TopLeft,
    /// Top right corner.
    TopRight,
    /// Bottom left corner.
    BottomLeft,
    /// Bottom right corner.
    BottomRight,
}

/// Opens the window with a wall of its own, or brings it to the front.
///
/// # Errors
/// It cannot be made.
pub(crate) async fn open_second(app: &AppHandle) -> anyhow::Result<()> {
    if let Some(window) = app.get_webview_window(SECOND) {
        window.set_focus()?;
        return Ok(());
    }
    let shell = app.state::<Shell>();
    let last = remembered(&shell.engine, SECOND).await;
    let screen = shell.screens.begin(SECOND).await?;
    let window = build_second(app, &screen)?;
    match &last {
        Some(last) => place::restore(&window, std::slice::from_ref(last)),
        None => to_another_screen(app, &window),
    }
    furnish_on_main(app, &window, last.map(|last| last.shows).unwrap_or_default()).await?;
    end_with(app, &window);
    window.show()?;
    Ok(())
}

/// Shows `camera` in the small window, which is opened if there is none.
///
/// # Errors
/// Nobody is signed in, the camera is not theirs to see, or the window cannot be made.
pub(crate) async fn open_small(app: &AppHandle, camera: CameraId) -> anyhow::Result<()> {
    let shell = app.state::<Shell>();
    let aspect = aspect_of(&shell, camera)?;
    *shell.small.lock().unwrap_or_else(PoisonError::into_inner) = Some(camera);
    if let Some(window) = app.get_webview_window(SMALL) {
        let width = window.inner_size()?.to_logical::<f64>(window.scale_factor()?).width;
        window.set_size(LogicalSize { width, height: width / aspect + BAR })?;
        ShownCameraEvent(camera).emit(app)?;
        window.show()?;
        return Ok(());
    }
    let last = remembered(&shell.engine, SMALL).await;
    let screen = shell.screens.begin(SMALL).await?;
    let window = build_small(app, &screen, aspect)?;
    if let Some(last) = &last {
        place::restore(&window, std::slice::from_ref(last));
    }
    keep_aspect(&window);
    furnish_on_main(app, &window, String::new()).await?;
    end_with(app, &window);
    window.show()?;
    Ok(())
}

/// On Linux, Tauri offers the page's files once for each folder that it is told to keep data in, and a private window gets none of
/// another's. So each window names a folder of its own, in which, being private, it keeps nothing.
fn apart<'a>(
    builder: WebviewWindowBuilder<'a, tauri::Wry, AppHandle>,
    label: &str,
) -> WebviewWindowBuilder<'a, tauri::Wry, AppHandle> {
    if super::is_driven() || !cfg!(target_os = "linux") {
        return builder;
    }
    builder.data_directory(unused_folder(label))
}

fn unused_folder(label: &str) -> PathBuf {
    std::env::temp_dir().join(format!("hausrecht-{}-{label}", std::process::id()))
}

fn build_second(app: &AppHandle, screen: &Arc<Screen>) -> tauri::Result<WebviewWindow> {
    let builder = WebviewWindowBuilder::new(app, SECOND, WebviewUrl::App("index.html".into()))
        .title("Hausrecht")
        .inner_size(1280.0, 800.0)
        .min_inner_size(480.0, 320.0)
        .background_color(GROUND)
        .visible(false)
        .disable_drag_drop_handler();
    own_page(apart(builder, SECOND), screen, || {}).build()
}

fn build_small(app: &AppHandle, screen: &Arc<Screen>, aspect: f64) -> tauri::Result<WebviewWindow> {
    let builder = WebviewWindowBuilder::new(app, SMALL, WebviewUrl::App("index.html".into()))
        .title("Hausrecht")
        .inner_size(FIRST_WIDTH, FIRST_WIDTH / aspect + BAR)
        .min_inner_size(LEAST_WIDTH, LEAST_WIDTH / aspect + BAR)
        .background_color(GROUND)
        .decorations(false)
        .always_on_top(true)
        .skip_taskbar(true)
        .visible(false)
        .disable_drag_drop_handler();
    own_page(apart(builder, SMALL), screen, || {}).build()
}

/// Closes the windows beside the main one.
pub(crate) fn close_all(app: &AppHandle) {
    for label in [SECOND, SMALL] {
        if let Some(window) = app.get_webview_window(label)
            && let Err(error) = window.close()
        {
            tracing::warn!(%error, label, "a window does not close");
        }
    }
}

/// What the window of this name is there for.
pub(crate) async fn role(shell: &Shell, label: &str) -> WindowRole {
    match label {
        SECOND => {
            let last = remembered(&shell.engine, SECOND).await;
            WindowRole::Second { shows: last.map(|last| last.shows).unwrap_or_default() }
        }
        SMALL => match *shell.small.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(camera) => WindowRole::Small { camera },
            None => WindowRole::Second { shows: String::new() },
        },
        _ => WindowRole::Main,
    }
}

/// Keeps what the window of this name shows for the next time.
///
/// # Errors
/// A failure of the database.
pub(crate) async fn remember(
    shell: &Shell,
    window: &WebviewWindow,
    shows: String,
) -> Result<(), hausrecht_engine::wire::Error> {
    let at = window.outer_position().unwrap_or_default();
    let size = window.inner_size().unwrap_or_default();
    let now = WindowPlace {
        window: window.label().to_owned(),
        x: at.x,
        y: at.y,
        width: size.width,
        height: size.height,
        maximised: false,
        shows: shows.clone(),
    };
    let known = remembered(&shell.engine, window.label()).await;
    let place = known.map_or(now, |known| WindowPlace { shows, ..known });
    shell.engine.keep_window_place(place).await
}

/// Lets the person move the window that called, whose bar is the page's.
///
/// # Errors
/// The desktop refuses.
pub(crate) fn drag(window: &WebviewWindow) -> tauri::Result<()> {
    window.start_dragging()
}

/// Lets the person resize the window that called.
#[cfg(target_os = "linux")]
pub(crate) fn resize(window: &WebviewWindow, edge: Edge) -> anyhow::Result<()> {
    use gtk::{gdk, prelude::*};
    let gdk_edge = match edge {
        Edge::TopLeft => gdk::WindowEdge::NorthWest,
        Edge::TopRight => gdk::WindowEdge::NorthEast,
        Edge::BottomLeft => gdk::WindowEdge::SouthWest,
        Edge::BottomRight => gdk::WindowEdge::SouthEast,
    };
    let dragged = window.clone();
    window.run_on_main_thread(move || {
        let Ok(desktop) = dragged.gtk_window() else { return };
        let pointer = desktop.display().default_seat().and_then(|seat| seat.pointer());
        let Some((_, x, y)) = pointer.map(|pointer| pointer.position()) else { return };
        desktop.begin_resize_drag(gdk_edge, 1, x, y, gtk::current_event_time());
    })?;
    Ok(())
}

/// Elsewhere, the desktop's own edges do.
#[cfg(not(target_os = "linux"))]
pub(crate) fn resize(_window: &WebviewWindow, _edge: Edge) -> anyhow::Result<()> {
    Ok(())
}

/// Lets the small window take the picture's shape again when it was resized: the bar above it does not count.
fn keep_aspect(window: &WebviewWindow) {
    let resized = watch::Sender::new(());
    let mut changes = resized.subscribe();
    let shaped = window.clone();
    tauri::async_runtime::spawn(async move {
        while changes.changed().await.is_ok() {
            // While it is being dragged, it is the person's.
            while tokio::time::timeout(CALM, changes.changed()).await.is_ok_and(|still| still.is_ok()) {}
            let app = shaped.app_handle().clone();
            let shell = app.state::<Shell>();
            let camera = *shell.small.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(aspect) = camera.and_then(|camera| aspect_of(&shell, camera).ok()) else { continue };
            let (Ok(size), Ok(scale)) = (shaped.inner_size(), shaped.scale_factor()) else { return };
            let size = size.to_logical::<f64>(scale);
            let height = size.width / aspect + BAR;
            if (height - size.height).abs() > 1.5
                && let Err(error) = shaped.set_size(LogicalSize { width: size.width, height })
            {
                tracing::debug!(%error, "the small window keeps its shape");
            }
        }
    });
    resized.send_replace(());
    window.on_window_event(move |event| {
        if let WindowEvent::Resized(_) = event {
            resized.send_replace(());
        }
    });
}

fn aspect_of(shell: &Shell, camera: CameraId) -> anyhow::Result<f64> {
    // Also says whether whoever is signed in may see it.
    let tiles = shell.engine.tiles()?;
    let tile =
        tiles.iter().find(|tile| tile.camera == camera).ok_or_else(|| hausrecht_engine::wire::Error {
            code: ErrorCode::NotFound,
            message: "this camera is not there".into(),
        })?;
    Ok(f64::from(tile.aspect.unwrap_or(16.0 / 9.0)).clamp(0.3, 4.0))
}

/// A window that was never opened goes to a screen that the main window is not on, if there is one.
fn to_another_screen(app: &AppHandle, window: &WebviewWindow) {
    let main = app.get_webview_window(MAIN).and_then(|main| main.current_monitor().ok().flatten());
    let screens = window.available_monitors().unwrap_or_default();
    let other =
        screens.iter().find(|screen| main.as_ref().is_some_and(|main| main.position() != screen.position()));
    if let Some(screen) = other {
        let at = PhysicalPosition { x: screen.position().x + 40, y: screen.position().y + 40 };
        if let Err(error) = window.set_position(at) {
            tracing::debug!(%error, "the second window stays where the desktop puts it");
        }
    }
}

/// The desktop's widgets are touched on its own thread alone.
async fn furnish_on_main(app: &AppHandle, window: &WebviewWindow, shows: String) -> anyhow::Result<()> {
    let (furnished, done) = tokio::sync::oneshot::channel();
    let (app_there, window_there) = (app.clone(), window.clone());
    app.run_on_main_thread(move || {
        let shell = app_there.state::<Shell>();
        if let Some(screen) = shell.screens.of(window_there.label()) {
            furnish(&window_there, &screen, &shell.engine, shows);
        }
        // Whoever waits may have been given up.
        let _ = furnished.send(());
    })?;
    Ok(done.await?)
}

/// Ends a window's pictures with the window.
fn end_with(app: &AppHandle, window: &WebviewWindow) {
    let (app, label) = (app.clone(), window.label().to_owned());
    window.on_window_event(move |event| {
        if let WindowEvent::Destroyed = event {
            app.state::<Shell>().screens.end(&label);
            // WebKit makes it, and leaves it empty but for salt.
            let _ = std::fs::remove_dir_all(unused_folder(&label));
        }
    });
}
