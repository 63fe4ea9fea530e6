//! Recording in the real window: the week's plan by mouse and by keys, events, the room on the disk, and a clip that is
//! kept longer.

use std::time::Duration;

use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use hausrecht_tests::{camera::SimCam, desktop::Desktop, stage::alone, until::until};
use serde_json::{Value, json};

use crate::card::window::open_camera_page;

const PATIENCE: Duration = Duration::from_secs(60);

/// What a cell of the week shows, by its class.
async fn cell(desktop: &Desktop, day: usize, cell: usize) -> String {
    let script = "return document.querySelector(`[data-day='${arguments[0]}'][data-cell='${arguments[1]}']`).classList[0]";
    let value = desktop.page.execute(script, vec![json!(day), json!(cell)]).await.unwrap();
    value.as_str().unwrap_or_default().to_owned()
}

async fn wait_for_cells(desktop: &Desktop, wanted: &[(usize, usize, &str)]) {
    until("the plan to be painted", PATIENCE, async || {
        for (day, at, mode) in wanted {
            let shown = cell(desktop, *day, *at).await;
            if shown != *mode {
                return Err((*day, *at, shown));
            }
        }
        Ok(())
    })
    .await;
}

async fn wait_for_state(desktop: &Desktop, wanted: &str) {
    desktop.find_by(&format!("[data-testid='record-state'][data-state='{wanted}']")).await;
}

