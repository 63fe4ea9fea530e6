//! Granting in the real window: a role from a template, somebody who must agree, what a person would see, and the desktop's lock.

use std::time::Duration;

use hausrecht_tests::{
    desktop::{Desktop, fitted},
    stage::{OWNER, OWNER_PASSPHRASE, PATIENCE, alone},
    until::until,
};

use super::{ROBIN, ROBINS, SOFIA, SOFIAS, add, with_one_camera};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_second_person_agrees_at_the_window() {
    if !alone("granting::window::a_second_person_agrees_at_the_window") {
        return;
    }
    let (camera, stage, id) = with_one_camera().await;
    add(&stage.engine, ROBIN, ROBINS).await;
    add(&stage.engine, SOFIA, SOFIAS).await;
    stage.wait_for_clips(id, 2).await;
    // From here on nothing new is recorded.
    drop(camera);
    let (vault, _clock) = stage.close().await;
    let desktop = Desktop::start_over("granting", vault.path()).await;
    sign_in(&desktop, OWNER, OWNER_PASSPHRASE).await;

    desktop.click("nav-people").await;
    desktop.wait_for_count("[data-testid='person-row']", 3, SOON).await;
    desktop.click("person-let-view").await;
    desktop.find("let-view-dialog").await;
    desktop.find("grant-template").await.select_by_value("Night guard").await.unwrap();
    desktop.click("grant-hours").await;
    desktop.click("grant-second").await;
    desktop.find("grant-second-who").await.select_by_label(SOFIA).await.unwrap();
    desktop.keep("01-let-view").await;
    desktop.click("grant-submit").await;
    desktop.wait_until_gone("let-view-dialog").await;
    desktop.wait_for_text("person-grants", SOON, |text| text.contains(SOFIA)).await;
    desktop.click("person-would-see").await;
    desktop.find_by("[data-testid='would-see-camera']:not([data-clips='0'])").await;
    desktop.keep("02-would-see").await;
    desktop.find("would-see-dialog").await.send_keys("\u{e00c}").await.unwrap();
    desktop.wait_until_gone("would-see-dialog").await;
    desktop.keep("03-people").await;

    // Robin asks, and Sofia, who stands beside, agrees.
    desktop.click("sign-out").await;
    sign_in(&desktop, ROBIN, ROBINS).await;
    desktop.click("nav-clips").await;
    desktop.click_by("[data-testid='clip-row']").await;
    desktop.find_by("[data-testid='gate'][data-gate='agreement']").await;
    desktop.click("gate-ask").await;
    desktop.click("gate-here").await;
    desktop.keep("04-gate").await;
    desktop.fill("gate-passphrase", SOFIAS).await;
    desktop.click("gate-agree").await;
    desktop.find_by("[data-testid='player-view'][data-state='picture']").await;
    let picture = fitted(desktop.area("[data-testid='player-picture']", 0).await);
    until("the clip on the screen", PATIENCE, async || {
        let colours = desktop.display.picture().colours(picture);
        if colours > 100 { Ok(()) } else { Err(colours) }
    })
    .await;
    desktop.keep("05-agreed").await;

    // The next one is asked for, and answered when Sofia signs in.
    desktop.click("nav-clips").await;
    desktop.find_by("[data-testid='clip-row'] + [data-testid='clip-row']").await;
    let rows = desktop.all("[data-testid='clip-row']").await;
    let other = rows[1].attr("data-clip").await.unwrap().unwrap();
    desktop.click_by(&format!("[data-testid='clip-row'][data-clip='{other}']")).await;
    desktop.click("gate-ask").await;
    desktop.find("gate-here").await;
    desktop.click("sign-out").await;
    sign_in(&desktop, SOFIA, SOFIAS).await;
    desktop.wait_for_text("asks-waiting", SOON, |text| text.trim() == "1").await;
    desktop.click("nav-asks").await;
    desktop.keep("06-asked").await;
    desktop.click("ask-agree").await;
    desktop.wait_until_gone("ask-row").await;
    desktop.find("asked-dialog").await.send_keys("\u{e00c}").await.unwrap();
    desktop.wait_until_gone("asked-dialog").await;

    // Whoever locks the desktop locks the vault.
    for active in ["true", "false"] {
        let said = desktop
            .program("dbus-send")
            .args(["--session", "--type=signal", "/org/freedesktop/ScreenSaver"])
            .args(["org.freedesktop.ScreenSaver.ActiveChanged", &format!("boolean:{active}")])
            .status();
        assert!(said.unwrap().success());
        desktop.find("lock-screen").await;
    }
    sign_in(&desktop, ROBIN, ROBINS).await;
    desktop.click("nav-clips").await;
    desktop.click_by(&format!("[data-testid='clip-row'][data-clip='{other}']")).await;
    desktop.find_by("[data-testid='player-view'][data-state='picture']").await;
    desktop.click("sign-out").await;

    sign_in(&desktop, OWNER, OWNER_PASSPHRASE).await;
    desktop.click("nav-log").await;
    let said = "return ['Asked Sofia to agree', 'Agreed that Robin opens'].filter((words) => \
                !document.body.innerText.includes(words)).join()";
    until("the entries", PATIENCE, async || {
        let missing = desktop.page.execute(said, Vec::new()).await.unwrap();
        if missing == "" { Ok(()) } else { Err(missing) }
    })
    .await;
    desktop.keep("07-log").await;
    desktop.close().await;
}

async fn sign_in(desktop: &Desktop, name: &str, passphrase: &str) {
    desktop.fill("lock-name", name).await;
    desktop.fill("lock-passphrase", passphrase).await;
    desktop.click("lock-submit").await;
    desktop.find("me").await;
}
