//! The wall of 16 tiles in the real window, next to the same streams shown by GStreamer's own `gtksink`.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use hausrecht_tests::{
    camera::{PASSWORD, SimCam, USER},
    desktop::{Desktop, SCREEN, fitted},
    display::Display,
    process::{Owned, children_of},
    programs,
    stage::{OWNER, OWNER_PASSPHRASE, Stage},
};

use crate::{
    table::{print, row},
    usage::{Group, shares},
};

const SPAN: Duration = Duration::from_secs(30);
const SETTLE: Duration = Duration::from_secs(8);

/// Shows `count` cameras both ways and prints what it cost.
pub(crate) async fn measure(count: usize) {
    let cameras: Vec<SimCam> =
        (0..count).map(|number| SimCam::start(&["--name", &format!("Camera {number}")])).collect();
    let stage = Stage::owned().await;
    for camera in &cameras {
        stage.connect(camera).await;
    }
    let (folder, _) = stage.close().await;

    // Locked: it records and shows nothing. Then signed in: the same, with the wall.
    let desktop = Desktop::start_over("bench", folder.path()).await;
    desktop.find("lock-screen").await;
    tokio::time::sleep(SETTLE).await;
    let app = children_of(desktop.driver_pid(), "hausrecht-app");
    let groups = [
        Group { name: "window, workers and page", roots: app },
        Group { name: "X server", roots: vec![desktop.display.server_pid()] },
    ];
    let locked = shares(&groups, SPAN).await;
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("lock-submit").await;
    desktop.choose("layout", "16").await;
    desktop.wait_for_count("[data-testid='tile'][data-state='live']", count, Duration::from_secs(120)).await;
    let tile = fitted(desktop.area("[data-testid='tile-picture']", 0).await);
    tokio::time::sleep(SETTLE).await;
    let shown = shares(&groups, SPAN).await;
    let rates = desktop.rates().await;
    desktop.keep("wall-of-16").await;
    desktop.close().await;

    let display = Display::start(SCREEN.0, SCREEN.1);
    let mut command = Command::new("gst-launch-1.0");
    command
        .arg("--quiet")
        .env("DISPLAY", display.name())
        .env("GDK_BACKEND", "x11")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    for camera in &cameras {
        let location = camera.rtsp_sub();
        command.args([
            "rtspsrc".to_owned(),
            format!("location={location}"),
            format!("user-id={USER}"),
            format!("user-pw={PASSWORD}"),
            "protocols=tcp".to_owned(),
            "latency=0".to_owned(),
        ]);
        let caps = format!("video/x-raw,format=BGRx,width={},height={}", tile.width, tile.height);
        command.args([
            "!",
            "rtph264depay",
            "!",
            "h264parse",
            "!",
            "avdec_h264",
            "!",
            "videoconvert",
            "!",
            "videoscale",
        ]);
        command.args(["!", &caps, "!", "gtksink", "sync=false"]);
    }
    let theirs = Owned::start(&mut command);
    tokio::time::sleep(SETTLE).await;
    let groups = [
        Group { name: "gst-launch-1.0 ... gtksink", roots: vec![theirs.0.id()] },
        Group { name: "X server", roots: vec![display.server_pid()] },
    ];
    let gtk = shares(&groups, SPAN).await;
    let pictures = programs::artefacts("screenshots").join("bench");
    display.picture().save(&pictures.join("gtksink-of-16.png")).unwrap();

    let percent = |share: f64| format!("{:.0}", share * 100.0);
    let (ours, base, peer) = (shown[0] + shown[1], locked[0] + locked[1], gtk[0] + gtk[1]);
    let line = |name: &str, parts: &[f64], against: f64| {
        let sum = parts[0] + parts[1];
        vec![
            name.to_owned(),
            percent(parts[0]),
            percent(parts[1]),
            percent(sum),
            format!("{:.2}", against / peer),
        ]
    };
    let rows = [
        row(["% of a core", "program", "X server", "together", "times gtksink"]),
        line("Hausrecht, recording all, wall shown", &shown, ours),
        line("Hausrecht, recording all, locked", &locked, base),
        line("the wall alone (difference)", &[shown[0] - locked[0], shown[1] - locked[1]], ours - base),
        line("gst-launch-1.0 ... gtksink", &gtk, peer),
    ];
    print(
        &format!(
            "Wall of {count} tiles, {}x{} from 640x360@15, {} s each (aim: 1.3 times gtksink); shown: {rates}",
            tile.width,
            tile.height,
            SPAN.as_secs()
        ),
        &rows,
    );
}