/// What does not fit its place in the side: nothing may be cut off.
async fn overflowing(desktop: &Desktop) -> Value {
    let script = "return [...document.querySelectorAll('aside.side *')].filter((e) => e.scrollWidth > e.clientWidth + 1 \
                  && e.clientWidth > 0 && getComputedStyle(e).display !== 'inline').map((e) => e.className + ' ' + e.innerText)";
    desktop.page.execute(script, Vec::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_is_painted_and_a_clip_is_kept_longer_in_the_window() {
    if !alone("recording::window::a_week_is_painted_and_a_clip_is_kept_longer_in_the_window") {
        return;
    }
    let _camera = SimCam::start(&["--name", "Front door", "--scene", "front"]);
    let desktop = Desktop::start("recording").await;
    open_camera_page(&desktop, "recording", "recording-side").await;
    wait_for_state(&desktop, "recording").await;
    desktop.keep("01-always").await;

    desktop.choose("record-mode", "events").await;
    desktop.find("pre-roll").await;
    desktop.find_by("[data-state='waiting'], [data-state='recording']").await;
    desktop.keep("02-events").await;
    assert_eq!(overflowing(&desktop).await, json!([]));

    // By mouse: from Tuesday 6:00 to Thursday 9:00.
    desktop.choose("record-mode", "week").await;
    desktop.find("week").await;
    assert_eq!(cell(&desktop, 1, 12).await, "events", "the plan begins with what was");
    let from = desktop.find_by("[data-day='1'][data-cell='12']").await;
    let to = desktop.find_by("[data-day='3'][data-cell='17']").await;
    let drag = MouseActions::new("mouse".to_owned())
        .then(PointerAction::MoveToElement { element: from, duration: None, x: 0.0, y: 0.0 })
        .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
        .then(PointerAction::MoveToElement {
            element: to,
            duration: Some(Duration::from_millis(200)),
            x: 0.0,
            y: 0.0,
        })
        .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
    desktop.page.perform_actions(drag).await.unwrap();
    wait_for_cells(&desktop, &[(1, 12, "off"), (3, 17, "off"), (2, 15, "off"), (1, 11, "events")]).await;
    assert_eq!(cell(&desktop, 3, 18).await, "events");
    assert_eq!(cell(&desktop, 4, 12).await, "events");

    // By keys: all of Monday and Tuesday, from the first to the last half hour.
    desktop.choose("week-brush", "always").await;
    let first = desktop.find_by("[data-day='0'][data-cell='0']").await;
    let focus = "document.querySelector(\"[data-day='0'][data-cell='0']\").focus()";
    desktop.page.execute(focus, Vec::new()).await.unwrap();
    // Shift, End, Down, Shift again, space.
    first.send_keys("\u{e008}\u{e010}\u{e015}\u{e008} ").await.unwrap();
    let painted = [(0, 0, "always"), (0, 47, "always"), (1, 12, "always"), (1, 47, "always"), (2, 15, "off")];
    wait_for_cells(&desktop, &painted).await;
    desktop.keep("03-week").await;
    assert_eq!(overflowing(&desktop).await, json!([]));

    desktop.choose("record-mode", "off").await;
    wait_for_state(&desktop, "off").await;
    desktop.keep("04-off").await;

    // What is kept: four days need a reason.
    desktop.click("own-days").await;
    desktop.fill("kept-days", "4").await;
    desktop.find_by("[data-testid='keep-save']:disabled").await;
    desktop.fill("own-reason", "Two break-ins this year").await;
    desktop.click("keep-save").await;
    desktop.find_by("[data-testid='keep-save']:disabled").await;
    until("that to be kept", PATIENCE, async || {
        let text = desktop.find("recording-side").await.text().await.unwrap_or_default();
        let side = desktop.find_by("aside.side").await.text().await.unwrap_or_default();
        if side.contains("Saved") { Ok(()) } else { Err(text + &side) }
    })
    .await;
    desktop.keep("05-kept").await;

    // A clip that is kept longer stands in the settings, and is released there.
    desktop.click("nav-clips").await;
    desktop.click_by("[data-testid='clip-row'] button, [data-testid='clip-row']").await;
    desktop.click("keep").await;
    desktop.fill("keep-note", "The parcel").await;
    desktop.keep("06-keep").await;
    desktop.click("keep-submit").await;
    desktop.wait_until_gone("keep-dialog").await;
    desktop.find("release").await;
    desktop.keep("07-kept-longer").await;
    desktop.click("nav-settings").await;
    let held = desktop.find("hold").await;
    assert!(held.text().await.unwrap().contains("The parcel"));
    let show = "document.querySelector(\"[data-testid='storage']\").scrollIntoView()";
    desktop.page.execute(show, Vec::new()).await.unwrap();
    desktop.keep("08-storage").await;
    desktop.click("release").await;
    desktop.click("release-confirm-submit").await;
    desktop.wait_until_gone("hold").await;

    desktop.click("nav-log").await;
    let said = "const text = document.body.innerText; return ['Kept longer', 'Not kept longer any more', \
                'Recording changed: Front door'].filter((words) => !text.includes(words)).join()";
    until("the entries", PATIENCE, async || {
        let missing = desktop.page.execute(said, Vec::new()).await.unwrap();
        if missing == "" { Ok(()) } else { Err(missing) }
    })
    .await;
    desktop.keep("09-log").await;

    // In German and by daylight.
    desktop.click("nav-settings").await;
    desktop.choose("set-language", "de").await;
    desktop.choose("set-theme", "light").await;
    desktop.page.execute(show, Vec::new()).await.unwrap();
    desktop.keep("10-storage-german").await;
    desktop.click("nav-live").await;
    desktop.find_by("[data-testid='tile-record'][data-record='off']").await;
    desktop.wait_for_count("[data-testid='tile'][data-state='live']", 1, PATIENCE).await;
    desktop.keep("11-tile-off-german").await;
    let open = "location.hash = `#/cameras/${document.querySelector('[data-testid=tile]').dataset.camera}/recording`";
    desktop.page.execute(open, Vec::new()).await.unwrap();
    desktop.choose("record-mode", "week").await;
    desktop.find("week").await;
    desktop.choose("week-brush", "events").await;
    let cell = desktop.find_by("[data-day='6'][data-cell='40']").await;
    cell.click().await.unwrap();
    desktop.find("pre-roll").await;
    desktop.keep("12-week-german").await;
    assert_eq!(overflowing(&desktop).await, json!([]));
    desktop.close().await;
}
