//! A camera's card in the real window: what is on it is seen, watched on the screen, and fetched.

use std::time::Duration;

use hausrecht_tests::{
    camera::{PASSWORD, SimCam, USER},
    desktop::{Desktop, fitted},
    stage::alone,
    until::until,
};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn the_card_is_watched_and_fetched_from_in_the_window() {
    if !alone("card::window::the_card_is_watched_and_fetched_from_in_the_window") {
        return;
    }
    let offset = super::middle_of_a_stretch();
    let _camera = SimCam::start(&["--name", "Front door", "--scene", "front", "--clock-offset", &offset]);
    let desktop = Desktop::start("card").await;
    open_camera_page(&desktop, "card", "card-side").await;
    desktop.find_by("[data-testid='card-span']").await;
    let spans = desktop.all("[data-testid='card-span']").await;
    desktop.keep("01-card").await;

    // Pressed like a button, a stretch is picked from its start.
    spans.last().unwrap().send_keys("\u{e007}").await.unwrap();
    desktop.find_by("[data-testid='card-watch']:not(:disabled)").await;
    desktop.click("card-watch").await;
    desktop.find_by("[data-testid='card-play'][data-playing='true']").await;
    let picture = fitted(desktop.area("[data-testid='card-picture']", 0).await);
    desktop.wait_until_moves("the picture from the card", picture, 0.002).await;
    let colours = desktop.display.picture().colours(picture);
    assert!(colours > 100, "a picture has more than {colours} colours");
    let first = at_us(&desktop).await;
    until("the position to go on", PATIENCE, async || {
        let now = at_us(&desktop).await;
        if now > first + 1_000_000 { Ok(()) } else { Err((first, now)) }
    })
    .await;
    desktop.keep("02-card-watched").await;
    let body = desktop.find_by("body").await;
    body.send_keys(" ").await.unwrap();
    desktop.find_by("[data-testid='card-play'][data-playing='false']").await;
    let paused = at_us(&desktop).await;
    desktop.find_by("body").await.send_keys("\u{e014}").await.unwrap();
    until("the jump", PATIENCE, async || {
        let now = at_us(&desktop).await;
        if now >= paused + 9_000_000 { Ok(()) } else { Err((paused, now)) }
    })
    .await;
    desktop.find_by("body").await.send_keys("\u{e00c}").await.unwrap();
    desktop.wait_until_gone("card-player").await;
    desktop.find("card-side").await;

    desktop.click("card-fetch").await;
    desktop.find_by("[data-testid='card-job'][data-state='done']").await;
    desktop.keep("03-card-fetched").await;
    desktop.click("card-fill").await;
    desktop.find_by("[data-testid='card-fill']:checked:not(:disabled)").await;

    // The log has it all, and what was fetched stands among the clips.
    desktop.click("nav-log").await;
    let said = "const text = document.body.innerText; return ['Watched from the card', 'Fetched from the card', \
                'Gap filling switched on'].filter((words) => !text.includes(words)).join()";
    until("the entries", PATIENCE, async || {
        let missing = desktop.page.execute(said, Vec::new()).await.unwrap();
        if missing == "" { Ok(()) } else { Err(missing) }
    })
    .await;
    desktop.keep("04-log").await;
    desktop.close().await;
}

async fn at_us(desktop: &Desktop) -> i64 {
    let said = desktop.find("card-position").await.attr("data-at-us").await.unwrap().unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "microseconds, to be compared by the second")]
    let at_us = said.parse::<f64>().unwrap() as i64;
    at_us
}

/// From nothing to a part of the one camera's page, until `side` stands there.
pub(crate) async fn open_camera_page(desktop: &Desktop, part: &str, side: &str) {
    desktop.fill("welcome-name", "Alex").await;
    until("six words to be offered", PATIENCE, async || {
        let words = desktop.find("welcome-passphrase").await.prop("value").await.unwrap().unwrap_or_default();
        if words.split_whitespace().count() == 6 { Ok(()) } else { Err(words) }
    })
    .await;
    desktop.click("welcome-next").await;
    desktop.click("recovery-done").await;
    desktop.wait_for_count("[data-testid='found-row']", 1, PATIENCE).await;
    desktop.fill("camera-user", USER).await;
    desktop.fill("camera-password", PASSWORD).await;
    desktop.click("connect").await;
    desktop.find("live").await;
    desktop.wait_for_count("[data-testid='tile'][data-state='live']", 1, PATIENCE).await;
    let go = "location.hash = `#/cameras/${document.querySelector('[data-testid=tile]').dataset.camera}/${arguments[0]}`";
    desktop.page.execute(go, vec![serde_json::json!(part)]).await.unwrap();
    desktop.find(side).await;
}
