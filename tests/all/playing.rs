//! The player in the real window: backwards, in a loop, in other colours, and on into the next clip.

use std::time::Duration;

use hausrecht_tests::{
    camera::SimCam,
    desktop::{Desktop, fitted},
    stage::{OWNER, OWNER_PASSPHRASE, Stage, alone},
    until::until,
};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_is_played_in_every_way_by_keyboard() {
    if !alone("playing::a_clip_is_played_in_every_way_by_keyboard") {
        return;
    }
    let stage = Stage::owned().await;
    let camera = SimCam::start(&["--name", "Front door", "--scene", "front"]);
    let id = stage.connect(&camera).await;
    stage.wait_for_clips(id, 3).await;
    drop(camera);
    let (folder, _) = stage.close().await;

    let desktop = Desktop::start_over("playing", folder.path()).await;
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("lock-submit").await;
    desktop.click("nav-clips").await;
    // The oldest stands last; two others follow it.
    until("three clips", PATIENCE, async || {
        let count = desktop.all("[data-testid='clip-row']").await.len();
        if count >= 3 { Ok(()) } else { Err(count) }
    })
    .await;
    let rows = desktop.all("[data-testid='clip-row']").await;
    rows.last().unwrap().click().await.unwrap();
    desktop.find_by("[data-testid='player-view'][data-state='picture']").await;
    let first = address(&desktop).await;

    // Played to its end it goes on with the next, which is opened and entered by itself.
    until("the next clip", PATIENCE, async || {
        let now = address(&desktop).await;
        if now == first { Err(now) } else { Ok(()) }
    })
    .await;
    desktop.find_by("[data-testid='player-view'][data-state='picture']").await;
    let second = address(&desktop).await;

    // Backwards, it leads back to the clip before.
    press(&desktop, "r").await;
    desktop.find_by("[data-testid='player-reverse'][aria-pressed='true']").await;
    until("the clip before", PATIENCE, async || {
        let now = address(&desktop).await;
        if now == first { Ok(()) } else { Err(now) }
    })
    .await;
    desktop.find_by("[data-testid='player-reverse'][aria-pressed='true']").await;
    let from_us = until("a position far from the beginning", PATIENCE, async || {
        let now = position_us(&desktop).await;
        if now > 1_000_000 { Ok(now) } else { Err(now) }
    })
    .await;
    until("the position to go back", PATIENCE, async || {
        let now = position_us(&desktop).await;
        if now < from_us || address(&desktop).await != first { Ok(()) } else { Err(now) }
    })
    .await;
    press(&desktop, " ").await;
    desktop.find_by("[data-testid='player-play'][data-playing='false']").await;
    press(&desktop, "r").await;
    desktop.find_by("[data-testid='player-reverse'][aria-pressed='false']").await;

    // Closer by keys, and a picture of it as a file: what was recorded, not what is seen of it. The log names it.
    press(&desktop, "z").await;
    press(&desktop, "z").await;
    let zoom = desktop.find("player-zoom").await.text().await.unwrap();
    assert!(zoom.contains("1.6"), "{zoom}");
    desktop.keep("01-closer").await;
    press(&desktop, "s").await;
    let kept = desktop.find("kept-picture").await.attr("data-path").await.unwrap().unwrap();
    assert!(std::fs::read(&kept).unwrap().starts_with(&[0xff, 0xd8, 0xff]), "{kept}");
    until("the picture among the copies", PATIENCE, async || {
        let copies = desktop.find("clip-copies").await.text().await.unwrap();
        if copies.contains("Picture kept") { Ok(()) } else { Err(copies) }
    })
    .await;
    press(&desktop, "0").await;
    assert!(desktop.all("[data-testid='player-zoom']").await.is_empty());

    // A loop of a second: marked where it begins and where it ends.
    seek(&desktop, 1_000_000).await;
    press(&desktop, "m").await;
    seek(&desktop, 2_000_000).await;
    press(&desktop, "m").await;
    desktop.find_by("[data-testid='player-loop'][aria-pressed='true']").await;
    press(&desktop, " ").await;
    let mut highest = 0;
    until("the loop to begin anew", PATIENCE, async || {
        let now = position_us(&desktop).await;
        assert!(now <= 2_000_000, "{now} lies outside of the loop");
        let again = now < highest;
        highest = highest.max(now);
        if again { Ok(()) } else { Err(now) }
    })
    .await;
    desktop.keep("02-loop").await;
    press(&desktop, " ").await;
    desktop.find_by("[data-testid='player-play'][data-playing='false']").await;

    // Brighter, and as it was recorded again.
    desktop.click("player-colours").await;
    let slider = desktop.find("colour-brightness").await;
    // The sliders take room from the picture, which is drawn anew in its new place.
    let mut last = None;
    let picture = until("the picture in its new place", PATIENCE, async || {
        desktop.keep("03-sliders").await;
        let area = fitted(desktop.area("[data-testid='player-picture']", 0).await);
        let now = (area, desktop.display.picture().brightness(area));
        let stands = last == Some(now);
        last = Some(now);
        if stands { Ok(area) } else { Err(now) }
    })
    .await;
    let before = desktop.display.picture().brightness(picture);
    slider.send_keys(&"\u{e014}".repeat(30)).await.unwrap();
    until("a brighter picture", PATIENCE, async || {
        let now = desktop.display.picture().brightness(picture);
        if now > before + 40.0 { Ok(()) } else { Err((before, now)) }
    })
    .await;
    desktop.keep("04-colours").await;
    desktop.click("colours-reset").await;
    until("the picture as it was recorded", PATIENCE, async || {
        let now = desktop.display.picture().brightness(picture);
        if (now - before).abs() < 8.0 { Ok(()) } else { Err((before, now)) }
    })
    .await;
    assert_ne!(first, second);
    desktop.close().await;
}

async fn press(desktop: &Desktop, key: &str) {
    desktop.find_by("body").await.send_keys(key).await.unwrap();
}

/// Drags the position to `to_us`, and waits until it stands there.
async fn seek(desktop: &Desktop, to_us: i64) {
    let script = "const e = document.querySelector(\"[data-testid='player-seek']\"); e.value = arguments[0]; \
                  e.dispatchEvent(new Event('input', { bubbles: true }))";
    desktop.page.execute(script, vec![serde_json::json!(to_us)]).await.unwrap();
    until("the position", PATIENCE, async || {
        let now = position_us(desktop).await;
        if now.abs_diff(to_us) < 50_000 { Ok(()) } else { Err(now) }
    })
    .await;
}

async fn position_us(desktop: &Desktop) -> i64 {
    let text = desktop.find("player-position").await.attr("data-position-us").await.unwrap();
    text.and_then(|text| text.parse::<f64>().ok()).map_or(0, |us| us as i64)
}

async fn address(desktop: &Desktop) -> String {
    desktop
        .page
        .execute("return location.hash", Vec::new())
        .await
        .unwrap()
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
