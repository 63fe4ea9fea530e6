//! Where a window stands: kept when it comes to rest, and taken up again as far as there is still a screen there.

use std::time::Duration;

use hausrecht_engine::{Handle, wire::WindowPlace};
use tauri::{PhysicalPosition, PhysicalSize, WebviewWindow, WindowEvent};
use tokio::sync::watch;

/// A place counts once it has stayed the same for this long.
const CALM: Duration = Duration::from_millis(400);
/// So much of a window must lie on some screen, or nobody could take hold of it. Pixels.
const REACHABLE: i64 = 80;

/// A rectangle of pixels on the desktop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Rect {
    x: i64,
    y: i64,
    width: i64,
    height: i64,
}

/// Puts the window where it stood last.
pub(super) fn restore(window: &WebviewWindow, places: &[WindowPlace]) {
    let Some(place) = places.iter().find(|place| place.window == window.label()) else { return };
    let screens: Vec<Rect> = window
        .available_monitors()
        .unwrap_or_default()
        .iter()
        .map(|monitor| Rect {
            x: monitor.position().x.into(),
            y: monitor.position().y.into(),
            width: monitor.size().width.into(),
            height: monitor.size().height.into(),
        })
        .collect();
    let wanted =
        Rect { x: place.x.into(), y: place.y.into(), width: place.width.into(), height: place.height.into() };
    let Some(fits) = fit(wanted, &screens) else { return };
    let (x, y) = (i32::try_from(fits.x).unwrap_or(0), i32::try_from(fits.y).unwrap_or(0));
    let (width, height) = (u32::try_from(fits.width).unwrap_or(0), u32::try_from(fits.height).unwrap_or(0));
    let mut put = window
        .set_size(PhysicalSize { width, height })
        .and_then(|()| window.set_position(PhysicalPosition { x, y }));
    if place.maximised {
        put = put.and_then(|()| window.maximize());
    }
    if let Err(error) = put {
        tracing::warn!(%error, "the window stands where the desktop puts it");
    }
}

/// Keeps where the window stands from now on; what it shows, `shows`, is kept with that.
pub(super) fn keep(window: &WebviewWindow, engine: &Handle, shows: String) {
    let changes = watch::Sender::new(());
    let mut changed = changes.subscribe();
    let (kept, engine, standing) = (window.label().to_owned(), engine.clone(), window.clone());
    tauri::async_runtime::spawn(async move {
        let mut before: Option<WindowPlace> = None;
        while changed.changed().await.is_ok() {
            while tokio::time::timeout(CALM, changed.changed()).await.is_ok_and(|still| still.is_ok()) {}
            let Some(now) = place_of(&standing, &kept, &shows, before.as_ref()) else { continue };
            if before.as_ref() != Some(&now) {
                if let Err(error) = engine.keep_window_place(now.clone()).await {
                    tracing::warn!(%error, "where the window stands is not kept");
                }
                before = Some(now);
            }
        }
    });
    window.on_window_event(move |event| {
        if let WindowEvent::Moved(_) | WindowEvent::Resized(_) = event {
            changes.send_replace(());
        }
    });
}

/// Where the window stands now; of one that fills the screen, where it stood before.
fn place_of(
    window: &WebviewWindow,
    label: &str,
    shows: &str,
    before: Option<&WindowPlace>,
) -> Option<WindowPlace> {
    let full = window.is_fullscreen().unwrap_or(false);
    if full || window.is_minimized().unwrap_or(false) || !window.is_visible().unwrap_or(false) {
        return None;
    }
    let maximised = window.is_maximized().unwrap_or(false);
    if let Some(before) = before.filter(|_| maximised) {
        return Some(WindowPlace { maximised, ..before.clone() });
    }
    let (at, size) = (window.outer_position().ok()?, window.inner_size().ok()?);
    Some(WindowPlace {
        window: label.to_owned(),
        x: at.x,
        y: at.y,
        width: size.width,
        height: size.height,
        maximised,
        shows: shows.to_owned(),
    })
}

/// The place as far as it lies on one of the screens: where it was, no larger than the screen it is most on, and where
/// nobody could reach it, in the middle of the first screen. `None` without a screen.
fn fit(wanted: Rect, screens: &[Rect]) -> Option<Rect> {
    let common = |screen: &Rect| {
        let across = (wanted.x + wanted.width).min(screen.x + screen.width) - wanted.x.max(screen.x);
        let down = (wanted.y + wanted.height).min(screen.y + screen.height) - wanted.y.max(screen.y);
        (across.max(0), down.max(0))
    };
    let most = screens.iter().max_by_key(|screen| {
        let (across, down) = common(screen);
        across * down
    });
    let reached = most.filter(|screen| {
        let (across, down) = common(screen);
        // The bar by which a window is moved is at its top.
        across >= REACHABLE && down >= REACHABLE && wanted.y >= screen.y
    });
    let screen = reached.or_else(|| screens.first())?;
    let (width, height) = (wanted.width.min(screen.width), wanted.height.min(screen.height));
    if reached.is_some() {
        return Some(Rect { width, height, ..wanted });
    }
    let (x, y) = (screen.x + (screen.width - width) / 2, screen.y + (screen.height - height) / 2);
    Some(Rect { x, y, width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn rect(x: i64, y: i64, width: i64, height: i64) -> Rect {
        Rect { x, y, width, height }
    }

    #[test]
    fn a_window_comes_back_where_a_screen_still_is() {
        let left = rect(0, 0, 1920, 1080);
        let right = rect(1920, 0, 1280, 1024);
        let on_right = rect(2000, 100, 800, 600);
        assert_eq!(fit(on_right, &[left, right]), Some(on_right));
        assert_eq!(fit(on_right, &[left]), Some(rect(560, 240, 800, 600)), "that screen is gone");
        assert_eq!(fit(rect(100, 50, 4000, 3000), &[left]), Some(rect(100, 50, 1920, 1080)));
        let over_the_top = rect(100, -300, 800, 600);
        assert_eq!(fit(over_the_top, &[left]), Some(rect(560, 240, 800, 600)));
        assert_eq!(fit(on_right, &[]), None);
    }
}
