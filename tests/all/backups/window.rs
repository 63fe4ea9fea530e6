//! A vault is backed up in the real window, its sheet is tested, and it comes back in another window.

use std::fs;

use hausrecht_tests::{
    desktop::Desktop,
    process::{children_of, signal},
    stage::{OWNER, OWNER_PASSPHRASE, PATIENCE, Stage, alone},
    until::until,
};
use rustix::process::Signal;

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_is_tested_a_backup_made_and_restored_in_the_window() {
    if !alone("backups::window::a_sheet_is_tested_a_backup_made_and_restored_in_the_window") {
        return;
    }
    let stage = Stage::owned().await;
    let sheet = stage.engine.recovery_sheet(OWNER_PASSPHRASE.into()).await.unwrap();
    let (folder, _) = stage.close().await;
    let away = tempfile::tempdir().unwrap();

    let desktop = Desktop::start_over("backups", folder.path()).await;
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("lock-submit").await;
    desktop.click("nav-settings").await;
    desktop.wait_for_text("sheet-tested", PATIENCE, |text| text.contains("never tested")).await;
    desktop.click("sheet-test").await;
    desktop.fill("sheet-identity", &sheet.identity[..40]).await;
    desktop.click("sheet-submit").await;
    desktop.find("sheet-wrong").await;
    desktop.keep("01-wrong").await;
    desktop.fill("sheet-identity", &sheet.identity.to_lowercase()).await;
    desktop.click("sheet-submit").await;
    desktop.find_by("[data-testid='sheet-result'][data-fits='true']").await;
    desktop.keep("02-fits").await;
    desktop.find("sheet-dialog").await.send_keys("\u{e00c}").await.unwrap();
    desktop.wait_until_gone("sheet-dialog").await;
    desktop.wait_for_text("sheet-tested", PATIENCE, |text| text.contains("it fits")).await;

    // Two of three people, each with a sheet.
    desktop.click("share-open").await;
    for (n, name) in ["Sofia", "Jonas", "Mira"].iter().enumerate() {
        desktop.fill(&format!("share-name-{n}"), name).await;
    }
    desktop.fill("share-passphrase", OWNER_PASSPHRASE).await;
    desktop.keep("03-three").await;
    desktop.click("share-submit").await;
    desktop.wait_for_count("[data-testid='share-identity']", 3, PATIENCE).await;
    let mut shares = Vec::new();
    for sheet in desktop.all("[data-testid='share-identity']").await {
        shares.push(sheet.text().await.unwrap());
    }
    desktop.keep("03-shares").await;
    desktop.click("share-have").await;
    desktop.wait_for_text("shared-among", PATIENCE, |text| text.contains("No backup since")).await;

    desktop.wait_for_text("backup-last", PATIENCE, |text| text.contains("no backup yet")).await;
    desktop.click("backup-open").await;
    desktop.fill("backup-folder", "/nowhere/at/all").await;
    desktop.click("backup-submit").await;
    desktop.find_by("[data-testid='backup-dialog'] [data-testid='failure']").await;
    desktop.fill("backup-folder", &away.path().to_string_lossy()).await;
    desktop.click("backup-submit").await;
    desktop.find("backup-made").await;
    desktop.keep("03-made").await;
    desktop.find("backup-dialog").await.send_keys("\u{e00c}").await.unwrap();
    desktop.wait_until_gone("backup-dialog").await;
    desktop.wait_for_text("backup-last", PATIENCE, |text| text.contains("Last backup")).await;
    desktop.wait_for_text("shared-among", PATIENCE, |text| !text.contains("No backup since")).await;
    let show = "document.querySelector(\"[data-testid='backup-last']\").scrollIntoView({ block: 'center' })";
    desktop.page.execute(show, Vec::new()).await.unwrap();
    desktop.keep("04-settings").await;
    desktop.close().await;

    let made: Vec<_> = fs::read_dir(away.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [backup] = &made[..] else { panic!("{made:?}") };
    let fresh = tempfile::tempdir().unwrap();
    let desktop = Desktop::start_with("backups", fresh.path(), std::slice::from_ref(backup)).await;
    desktop.find("restore").await;
    desktop.fill("restore-passphrase", "not this one").await;
    desktop.click("restore-submit").await;
    desktop.find("restore-wrong").await;
    desktop.keep("05-wrong").await;
    desktop.choose("restore-by", "sheet").await;
    desktop.wait_until_gone("restore-wrong").await;
    desktop.fill("restore-identity", &sheet.identity).await;
    let words =
        until("six words", PATIENCE, async || match desktop.find("restore-new").await.prop("value").await {
            Ok(Some(words)) if words.split(' ').count() == 6 => Ok(words),
            other => Err(format!("{other:?}")),
        })
        .await;
    desktop.keep("06-sheet").await;
    desktop.choose("restore-by", "shares").await;
    desktop.fill("restore-identity", &shares[2]).await;
    desktop.fill("restore-other", &shares[0]).await;
    desktop.keep("06-shares").await;
    desktop.click("restore-submit").await;
    desktop.find("restored").await;
    desktop.keep("07-restored").await;
    // The program ends and begins again, and with that takes what was restored.
    assert!(!fresh.path().join("owner.age").exists());
    // The program may be gone before WebKit's driver could say that it was clicked, and begins again under the same process id.
    let start = desktop.find("restore-start").await;
    let programs = children_of(desktop.driver_pid(), "hausrecht-app");
    if let Err(error) = start.click().await {
        println!("the click's answer: {error}");
    }
    until("the program to have begun again", PATIENCE, async || {
        if fresh.path().join("owner.age").exists() { Ok(()) } else { Err("not yet") }
    })
    .await;
    let [program] = *programs.as_slice() else { panic!("one program: {programs:?}") };
    signal(program, Signal::TERM);
    Desktop::wait_for_end_of(&programs).await;
    drop(desktop);

    let desktop = Desktop::start_over("backups", fresh.path()).await;
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", &words).await;
    desktop.click("lock-submit").await;
    desktop.click("nav-log").await;
    until("the entry", PATIENCE, async || {
        let said = "return document.body.innerText.includes('Brought back from a backup')";
        if desktop.page.execute(said, Vec::new()).await.unwrap() == true { Ok(()) } else { Err("not there") }
    })
    .await;
    desktop.keep("08-log").await;
    desktop.close().await;
}
