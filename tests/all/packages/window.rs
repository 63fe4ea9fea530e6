//! A copy is given in the real window, and opened in another one that has no vault, as after a double click.

use std::{fs, path::Path, time::Duration};

use hausrecht_tests::{
    camera::SimCam,
    desktop::{Desktop, fitted},
    stage::{OWNER, OWNER_PASSPHRASE, PATIENCE, Stage, alone},
    until::until,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_given_and_opened_on_a_computer_without_a_vault() {
    if !alone("packages::window::a_copy_is_given_and_opened_on_a_computer_without_a_vault") {
        return;
    }
    let camera = SimCam::start(&["--name", "Front door", "--scene", "front"]);
    let stage = Stage::owned().await;
    let id = stage.connect(&camera).await;
    let clips = stage.wait_for_clips(id, 3).await;
    // On a busy computer one of them may be a single picture.
    let clip = clips.iter().max_by_key(|clip| clip.duration_us).unwrap().id;
    let key = stage.engine.verifier_key().unwrap();
    drop(camera);
    let (folder, _) = stage.close().await;
    let target = tempfile::tempdir().unwrap();

    let desktop = Desktop::start_over("packages", folder.path()).await;
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("lock-submit").await;
    desktop.find("live").await;
    let to_clip = format!("location.hash = '#/clip/{clip}'");
    desktop.page.execute(&to_clip, Vec::new()).await.unwrap();
    desktop.wait_for_text("clip-copies", PATIENCE, |text| text.contains("Nobody")).await;
    // It is stood still: after its last picture the page would go on to the next clip.
    desktop.find_by("[data-testid='player-play'][data-playing='true']").await;
    until("the clip to stand still", PATIENCE, async || {
        let playing = desktop.find("player-play").await.attr("data-playing").await.unwrap();
        if playing.as_deref() == Some("false") {
            return Ok(());
        }
        desktop.find_by("body").await.send_keys(" ").await.unwrap();
        Err("it plays")
    })
    .await;
    desktop.click("give-copy").await;
    desktop.find_by("[data-testid='export-kind'] [data-value='package'][aria-checked='true']").await;
    desktop.fill("export-folder", &target.path().to_string_lossy()).await;
    // Nobody is named yet.
    desktop.find_by("[data-testid='export-start']:disabled").await;
    desktop.fill("export-recipient", "Kanzlei Grün").await;
    desktop.fill("export-purpose", "Break-in of Tuesday").await;
    let words = until("six words", PATIENCE, async || {
        match desktop.find("export-passphrase").await.prop("value").await {
            Ok(Some(words)) if words.split(' ').count() == 6 => Ok(words),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    desktop.keep("01-give").await;
    desktop.click_by("[data-testid='export-start']:not(:disabled)").await;
    desktop.find_by("[data-testid='export-job'][data-state='done']").await;
    desktop.wait_for_text("export-package", PATIENCE, |text| text.contains("Hausrecht Kanzlei Grün")).await;
    desktop.keep("02-given").await;
    desktop.find("export-dialog").await.send_keys("\u{e00c}").await.unwrap();
    desktop.wait_until_gone("export-dialog").await;
    desktop.wait_for_text("clip-copies", PATIENCE, |text| text.contains("Given to Kanzlei Grün")).await;
    desktop.click("nav-log").await;
    until("the entry", PATIENCE, async || {
        let said = "return document.body.innerText.includes('Package with one film made to be given')";
        if desktop.page.execute(said, Vec::new()).await.unwrap() == true { Ok(()) } else { Err("not there") }
    })
    .await;
    desktop.keep("03-log").await;
    desktop.close().await;

    let made: Vec<_> = fs::read_dir(target.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [package] = &made[..] else { panic!("{made:?}") };
    let nothing = tempfile::tempdir().unwrap();
    let desktop = Desktop::start_with("packages", nothing.path(), std::slice::from_ref(package)).await;
    desktop.find("package-locked").await;
    desktop.fill("package-passphrase", "not these words").await;
    desktop.click("package-open").await;
    desktop.find_by("[data-testid='package-error'][data-code='wrong_passphrase']").await;
    desktop.keep("04-wrong").await;
    desktop.fill("package-passphrase", &words).await;
    desktop.click("package-open").await;
    desktop.find_by("[data-testid='package-check'][data-whole='true']").await;
    desktop.keep("05-open").await;
    // Another key than the log's, then the right one.
    desktop.fill("package-key", &key.replace("hausrecht/", "hausrecht/0")).await;
    desktop.click("package-compare").await;
    desktop.find("package-key-error").await;
    desktop.fill("package-key", &key).await;
    desktop.click("package-compare").await;
    desktop.find_by("[data-testid='package-check'][data-whole='true']").await;
    desktop.wait_for_text("package-check", PATIENCE, |text| text.contains("whose key you gave")).await;
    desktop.wait_until_gone("package-key-error").await;
    desktop.keep("06-compared").await;
    // Its film plays, and can be stood still and searched by keys.
    desktop.click("package-play").await;
    desktop.find("watch-picture").await;
    // Six seconds may be over before they are looked at twice; at the end it is begun anew.
    desktop.choose("watch-speed", "0.25").await;
    let area = fitted(desktop.area("[data-testid='watch-picture']", 0).await);
    until("a film of a package to move", PATIENCE, async || {
        if desktop.find("watch-play").await.attr("data-playing").await.unwrap().as_deref() == Some("false") {
            desktop.click("watch-play").await;
        }
        let before = desktop.display.picture();
        tokio::time::sleep(Duration::from_millis(500)).await;
        let part = desktop.display.picture().changed(&before, area);
        if part > 0.0 { Ok(()) } else { Err("it stands still") }
    })
    .await;
    desktop.keep("07-playing").await;
    desktop.find_by("body").await.send_keys(" ").await.unwrap();
    desktop.find_by("[data-testid='watch-play'][data-playing='false']").await;
    desktop.find_by("body").await.send_keys("\u{e00c}").await.unwrap();
    desktop.find("package").await;
    // Closed, nothing of it is left, and the program is as on its first day.
    desktop.click("package-close").await;
    desktop.find("welcome-name").await;
    desktop.find("package-choose").await;
    desktop.keep("08-first-day").await;
    desktop.close().await;
    assert!(!is_anywhere(nothing.path(), b"Kanzlei"), "something of the package was kept");
}

fn is_anywhere(folder: &Path, text: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().map(Result::unwrap).any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            is_anywhere(&path, text)
        } else {
            fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text))
        }
    })
}
