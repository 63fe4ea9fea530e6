//! The same in the real window.

use std::time::Duration;

use hausrecht_tests::{
    desktop::{Desktop, fitted},
    stage::{OWNER, OWNER_PASSPHRASE, PATIENCE, Stage, alone},
    until::until,
};
use serde_json::json;

use super::record;

const SEAT: &str = "[data-testid='together-seat']";

#[tokio::test(flavor = "multi_thread")]
async fn two_cameras_are_played_in_step_in_the_window() {
    if !alone("together::window::two_cameras_are_played_in_step_in_the_window") {
        return;
    }
    let stage = Stage::owned().await;
    let [(_, front), (_, yard)] = record(&stage).await;
    let (folder, _) = stage.close().await;
    let both_us = front[0].start_us.max(yard[0].start_us).plus(Duration::from_millis(700)).0;

    let desktop = Desktop::start_over("together", folder.path()).await;
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("lock-submit").await;
    desktop.click("nav-clips").await;
    // It begins with the newest clip, in which the first camera has nothing any more.
    desktop.click_by("[data-testid='together-open']:not([disabled])").await;
    desktop.wait_for_count(SEAT, 2, PATIENCE).await;
    desktop.find_by(&format!("{SEAT}[data-state='gap']")).await;
    press(&desktop, " ").await;
    desktop.wait_for_text("together-grid", PATIENCE, |text| text.contains("sent no pictures")).await;
    desktop.keep("01-gap").await;

    // Where both have something, both play, and the pictures move.
    go_to(&desktop, both_us).await;
    desktop.wait_for_count(&format!("{SEAT}[data-state='picture']"), 2, PATIENCE).await;
    desktop.find_by("[data-testid='together-play'][data-playing='true']").await;
    for seat in 0..2 {
        let area = fitted(desktop.area("[data-testid='together-picture']", seat).await);
        assert!(desktop.wait_until_moves("a picture of both", area, 0.001).await > 0.0);
    }
    desktop.keep("02-both").await;

    // By keys: stand, step, choose whose pictures are counted, faster, back.
    press(&desktop, " ").await;
    desktop.find_by("[data-testid='together-play'][data-playing='false']").await;
    press(&desktop, "2").await;
    desktop.wait_for_count(&format!("{SEAT}.chosen"), 1, PATIENCE).await;
    // Standing, what is shown does not change any more.
    let mut before = shown(&desktop).await;
    until("both to stand", PATIENCE, async || {
        let now = shown(&desktop).await;
        if std::mem::replace(&mut before, now.clone()) == now { Ok(()) } else { Err(now) }
    })
    .await;
    press(&desktop, "\u{e014}").await;
    until("the next picture of the second", PATIENCE, async || {
        let now = shown(&desktop).await;
        if now[1] > before[1] && now[1] - before[1] < 200_000 { Ok(()) } else { Err((before.clone(), now)) }
    })
    .await;
    press(&desktop, "+").await;
    desktop.find_by("[data-testid='together-speed'] [aria-checked='true'][data-value='2']").await;
    press(&desktop, "-").await;
    desktop.keep("03-stepped").await;

    // A camera is left out, and one alone is not played.
    let picks = desktop.all("[data-testid='together-pick']").await;
    picks[0].click().await.unwrap();
    desktop.find("together-none").await;
    desktop.keep("04-one").await;
    let picks = desktop.all("[data-testid='together-pick']").await;
    picks[0].click().await.unwrap();
    desktop.wait_for_count(SEAT, 2, PATIENCE).await;

    // From a place to its clip, and back to the list.
    go_to(&desktop, both_us).await;
    desktop.wait_for_count(&format!("{SEAT}[data-state='picture']"), 2, PATIENCE).await;
    desktop.click("together-clip").await;
    desktop.find_by("[data-testid='player-view'][data-state='picture']").await;
    desktop.click("clip-back").await;
    desktop.find("clips").await;
    desktop.close().await;
}

/// To a moment, by the window's address.
async fn go_to(desktop: &Desktop, us: i64) {
    let script = "location.hash = '#/clips'; const to = '#/together?at=' + arguments[0]; \
                  requestAnimationFrame(() => requestAnimationFrame(() => { location.hash = to }))";
    desktop.page.execute(script, vec![json!(us)]).await.unwrap();
    desktop.wait_for_count(SEAT, 2, PATIENCE).await;
}

/// When the pictures that are shown were taken.
async fn shown(desktop: &Desktop) -> Vec<i64> {
    let script =
        "return [...document.querySelectorAll(arguments[0])].map(seat => Number(seat.dataset.shownUs))";
    let value = desktop.page.execute(script, vec![json!(SEAT)]).await.unwrap();
    value.as_array().unwrap().iter().map(|us| us.as_f64().unwrap() as i64).collect()
}

async fn press(desktop: &Desktop, key: &str) {
    desktop.find_by("body").await.send_keys(key).await.unwrap();
}
