//! Signing in through the desktop's keyring: each person's own choice, logged, and gone as soon as the key is not theirs any more. The
//! keyring is GNOME's, with nothing of this computer's in it.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use hausrecht_engine::wire::{AddPerson, LogQuery};
use hausrecht_tests::{
    desktop::Desktop,
    process::Owned,
    stage::{MovedClock, OWNER, OWNER_PASSPHRASE, PATIENCE, Stage, alone},
    until::until,
};

const LENA: &str = "Lena";
const LENAS: &str = "copper window maple seven drift anchor";

/// Starts the keyring of this desktop, unlocked as a login does it.
fn keyring(desktop: &Desktop) -> Owned {
    let mut command: Command = desktop.program("gnome-keyring-daemon");
    command.args(["--unlock", "--foreground", "--components=secrets"]);
    let mut daemon = Owned::start(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()));
    let mut stdin = daemon.0.stdin.take().unwrap();
    stdin.write_all(b"login").unwrap();
    daemon
}

/// Waits until it has its name on the bus. Whoever called it before would have the bus start another, which no login unlocked.
async fn wait_for_keyring(desktop: &Desktop) {
    until("the keyring to be there", PATIENCE, async || {
        let asked = desktop
            .program("dbus-send")
            .args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"])
            .args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&asked.stdout).into_owned();
        if said.contains("boolean true") { Ok(()) } else { Err((said, asked)) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_chooses_the_desktops_keyring_and_it_is_named_as_weaker() {
    if !alone("keyring::a_person_chooses_the_desktops_keyring_and_it_is_named_as_weaker") {
        return;
    }
    let stage = Stage::owned().await;
    let new = AddPerson { name: LENA.into(), passphrase: LENAS.into(), ..AddPerson::default() };
    let lena = stage.engine.add_person(new).await.unwrap().face.id;
    let (folder, _) = stage.close().await;

    let desktop = Desktop::start_over("keyring", folder.path()).await;
    let _daemon = keyring(&desktop);
    wait_for_keyring(&desktop).await;
    // Nobody chose it: it is not offered.
    desktop.find("lock-screen").await;
    assert!(desktop.all("[data-testid='lock-keyring']").await.is_empty());
    sign_in(&desktop, LENA, LENAS).await;
    desktop.click("nav-settings").await;
    desktop.find_by("[data-testid='keyring'][data-kept='false']").await;
    // A wrong passphrase is said, and changes nothing.
    desktop.click("keyring-on").await;
    desktop.fill("keyring-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("keyring-submit").await;
    desktop.wait_for_text("keyring-dialog", PATIENCE, |text| text.contains("do not belong together")).await;
    desktop.fill("keyring-passphrase", LENAS).await;
    desktop.click("keyring-submit").await;
    desktop.wait_until_gone("keyring-dialog").await;
    desktop.find_by("[data-testid='keyring'][data-kept='true']").await;
    desktop.keep("02-on").await;

    // One click signs her in; the owner, who did not choose it, is not.
    desktop.click("sign-out").await;
    desktop.find("lock-keyring").await;
    desktop.fill("lock-name", OWNER).await;
    desktop.click("lock-keyring").await;
    desktop.find_by("[data-testid='lock-screen'] [data-testid='failure']").await;
    desktop.keep("03-not-the-owner").await;
    desktop.fill("lock-name", LENA).await;
    desktop.click("lock-keyring").await;
    desktop.wait_for_text("me", PATIENCE, |text| text.contains(LENA)).await;

    // The owner gives her another passphrase: what the keyring has is a key of before.
    desktop.click("sign-out").await;
    desktop.close().await;
    let stage = Stage::over(folder, MovedClock::default()).await;
    stage.sign_in_owner().await;
    stage.engine.give_passphrase(lena, "orbit kettle barley seven fern sixty".into(), false).await.unwrap();
    let log = async |kind: &str| {
        let query = LogQuery { limit: 50, kinds: vec![kind.into()], ..LogQuery::default() };
        stage.engine.log_page(query).await.unwrap().rows
    };
    let through = |row: &hausrecht_engine::wire::LogRow| {
        row.facts.iter().any(|fact| fact.name == "how" && fact.value == "keyring")
    };
    assert_eq!(log("unlocked").await.iter().filter(|row| through(row)).count(), 1);
    assert!(
        log("setting_changed").await.iter().any(|row| row.facts.iter().any(|fact| fact.value == "keyring"))
    );
    let kept = stage.engine.kept_person(LENA).await.unwrap();
    assert_eq!(kept, lena);
    let stale = hausrecht_engine::KeptKeys { person: lena, text: "# nothing of hers".to_owned().into() };
    stage.engine.unlock_by_keys(stale).await.unwrap_err();
    stage.engine.kept_person(LENA).await.unwrap_err();
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_before_are_not_asked_for_again_and_whoever_wants_turns_it_off() {
    if !alone("keyring::keys_of_before_are_not_asked_for_again_and_whoever_wants_turns_it_off") {
        return;
    }
    let (folder, _) = Stage::owned().await.close().await;
    let desktop = Desktop::start_over("keyring-owner", folder.path()).await;
    let _daemon = keyring(&desktop);
    wait_for_keyring(&desktop).await;
    sign_in(&desktop, OWNER, OWNER_PASSPHRASE).await;
    desktop.click("nav-settings").await;
    desktop.click("keyring-on").await;
    desktop.keep("01-owner").await;
    desktop.fill("keyring-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("keyring-submit").await;
    desktop.find_by("[data-testid='keyring'][data-kept='true']").await;
    // Without a name, the only one who chose it.
    desktop.click("sign-out").await;
    desktop.find("lock-name").await.clear().await.unwrap();
    desktop.keep("02-locked").await;
    desktop.click("lock-keyring").await;
    desktop.wait_for_text("me", PATIENCE, |text| text.contains(OWNER)).await;
    desktop.click("nav-settings").await;
    desktop.click("keyring-off").await;
    desktop.find_by("[data-testid='keyring'][data-kept='false']").await;
    desktop.click("sign-out").await;
    desktop.find("lock-screen").await;
    assert!(desktop.all("[data-testid='lock-keyring']").await.is_empty());
    desktop.close().await;
}

async fn sign_in(desktop: &Desktop, name: &str, passphrase: &str) {
    desktop.fill("lock-name", name).await;
    desktop.fill("lock-passphrase", passphrase).await;
    desktop.click("lock-submit").await;
    desktop.find("me").await;
}
