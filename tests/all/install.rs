//! `make install`: the desktop knows what a package and a backup are, and a double click opens them; what was put there can be taken away.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use hausrecht_tests::{
    desktop::Desktop,
    process::signal,
    programs,
    stage::{PATIENCE, alone},
    until::until,
};
use rustix::process::Signal;

fn install(args: &[&str]) -> Output {
    Command::new(programs::root().join("assets/desktop/install.sh")).args(args).output().unwrap()
}

/// Processes that run `program`, with their command lines.
fn running(program: &Path) -> Vec<(u32, String)> {
    let all = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    all.filter(|pid| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program))
        .map(|pid| (pid, fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_opens_a_package_on_a_desktop_where_it_is_installed() {
    if !alone("install::a_double_click_opens_a_package_on_a_desktop_where_it_is_installed") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let prefix = place.path().join("local");
    let (built, to) = (programs::build_dir(), prefix.to_str().unwrap().to_owned());
    let built = built.to_str().unwrap();
    // What would not work is refused before anything is written.
    let odd = place.path().join("with blank");
    let refused = install(&[built, odd.to_str().unwrap()]);
    assert!(!refused.status.success() && !odd.join("bin").exists(), "{refused:?}");
    let refused = install(&["/nowhere", &to]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("make install"), "{refused:?}");
    let done = install(&[built, &to]);
    assert!(done.status.success(), "{done:?}");

    let desktop = Desktop::start("install").await;
    let data_dirs = format!("{to}/share:/usr/local/share:/usr/share");
    let gio = |args: &[&str]| {
        let mut command = desktop.program("gio");
        command.args(args).env("XDG_DATA_HOME", prefix.join("share")).env("XDG_DATA_DIRS", &data_dirs);
        command
    };
    let package = place.path().join("Front door.hausrecht");
    fs::write(&package, b"age-encryption.org/v1\n").unwrap();
    let backup = place.path().join("Vault.hausrecht-backup");
    fs::write(&backup, b"age-encryption.org/v1\n").unwrap();
    for (file, kind) in
        [(&package, "application/vnd.hausrecht.package"), (&backup, "application/vnd.hausrecht.backup")]
    {
        let asked = gio(&["info", "-a", "standard::content-type", file.to_str().unwrap()]).output().unwrap();
        let said = String::from_utf8_lossy(&asked.stdout).into_owned();
        assert!(said.contains(kind), "{said}");
        let asked = gio(&["mime", kind]).output().unwrap();
        assert!(String::from_utf8_lossy(&asked.stdout).contains("de.hausrecht.app.desktop"), "{asked:?}");
    }
    // What a file manager does at a double click.
    let mut opened = gio(&["open", package.to_str().unwrap()]).spawn().unwrap();
    let program = prefix.join("bin/hausrecht-app");
    let pid = until("the program to be started with the package", PATIENCE, async || {
        let all = running(&program);
        match all.iter().find(|(_, line)| line.contains("Front door.hausrecht")) {
            Some((pid, _)) => Ok(*pid),
            None => Err(all),
        }
    })
    .await;
    signal(pid, Signal::TERM);
    until("it to have ended", PATIENCE, async || {
        if running(&program).is_empty() { Ok(()) } else { Err("it still runs") }
    })
    .await;
    assert!(opened.wait().unwrap().success());
    desktop.close().await;

    let removed = install(&["--remove", built, &to]);
    assert!(removed.status.success(), "{removed:?}");
    let left: Vec<_> = fs::read_dir(prefix.join("bin"))
        .unwrap()
        .chain(fs::read_dir(prefix.join("share/applications")).unwrap())
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.iter().all(|name| name == "mimeinfo.cache"), "{left:?}");
}
