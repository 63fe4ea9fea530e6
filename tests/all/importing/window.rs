//! Films in the real window: named when it is started, they are listed, watched without being kept, imported, and found on the
//! timeline; a sealed clip of the vault opens by itself.

use std::{path::PathBuf, time::Duration};

use hausrecht_tests::{
    desktop::{Desktop, fitted},
    programs,
    stage::{OWNER, OWNER_PASSPHRASE, Stage, alone},
    until::until,
};

use super::{H264, film};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn films_are_watched_and_imported_in_the_window() {
    if !alone("importing::window::films_are_watched_and_imported_in_the_window") {
        return;
    }
    let films = tempfile::tempdir().unwrap();
    let card = films.path().join("Dashcam");
    std::fs::create_dir(&card).unwrap();
    film(&card, "20261101100000_000123F.MP4", &H264);
    film(&card, "20261101100000_000124R.MP4", &[&["-vf", "hflip"][..], &H264].concat());
    film(&card, "GX010123.MP4", &[&["-vf", "vflip"][..], &H264].concat());
    std::fs::write(card.join("notes.mp4"), b"This is a text, whatever its name says.").unwrap();
    let (vault, _clock) = Stage::owned().await.close().await;
    let desktop = Desktop::start_with("footage", vault.path(), std::slice::from_ref(&card)).await;
    sign_in(&desktop).await;
    desktop.find("footage").await;
    desktop.wait_for_count("[data-testid='footage-file'][data-state='ready']", 3, PATIENCE).await;
    desktop.wait_for_count("[data-testid='footage-file'][data-state='refused']", 1, PATIENCE).await;
    desktop.keep("01-listed").await;

    desktop.click_by("[data-name='GX010123.MP4'] [data-testid='footage-watch']").await;
    desktop.find_by("[data-testid='watch-file'] [data-state='picture']").await;
    let picture = fitted(desktop.area("[data-testid='watch-picture']", 0).await);
    until("the film on the screen", PATIENCE, async || {
        let colours = desktop.display.picture().colours(picture);
        if colours > 100 { Ok(()) } else { Err(colours) }
    })
    .await;
    desktop.keep("02-watched").await;
    desktop.click("watch-back").await;

    desktop.find("footage").await;
    desktop.fill("footage-name", "Car").await;
    desktop.click("footage-import").await;
    desktop.wait_for_count("[data-testid='footage-file'][data-state='done']", 2, PATIENCE).await;
    desktop.find("footage-import").await;
    desktop.keep("03-imported").await;
    desktop.click("footage-show").await;
    desktop.wait_until_gone("footage").await;
    let rows = desktop.wait_for_count("[data-testid='clip-row']", 2, PATIENCE).await;
    desktop.keep("04-clips").await;
    let clip = rows[0].attr("data-clip").await.unwrap().unwrap();

    desktop.page.execute("location.hash = '#/settings'", Vec::new()).await.unwrap();
    desktop.wait_for_count("[data-testid='source']", 2, PATIENCE).await;
    desktop.keep("05-sources").await;
    desktop.click("nav-log").await;
    let said = "return ['Imported: Car', 'Sealed from a file', 'Watched a file, not kept'].filter((words) => \
                !document.body.innerText.includes(words)).join()";
    until("the entries", PATIENCE, async || {
        let missing = desktop.page.execute(said, Vec::new()).await.unwrap();
        if missing == "" { Ok(()) } else { Err(missing) }
    })
    .await;
    desktop.keep("06-log").await;
    desktop.close().await;

    // A copy of the sealed file, and one of somebody else's.
    let sealed = films.path().join(format!("{clip}.age"));
    std::fs::write(&sealed, b"what counts is the vault's own").unwrap();
    let foreign: PathBuf = films.path().join("00000000000000ff.age");
    std::fs::write(&foreign, b"").unwrap();
    let desktop = Desktop::start_with("footage", vault.path(), &[sealed, foreign]).await;
    // A double click while it runs: a second start gives its file to this one, and ends.
    let late = film(films.path(), "20261102090000_000125F.MP4", &H264);
    let mut second = desktop.program(programs::app().to_str().unwrap());
    let second = second.arg("--data-dir").arg(vault.path()).arg(&late).output().unwrap();
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    sign_in(&desktop).await;
    desktop.find("footage").await;
    desktop.wait_for_count("[data-testid='footage-file'][data-state='ready']", 1, PATIENCE).await;
    desktop.keep("07-given-by-a-second-start").await;
    desktop.find("footage").await.send_keys("\u{e00c}").await.unwrap();
    desktop.wait_until_gone("footage").await;
    desktop.find_by("[data-testid='player-view'][data-state='picture']").await;
    desktop.find_by("[data-testid='notice'][data-kind='not_of_this_vault']").await;
    desktop.keep("08-sealed-clip").await;
    desktop.close().await;
}

async fn sign_in(desktop: &Desktop) {
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("lock-submit").await;
}
