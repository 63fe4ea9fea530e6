//! An export in the real window: ordered in the dialog, followed, and named on the clip's page.

use std::{fs, time::Duration};

use hausrecht_tests::{
    camera::SimCam,
    desktop::Desktop,
    stage::{OWNER, OWNER_PASSPHRASE, Stage, alone},
    until::until,
};

/// The key, as WebDriver names it.
const ENTER: &str = "\u{e007}";
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_is_exported_in_the_window() {
    if !alone("export::window::a_clip_is_exported_in_the_window") {
        return;
    }
    let camera = SimCam::start(&["--name", "Front door", "--scene", "front"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    stage.wait_for_clips(id, 3).await;
    drop(camera);
    let (folder, _) = stage.close().await;
    let target = tempfile::tempdir().unwrap();

    let desktop = Desktop::start_over("export", folder.path()).await;
    desktop.find("lock-screen").await;
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("lock-submit").await;
    desktop.find("live").await;
    desktop.click("nav-clips").await;
    // Not one of the newest, which the camera's end cut short.
    desktop.click_by("[data-testid='clip-row'] ~ [data-testid='clip-row'] ~ [data-testid='clip-row']").await;
    desktop.find("questions").await;
    // In the dialog, the check box and the order itself are keys'.
    desktop.click("export").await;
    desktop.find("export-dialog").await;
    desktop.fill("export-folder", &target.path().join("not-there").to_string_lossy()).await;
    desktop.wait_for_text("export-dialog", PATIENCE, |text| text.contains("There is no such folder")).await;
    desktop.keep("01-no-folder").await;
    desktop.fill("export-folder", &target.path().to_string_lossy()).await;
    desktop.fill("export-recipient", "Kanzlei Grün").await;
    desktop.find("export-on-picture").await.send_keys(" ").await.unwrap();
    desktop.wait_for_text("export-caption", PATIENCE, |text| text.starts_with("Kanzlei Grün · ")).await;
    desktop.keep("02-with-name").await;
    desktop.find("export-folder").await.send_keys(ENTER).await.unwrap();
    desktop.find_by("[data-testid='export-job'][data-state='running']").await;
    desktop.keep("03-running").await;
    desktop.find_by("[data-testid='export-job'][data-state='done']").await;
    desktop.keep("04-done").await;
    assert_eq!(fs::read_dir(target.path()).unwrap().count(), 1);

    // Closed, the clip's page says who was given it, and so does the log.
    desktop.find("export-dialog").await.send_keys("\u{e00c}").await.unwrap();
    desktop.wait_until_gone("export-dialog").await;
    desktop.wait_for_text("questions", PATIENCE, |text| text.contains("Given to Kanzlei Grün")).await;
    desktop.keep("05-clip").await;
    for (language, theme) in [("de", "light"), ("en", "dark")] {
        desktop.click("nav-settings").await;
        desktop.choose("set-language", language).await;
        desktop.choose("set-theme", theme).await;
        desktop.click("nav-clips").await;
        desktop.click("export").await;
        desktop.find("export-dialog").await;
        desktop.find_by("[data-testid='export-job'][data-state='done']").await;
        desktop.keep(&format!("06-{language}-{theme}")).await;
        desktop.find("export-dialog").await.send_keys("\u{e00c}").await.unwrap();
        desktop.wait_until_gone("export-dialog").await;
    }
    desktop.click("nav-log").await;
    let said = "return document.body.innerText.includes('Export of Front door')";
    until("the entry", PATIENCE, async || {
        if desktop.page.execute(said, Vec::new()).await.unwrap() == true { Ok(()) } else { Err("not there") }
    })
    .await;
    desktop.keep("07-log").await;
    desktop.close().await;
}
