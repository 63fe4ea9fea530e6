//! The whole thread in the real window, as a person does it, with both presenters: what is asserted is on the screen.

use std::{collections::BTreeSet, time::Duration};

use hausrecht_tests::{
    camera::{PASSWORD, SimCam, USER},
    desktop::{Desktop, clock_in, fitted},
    display::Area,
    outbound::WayOut,
    stage::alone,
    until::until,
};

/// How many cameras are on the network.
const CAMERAS: usize = 3;
/// The one of them that turns.
const WITH_MOTORS: &str = "Front door";
const OWNER: &str = "Alex";
const PERSON: &str = "Robin";
const PERSON_PASSPHRASE: &str = "copper window maple seven drift anchor";
/// A clip is a minute long here, as in the product.
const A_CLIP: Duration = Duration::from_secs(150);

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_thread_with_pictures_above_the_page() {
    if alone("window::the_whole_thread_with_pictures_above_the_page") {
        whole_thread("native").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_thread_with_pictures_in_the_page() {
    if alone("window::the_whole_thread_with_pictures_in_the_page") {
        whole_thread("canvas").await;
    }
}

async fn whole_thread(presenter: &str) {
    let _front = SimCam::start(&["--name", WITH_MOTORS, "--scene", "front"]);
    let _garage = SimCam::start(&["--name", "Garage", "--scene", "garage"]);
    let _shop = SimCam::start(&["--name", "Shop counter", "--scene", "shop"]);
    let way_out = WayOut::open();
    let desktop = Desktop::start(presenter).await;

    let passphrase = welcome(&desktop).await;
    set(&desktop, "set-presenter", presenter).await;
    live(&desktop, presenter).await;
    let clip = play(&desktop).await;
    let_view(&desktop, &clip).await;
    as_the_other_person(&desktop, &clip).await;
    as_the_owner_again(&desktop, &clip, &passphrase).await;
    both_themes(&desktop).await;
    desktop.close().await;
    // Nothing leaves the computer unless the owner has set it up: not from the page, not from the engine, not from a worker.
    if let Some(way_out) = way_out {
        assert_eq!(way_out.close(), BTreeSet::new());
    }
}

/// From nothing to all cameras; gives the passphrase that was offered and taken.
async fn welcome(desktop: &Desktop) -> String {
    desktop.fill("welcome-name", OWNER).await;
    let passphrase = until("six words to be offered", Duration::from_secs(20), async || {
        let words = desktop.find("welcome-passphrase").await.prop("value").await.unwrap().unwrap_or_default();
        if words.split_whitespace().count() == 6 { Ok(words) } else { Err(words) }
    })
    .await;
    desktop.keep("01-welcome").await;
    desktop.click("welcome-next").await;
    let identity = desktop.text("recovery-identity").await;
    assert!(identity.replace(char::is_whitespace, "").starts_with("AGE-SECRET-KEY-1"), "{identity}");
    desktop.keep("02-recovery-sheet").await;
    desktop.click("recovery-done").await;
    desktop.wait_for_count("[data-testid='found-row']", CAMERAS, Duration::from_secs(60)).await;
    desktop.fill("camera-user", USER).await;
    desktop.fill("camera-password", PASSWORD).await;
    desktop.keep("03-found").await;
    desktop.click("connect").await;
    // All of them let us in, so the window goes on to their pictures by itself.
    desktop.find("live").await;
    passphrase
}

/// All cameras move on the screen, their clocks too, and one of them large.
async fn live(desktop: &Desktop, presenter: &str) {
    desktop.click("nav-live").await;
    desktop.wait_for_count("[data-testid='tile'][data-state='live']", CAMERAS, Duration::from_secs(60)).await;
    for index in 0..CAMERAS {
        let picture = fitted(desktop.area("[data-testid='tile-picture']", index).await);
        let moved = desktop.wait_until_moves("a tile", picture, 0.002).await;
        let clock = desktop.wait_until_moves("the burned-in clock", clock_in(picture), 0.01).await;
        let seen = desktop.display.picture().colours(picture);
        assert!(seen > 100, "a camera's picture has more than {seen} colours");
        println!(
            "{presenter}: tile {index} moves ({:.1} %), its clock too ({:.1} %)",
            moved * 100.0,
            clock * 100.0
        );
    }
    let rates =
        desktop.wait_for_text("tile-rate", Duration::from_secs(20), |text| !text.starts_with("0 ")).await;
    println!("{presenter}: {rates}");
    assert_eq!(desktop.all("[data-testid='tile'] .d.rec").await.len(), CAMERAS, "all say that they record");
    desktop.keep("04-live").await;
    enlarge(desktop, WITH_MOTORS).await;
    let large = fitted(large_picture(desktop).await);
    assert!(large.width > 700, "{large:?} is not large");
    desktop.wait_until_moves("the large picture", large, 0.002).await;
    desktop.wait_until_moves("its clock", clock_in(large), 0.01).await;
    desktop.keep("05-large").await;
    desktop.find_by("body").await.send_keys("\u{e00c}").await.unwrap();
    desktop.wait_until_gone("live-back").await;
}

/// Shows the camera of this name alone.
async fn enlarge(desktop: &Desktop, name: &str) {
    let script = "const tiles = [...document.querySelectorAll('[data-testid=tile]')]
        const name = (tile) => tile.querySelector('[data-testid=tile-name]').textContent.trim()
        return tiles.find((tile) => name(tile) === arguments[0])?.dataset.camera ?? tiles.map(name).join()";
    let id = until(&format!("the tile of {name}"), Duration::from_secs(20), async || {
        let said = desktop.page.execute(script, vec![name.into()]).await.unwrap();
        let said = said.as_str().unwrap_or_default().to_owned();
        if said.len() == 16 && said.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            Ok(said)
        } else {
            Err(said)
        }
    })
    .await;
    desktop.click_by(&format!("[data-testid='tile'][data-camera='{id}']")).await;
    desktop.find("live-back").await;
}

/// Where the picture of a camera with motors stands: it makes room for what turns them once the camera has said that it
/// has any, and again for the places that it remembers.
async fn large_picture(desktop: &Desktop) -> Area {
    let picture = "[data-testid='ptz-picture'] [data-testid='tile-picture']";
    desktop.find("control-strip").await;
    desktop.find_by("[data-testid='preset-save']").await;
    desktop.find_by(picture).await;
    let mut last: Option<Area> = None;
    until("the large picture to keep its place", Duration::from_secs(20), async || {
        let now = desktop.area(picture, 0).await;
        if last.replace(now) == Some(now) { Ok(now) } else { Err(now) }
    })
    .await
}

/// The first clip, once it is there, played on the screen; gives its id.
async fn play(desktop: &Desktop) -> String {
    desktop.click("nav-clips").await;
    let clip = until("the first clip", A_CLIP, async || {
        match desktop.all("[data-testid='clip-row']").await.first() {
            Some(row) => {
                row.attr("data-clip").await.map_err(|error| error.to_string())?.ok_or_else(|| "no id".into())
            }
            None => Err("no clip".to_owned()),
        }
    })
    .await;
    desktop.find_by("[data-testid='clip-row'] img").await;
    desktop.keep("06-clips").await;
    desktop.click_by(&format!("[data-clip='{clip}']")).await;
    desktop.find_by("[data-testid='player-view'][data-state='picture']").await;
    let picture = fitted(desktop.area("[data-testid='player-picture']", 0).await);
    if desktop.find("player-play").await.attr("data-playing").await.unwrap().as_deref() != Some("true") {
        desktop.click("player-play").await;
    }
    desktop.wait_until_moves("the clip", picture, 0.002).await;
    desktop.wait_until_moves("the clock in the clip", clock_in(picture), 0.01).await;
    desktop.click("player-play").await;
    desktop.find_by("[data-testid='player-play'][data-playing='false']").await;

    // A paused picture stands; a step changes it, and a seek shows another time.
    let before = position_us(desktop).await;
    desktop.click("player-step").await;
    until("the step", Duration::from_secs(20), async || {
        let now = position_us(desktop).await;
        if now > before && now - before < 200_000 { Ok(()) } else { Err((before, now)) }
    })
    .await;
    let seek = "const e = document.querySelector(\"[data-testid='player-seek']\"); \
                e.value = arguments[0]; e.dispatchEvent(new Event('input', { bubbles: true }))";
    let shown = desktop.display.picture();
    desktop.page.execute(seek, vec![30_000_000.into()]).await.unwrap();
    until("the seek on the screen", Duration::from_secs(20), async || {
        let part = desktop.display.picture().changed(&shown, clock_in(picture));
        let now = position_us(desktop).await;
        if part > 0.005 && (now - 30_000_000).abs() < 100_000 { Ok(()) } else { Err((part, now)) }
    })
    .await;
    assert_eq!(
        desktop.find("integrity").await.attr("data-integrity").await.unwrap().as_deref(),
        Some("untouched")
    );
    desktop.find("no-one-else").await;
    desktop.keep("07-clip").await;
    clip
}

/// Lets a new person view this clip.
async fn let_view(desktop: &Desktop, clip: &str) {
    desktop.click("let-view").await;
    desktop.find("let-view-dialog").await;
    // Nobody is there yet: a new person is chosen already.
    desktop.find_by("[data-testid='grant-person-new']:checked").await;
    desktop.fill("grant-name", PERSON).await;
    desktop.fill("grant-passphrase", PERSON_PASSPHRASE).await;
    desktop.click("grant-clip").await;
    desktop.fill("grant-reason", "Was there when it happened").await;
    // HTML over pictures: the dialog is on the screen, whatever the presenter.
    let box_of_dialog = desktop.area("[data-testid='let-view-dialog']", 0).await;
    let still = desktop.keep("08-let-view").await;
    let inside = Area {
        x: box_of_dialog.x + 8,
        y: box_of_dialog.y + 8,
        width: box_of_dialog.width - 16,
        height: box_of_dialog.height / 2,
    };
    assert!(still.colours(inside) < 120, "a picture lies over the dialog of clip {clip}");
    desktop.click("grant-submit").await;
    desktop.wait_until_gone("let-view-dialog").await;
    desktop.wait_for_count("[data-testid='may-view']", 2, Duration::from_secs(20)).await;
    desktop.keep("09-may-view").await;
}

/// They see that clip, and nothing else exists for them.
async fn as_the_other_person(desktop: &Desktop, clip: &str) {
    desktop.click("sign-out").await;
    sign_in(desktop, PERSON, PERSON_PASSPHRASE).await;
    desktop.click("nav-live").await;
    desktop.find("live-empty").await;
    assert!(desktop.all("[data-testid='nav-log'], [data-testid='nav-people']").await.is_empty());
    desktop.click("nav-clips").await;
    let rows = desktop.wait_for_count("[data-testid='clip-row']", 1, Duration::from_secs(30)).await;
    assert_eq!(rows[0].attr("data-clip").await.unwrap().as_deref(), Some(clip));
    desktop.keep("10-what-the-other-person-sees").await;
    desktop.click_by(&format!("[data-clip='{clip}']")).await;
    desktop.find_by("[data-testid='player-view'][data-state='picture']").await;
    assert!(desktop.all("[data-testid='let-view']").await.is_empty(), "only the owner grants");
    desktop.click("sign-out").await;
}

/// The owner reads who opened it, takes it back, and verifies the log.
async fn as_the_owner_again(desktop: &Desktop, clip: &str, passphrase: &str) {
    desktop.find("lock-screen").await;
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", "not this one").await;
    desktop.click("lock-submit").await;
    desktop.find_by("[data-testid='failure'][data-code='wrong_passphrase']").await;
    desktop.keep("11-wrong-passphrase").await;
    sign_in(desktop, OWNER, passphrase).await;
    desktop.click("nav-clips").await;
    desktop.click_by(&format!("[data-clip='{clip}']")).await;
    desktop.wait_for_count("[data-testid='opened']", 2, Duration::from_secs(30)).await;
    desktop.keep("12-who-opened-it").await;
    desktop.click("take-back").await;
    desktop.click("take-back-submit").await;
    desktop.find("taken-back").await;
    desktop.keep("13-taken-back").await;
    desktop.click("take-back-close").await;
    desktop.wait_for_count("[data-testid='may-view']", 1, Duration::from_secs(20)).await;
    desktop.click("nav-people").await;
    desktop.wait_for_text("people", Duration::from_secs(20), |text| text.contains(PERSON)).await;
    desktop.keep("14-people").await;
    desktop.click("nav-log").await;
    desktop.wait_for_text("log", Duration::from_secs(20), |text| text.contains(PERSON)).await;
    desktop.click("log-verify").await;
    desktop.find_by("[data-testid='log-status'][data-state='fine']").await;
    desktop.keep("15-log-verified").await;
    desktop.click_by("[data-testid='log-row']").await;
    desktop.find("log-proof").await;
    desktop.keep("16-log-entry").await;
}

/// Dark and light, English and German, each seen on the screen.
async fn both_themes(desktop: &Desktop) {
    let whole = Area { x: 0, y: 0, width: 200, height: 600 };
    for (theme, language) in [("dark", "en"), ("light", "en"), ("light", "de"), ("dark", "de")] {
        set(desktop, "set-language", language).await;
        set(desktop, "set-theme", theme).await;
        until(&format!("the {theme} theme"), Duration::from_secs(20), async || {
            let brightness = desktop.display.picture().brightness(whole);
            if (brightness > 128.0) == (theme == "light") { Ok(()) } else { Err(brightness) }
        })
        .await;
        desktop.keep(&format!("settings-{theme}-{language}")).await;
        for screen in ["live", "clips", "people", "log"] {
            desktop.click(&format!("nav-{screen}")).await;
            desktop.find(screen).await;
            if screen == "live" {
                let picture = fitted(desktop.area("[data-testid='tile-picture']", 0).await);
                desktop.wait_until_moves("a tile", picture, 0.002).await;
                desktop
                    .wait_for_text("tile-rate", Duration::from_secs(20), |text| !text.starts_with("0 "))
                    .await;
            }
            if screen == "clips" {
                desktop.find_by("[data-testid='clip-row'] img").await;
                desktop.keep(&format!("clips-{theme}-{language}")).await;
                desktop.click("clip-row").await;
                desktop.find_by("[data-testid='player-view'][data-state='picture']").await;
                let picture = fitted(desktop.area("[data-testid='player-picture']", 0).await);
                desktop.wait_until_moves("the clip", picture, 0.002).await;
                desktop.keep(&format!("clip-{theme}-{language}")).await;
                desktop.click("clip-back").await;
                continue;
            }
            desktop.keep(&format!("{screen}-{theme}-{language}")).await;
        }
    }
    until("the page to say that it is German", Duration::from_secs(20), async || {
        let language =
            desktop.page.execute("return document.documentElement.lang", Vec::new()).await.unwrap();
        if language == "de" { Ok(()) } else { Err(language) }
    })
    .await;
}

async fn sign_in(desktop: &Desktop, name: &str, passphrase: &str) {
    desktop.find("lock-screen").await;
    desktop.fill("lock-name", name).await;
    desktop.fill("lock-passphrase", passphrase).await;
    desktop.click("lock-submit").await;
    desktop.wait_for_text("me", Duration::from_secs(40), |text| text.contains(name)).await;
}

async fn set(desktop: &Desktop, group: &str, value: &str) {
    desktop.click("nav-settings").await;
    desktop.choose(group, value).await;
}

async fn position_us(desktop: &Desktop) -> i64 {
    let text = desktop.find("player-position").await.attr("data-position-us").await.unwrap();
    text.and_then(|text| text.parse::<f64>().ok()).map_or(-1, |us| us as i64)
}
