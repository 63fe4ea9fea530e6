//! The wall in the real window: what is asserted is on the screen, or said by the workers.

use std::time::{Duration, Instant};

use fantoccini::{
    actions::{InputSource, KeyAction, KeyActions},
    key::Key,
};
use hausrecht_tests::{
    camera::{PASSWORD, SimCam, USER},
    desktop::{Desktop, clock_in, fitted},
    display::Area,
    stage::alone,
    until::until,
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
const CAMERAS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn the_wall_with_pictures_above_the_page() {
    if alone("wall::window::the_wall_with_pictures_above_the_page") {
        whole_wall("native").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wall_with_pictures_in_the_page() {
    if alone("wall::window::the_wall_with_pictures_in_the_page") {
        whole_wall("canvas").await;
    }
}

async fn whole_wall(presenter: &str) {
    let _front = SimCam::start(&["--name", "Front door", "--scene", "front"]);
    let _garage = SimCam::start(&["--name", "Garage", "--scene", "garage"]);
    let _shop = SimCam::start(&["--name", "Shop counter", "--scene", "shop"]);
    let desktop = Desktop::start(&format!("wall-{presenter}")).await;
    begin(&desktop, presenter).await;
    no_blank_moment(&desktop).await;
    details_and_zoom(&desktop).await;
    unseen_costs_nothing(&desktop).await;
    arrange(&desktop).await;
    full_screen_and_keys(&desktop).await;
    other_windows(&desktop).await;
    desktop.close().await;
}

/// From nothing to three cameras on the wall.
async fn begin(desktop: &Desktop, presenter: &str) {
    desktop.fill("welcome-name", "Alex").await;
    desktop.click("welcome-next").await;
    desktop.click("recovery-done").await;
    desktop.wait_for_count("[data-testid='found-row']", CAMERAS, Duration::from_secs(60)).await;
    desktop.fill("camera-user", USER).await;
    desktop.fill("camera-password", PASSWORD).await;
    desktop.click("connect").await;
    desktop.find("live").await;
    desktop.click("nav-settings").await;
    desktop.choose("set-presenter", presenter).await;
    desktop.click("nav-live").await;
    desktop.wait_for_count("[data-testid='tile'][data-state='live']", CAMERAS, Duration::from_secs(60)).await;
    for index in 0..CAMERAS {
        let picture = fitted(desktop.area("[data-testid='tile-picture']", index).await);
        desktop.wait_until_moves("a tile", picture, 0.001).await;
    }
}

/// Presses a key, with others held.
async fn press(desktop: &Desktop, held: &[Key], key: char) {
    let mut actions = KeyActions::new("keys".into());
    for held in held {
        actions = actions.then(KeyAction::Down { value: (*held).into() });
    }
    actions = actions.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
    for held in held.iter().rev() {
        actions = actions.then(KeyAction::Up { value: (*held).into() });
    }
    desktop.page.perform_actions(actions).await.unwrap();
}

/// What a worker decodes, asked of the engine by the page.
async fn decoded(desktop: &Desktop) -> Vec<(String, String)> {
    let script = "const done = arguments[0]
        const invoke = window.__TAURI_INTERNALS__.invoke
        invoke('cameras').then(async (cameras) => {
          const all = []
          for (const { id } of cameras) all.push(...(await invoke('tile_details', { camera: id })).decoded)
          done(all)
        })";
    let said = desktop.page.execute_async(script, Vec::new()).await.unwrap();
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    said.as_array().unwrap().iter().map(|one| (text(one, "stream"), text(one, "decoder"))).collect()
}

async fn until_decoded(desktop: &Desktop, what: &str, streams: &[&str]) {
    until(&format!("{what}: {streams:?}"), SOON, async || {
        let mut now: Vec<String> = decoded(desktop).await.into_iter().map(|(stream, _)| stream).collect();
        now.sort();
        if now == streams { Ok(()) } else { Err(now) }
    })
    .await;
}

/// Enlarging a camera and going back: where its picture was and stays, there is one at every moment.
async fn no_blank_moment(desktop: &Desktop) {
    let tile = fitted(desktop.area("[data-testid='tile-picture']", 0).await);
    // The middle of the first tile is inside the large picture too.
    let common = Area { x: tile.x + tile.width / 2, y: tile.y + tile.height / 2, width: 60, height: 40 };
    until_decoded(desktop, "three small ones", &["sub", "sub", "sub"]).await;
    for (what, streams) in [("the large one", &["main"][..]), ("back", &["sub", "sub", "sub"][..])] {
        if what == "back" {
            desktop.find_by("body").await.send_keys("\u{e00c}").await.unwrap();
        } else {
            desktop.click("tile-name").await;
        }
        let (mut looks, mut blank, begun) = (0_u32, 0_u32, Instant::now());
        until("two seconds of looking", SOON, async || {
            for _ in 0..40 {
                let seen = desktop.display.part(common);
                let all = Area { x: 0, y: 0, ..common };
                looks += 1;
                if seen.brightness(all) < 14.0 || seen.colours(all) < 2 {
                    blank += 1;
                }
            }
            if begun.elapsed() >= Duration::from_secs(2) { Ok(()) } else { Err(looks) }
        })
        .await;
        println!("{what}: {blank} of {looks} looks were blank");
        assert_eq!(blank, 0, "{what}: of {looks} looks");
        until_decoded(desktop, what, streams).await;
    }
}

async fn details_and_zoom(desktop: &Desktop) {
    press(desktop, &[], '1').await;
    press(desktop, &[], 'i').await;
    let decoder = until("the decoder", SOON, async || {
        let stream = desktop.find_by("[data-testid='details-stream'][data-stream='sub']").await;
        match stream.attr("data-decoder").await.unwrap() {
            Some(name) if !name.is_empty() => Ok(name),
            other => Err(other),
        }
    })
    .await;
    println!("decoded by {decoder}");
    desktop.keep("details").await;
    press(desktop, &[], 'i').await;
    desktop.wait_until_gone("tile-details").await;

    let picture = fitted(desktop.area("[data-testid='tile-picture']", 0).await);
    desktop.wait_until_moves("its clock", clock_in(picture), 0.01).await;
    let whole = desktop.display.picture();
    for _ in 0..6 {
        press(desktop, &[], 'z').await;
    }
    desktop.find("tile-zoom").await;
    // A part is cut out of the large stream, so that it is sharp.
    until_decoded(desktop, "a part of one", &["main", "sub", "sub"]).await;
    until("another part of the picture", SOON, async || {
        let changed = desktop.display.picture().changed(&whole, picture);
        if changed > 0.3 { Ok(()) } else { Err(changed) }
    })
    .await;
    desktop.keep("zoomed").await;
    let before = desktop.display.picture();
    for _ in 0..4 {
        press(desktop, &[Key::Control], char::from(Key::Left)).await;
    }
    until("a part further left", SOON, async || {
        let changed = desktop.display.picture().changed(&before, picture);
        if changed > 0.1 { Ok(()) } else { Err(changed) }
    })
    .await;
    press(desktop, &[], '0').await;
    desktop.wait_until_gone("tile-zoom").await;
    until_decoded(desktop, "the whole picture", &["sub", "sub", "sub"]).await;
    desktop.wait_until_moves("its clock again", clock_in(picture), 0.01).await;
}

/// Another screen, a dialog, a locked desktop, another page of the wall: nothing of what is not seen is decoded.
async fn unseen_costs_nothing(desktop: &Desktop) {
    desktop.click("nav-settings").await;
    until_decoded(desktop, "another screen", &[]).await;
    // Here it stays open, so that it is seen what comes back by itself.
    desktop.click("set-lock-desktop").await;
    desktop.click("nav-live").await;
    until_decoded(desktop, "the wall again", &["sub", "sub", "sub"]).await;

    for (active, streams) in [("true", &[][..]), ("false", &["sub", "sub", "sub"][..])] {
        let signal = desktop
            .program("dbus-send")
            .args(["--session", "--type=signal", "/org/freedesktop/ScreenSaver"])
            .args(["org.freedesktop.ScreenSaver.ActiveChanged", &format!("boolean:{active}")])
            .status();
        assert!(signal.unwrap().success());
        until_decoded(desktop, &format!("locked: {active}"), streams).await;
    }

    desktop.choose("layout", "1").await;
    until_decoded(desktop, "one of three pages", &["main"]).await;
    press(desktop, &[], char::from(Key::PageDown)).await;
    until_decoded(desktop, "the next page", &["main"]).await;
    desktop.choose("layout", "auto").await;
    until_decoded(desktop, "all", &["sub", "sub", "sub"]).await;
}

async fn cells(desktop: &Desktop) -> Vec<String> {
    let script =
        "return [...document.querySelectorAll(\"[data-testid='wall-cell']\")].map(e => e.dataset.area)";
    let said = desktop.page.execute(script, Vec::new()).await.unwrap();
    said.as_array().unwrap().iter().map(|area| area.as_str().unwrap_or_default().to_owned()).collect()
}

async fn until_cells(desktop: &Desktop, expected: &[&str]) {
    until(&format!("{expected:?}"), SOON, async || {
        let now = cells(desktop).await;
        if now == expected { Ok(()) } else { Err(now) }
    })
    .await;
}

/// A wall of one's own, by keys and by dragging, that is there again after its patrol and after locking.
async fn arrange(desktop: &Desktop) {
    until_cells(desktop, &["0 0 1 1", "1 0 1 1", "0 1 1 1"]).await;
    press(desktop, &[], '1').await;
    press(desktop, &[], 'e').await;
    desktop.fill("arrange-name", "Yard").await;
    desktop.page.execute("document.activeElement.blur()", Vec::new()).await.unwrap();
    // Larger by a column: who stands there moves to a free cell.
    press(desktop, &[Key::Shift], char::from(Key::Right)).await;
    until_cells(desktop, &["0 0 2 1", "0 1 1 1", "1 1 1 1"]).await;
    // Swapped with the one below, by the pointer.
    let from = desktop.area("[data-testid='wall-cell']", 1).await;
    let to = desktop.area("[data-testid='wall-cell']", 2).await;
    let middle = |area: Area| (area.x + area.width / 2, area.y + area.height / 2);
    let ((x, y), (to_x, to_y)) = (middle(from), middle(to));
    let there = fitted(desktop.area("[data-testid='tile-picture']", 2).await);
    desktop.wait_until_moves("the tile below", there, 0.001).await;
    let before = desktop.display.picture();
    let first = "return document.querySelectorAll(\"[data-testid='tile']\")[1].dataset.camera";
    let dragged = desktop.page.execute(first, Vec::new()).await.unwrap();
    let drag = "const at = (type, x, y) => document.querySelector(\"[data-testid='wall-grid']\").dispatchEvent(
          new PointerEvent(type, { clientX: x, clientY: y, pointerId: 1, button: 0, bubbles: true }))
        const [x, y, toX, toY] = arguments
        document.elementFromPoint(x, y).dispatchEvent(new PointerEvent('pointerdown', { clientX: x, clientY: y, pointerId: 1, button: 0, bubbles: true }))
        at('pointermove', toX, toY)
        at('pointerup', toX, toY)";
    // A pointer that exists nowhere cannot be captured; the drag is the same without.
    desktop.page.execute("Element.prototype.setPointerCapture = () => {}", Vec::new()).await.unwrap();
    desktop.page.execute(drag, vec![json!(x), json!(y), json!(to_x), json!(to_y)]).await.unwrap();
    let where_is = "return document.querySelector(`[data-testid='wall-cell']:has([data-camera='${arguments[0]}'])`).dataset.area";
    until("the dragged tile", SOON, async || {
        let now = desktop.page.execute(where_is, vec![dragged.clone()]).await.unwrap();
        if now == "1 1 1 1" { Ok(()) } else { Err(now) }
    })
    .await;
    until("its picture to be there too", SOON, async || {
        let changed = desktop.display.picture().changed(&before, there);
        if changed > 0.5 { Ok(()) } else { Err(changed) }
    })
    .await;
    desktop.keep("arranging").await;
    desktop.click("arrange-keep").await;
    desktop.wait_until_gone("arrange-bar").await;
    desktop.find("wall-choice").await;
    desktop.keep("own-wall").await;
    until_cells(desktop, &["0 0 2 1", "0 1 1 1", "1 1 1 1"]).await;

    // The patrol walks from it to all cameras, and rests while somebody touches the window.
    desktop.click("patrol").await;
    desktop.find("patrol-stay").await;
    press(desktop, &[], 'x').await;
    desktop.find_by("[data-testid='patrol'][data-rests='true']").await;
    desktop.click("patrol").await;
}

async fn full_screen_and_keys(desktop: &Desktop) {
    press(desktop, &[], '?').await;
    desktop.find("keys").await;
    desktop.keep("keys").await;
    until_decoded(
        desktop,
        "under a dialog",
        if desktop.pictures.ends_with("wall-native") { &[] } else { &["sub", "sub", "sub"] },
    )
    .await;
    desktop.find_by("[data-testid='keys']").await.send_keys("\u{e00c}").await.unwrap();
    desktop.wait_until_gone("keys").await;

    press(desktop, &[], char::from(Key::F11)).await;
    desktop.wait_until_gone("nav-live").await;
    for index in 0..CAMERAS {
        let picture = fitted(desktop.area("[data-testid='tile-picture']", index).await);
        desktop.wait_until_moves("a tile of the full screen", picture, 0.001).await;
    }
    desktop.keep("full-screen").await;
    press(desktop, &[], char::from(Key::F11)).await;
    desktop.find("nav-live").await;

    // Larger text, and pictures that are still where the page says.
    for _ in 0..5 {
        press(desktop, &[Key::Control], '+').await;
    }
    until("a page of 150 percent", SOON, async || {
        let width = desktop.page.execute("return innerWidth", Vec::new()).await.unwrap();
        if width.as_f64().unwrap_or_default() < 1000.0 { Ok(()) } else { Err(width) }
    })
    .await;
    let area = desktop.area("[data-testid='tile-picture']", 0).await;
    let scaled = |pixels: u32| pixels * 3 / 2;
    let seen =
        Area { x: scaled(area.x), y: scaled(area.y), width: scaled(area.width), height: scaled(area.height) };
    desktop.wait_until_moves("a tile of the enlarged page", fitted(seen), 0.001).await;
    desktop.keep("large-text").await;
    press(desktop, &[Key::Control], '0').await;
    until("the usual size", SOON, async || {
        let width = desktop.page.execute("return innerWidth", Vec::new()).await.unwrap();
        if width.as_f64().unwrap_or_default() > 1400.0 { Ok(()) } else { Err(width) }
    })
    .await;
}

/// The second window and the small one: pictures of their own, and nothing else that they may do.
async fn other_windows(desktop: &Desktop) {
    let main = desktop.page.window().await.unwrap();
    for (key, id, streams) in [('n', "second", &["sub"; 6][..]), ('w', "small", &["sub"; 4][..])] {
        press(desktop, &[], '1').await;
        press(desktop, &[], key).await;
        let other = until(&format!("the {id} window"), SOON, async || {
            let all = desktop.page.windows().await.unwrap();
            all.iter().find(|window| **window != main).cloned().ok_or(all.len())
        })
        .await;
        until_decoded(desktop, id, streams).await;
        desktop.page.switch_to_window(other).await.unwrap();
        desktop.find(id).await;
        let refused = "const done = arguments[0]
            window.__TAURI_INTERNALS__.invoke('log_page', { query: { offset: 0, limit: 1, kinds: [], camera: null, person: null } })
              .then(() => done('given'), (error) => done(String(error)))";
        let answer = desktop.page.execute_async(refused, Vec::new()).await.unwrap();
        assert!(answer.as_str().unwrap_or_default().contains("may not"), "{id}: {answer}");
        let displayed = desktop.display.picture();
        displayed.save(&desktop.pictures.join(format!("{id}.png"))).unwrap();
        // The window is gone before WebDriver could answer a click in it.
        let close = "setTimeout(() => document.querySelector(\"[data-testid='close-window']\").click(), 100)";
        desktop.page.execute(close, Vec::new()).await.unwrap();
        desktop.page.switch_to_window(main.clone()).await.unwrap();
        until_decoded(desktop, "the main window alone", &["sub", "sub", "sub"]).await;
    }
}
