//! The wall in the real window, next to the same streams shown by GStreamer's own `gtksink` at the same size; and for a single
//! camera how old its picture is when it stands on the display.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use hausrecht_tests::{
    camera::{PASSWORD, SimCam, USER},
    desktop::{Desktop, SCREEN, fitted},
    display::{Area, Display},
    process::{Owned, children_of},
    programs,
    stage::{OWNER, OWNER_PASSPHRASE, Stage},
};

use crate::{
    age,
    table::{print, row},
    usage::{Group, shares, stolen},
};

const SPAN: Duration = Duration::from_secs(30);
const SETTLE: Duration = Duration::from_secs(8);

/// Shows 16 cameras both ways, by their small streams, and prints what it cost.
pub(crate) async fn sixteen() {
    let cameras = cameras(16);
    let (ours, _) = ours(&cameras, Some("16")).await;
    let (theirs, _) = gtksink(&cameras, ours.tile, SimCam::rtsp_sub).await;
    print_costs("Wall of 16 tiles from 640x360@15", &ours, &theirs);
}

/// Shows one camera in 1080p25 both ways, and prints what it cost and how old the pictures were.
pub(crate) async fn one() {
    let cameras = cameras(1);
    let (ours, our_ages) = ours(&cameras, None).await;
    let (theirs, their_ages) = gtksink(&cameras, ours.tile, SimCam::rtsp_main).await;
    print_costs("One view of 1080p25", &ours, &theirs);
    let rows = [
        row(["", "p50 ms", "p95 ms", "worst ms", "pictures"]),
        our_ages.line("Hausrecht"),
        their_ages.line("gtksink"),
    ];
    let title = "Age of the picture on the display, from when the camera sends it (aim: p95 under 70 ms, and one frame, 40 ms, more than gtksink)";
    print(title, &rows);
}

/// What showing some cameras cost.
struct Costs {
    tile: Area,
    /// Program and X server, as shares of a core.
    shown: [f64; 2],
    /// The same before anything was shown, while it records only.
    before: Option<[f64; 2]>,
    rates: String,
    stolen: f64,
}

fn cameras(count: usize) -> Vec<SimCam> {
    let kbps = ["--bitrate-kbps", "4000"];
    (0..count)
        .map(|number| SimCam::start(&[&["--name", &format!("Camera {number}")], &kbps[..]].concat()))
        .collect()
}

async fn ours(cameras: &[SimCam], layout: Option<&str>) -> (Costs, age::Ages) {
    let stage = Stage::owned().await;
    for camera in cameras {
        stage.connect(camera).await;
    }
    let (folder, _) = stage.close().await;

    // Locked: it records and shows nothing. Then signed in: the same, with the wall.
    let desktop = Desktop::start_over("bench", folder.path()).await;
    desktop.find("lock-screen").await;
    tokio::time::sleep(SETTLE).await;
    let app = children_of(desktop.driver_pid(), "hausrecht-app");
    let groups = groups("window, workers and page", app, &desktop.display);
    let locked = shares(&groups, SPAN).await;
    desktop.fill("lock-name", OWNER).await;
    desktop.fill("lock-passphrase", OWNER_PASSPHRASE).await;
    desktop.click("lock-submit").await;
    if let Some(layout) = layout {
        desktop.choose("layout", layout).await;
    }
    let live = "[data-testid='tile'][data-state='live']";
    desktop.wait_for_count(live, cameras.len(), Duration::from_secs(120)).await;
    let tile = fitted(desktop.area("[data-testid='tile-picture']", 0).await);
    tokio::time::sleep(SETTLE).await;
    let stolen_before = stolen();
    let shown = shares(&groups, SPAN).await;
    let stolen = stolen().saturating_sub(stolen_before).as_secs_f64() / SPAN.as_secs_f64();
    let rates = desktop.rates().await;
    let ages = age::watch(&desktop.display, tile, &cameras[0], SPAN).await;
    desktop.keep(&format!("wall-of-{}", cameras.len())).await;
    desktop.close().await;
    let before = Some([locked[0], locked[1]]);
    (Costs { tile, shown: [shown[0], shown[1]], before, rates, stolen }, ages)
}

async fn gtksink(cameras: &[SimCam], tile: Area, stream: fn(&SimCam) -> String) -> (Costs, age::Ages) {
    let display = Display::start(SCREEN.0, SCREEN.1);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/wall/gtksink.py");
    // Debian's own interpreter has the bindings; another one before it in the path may not.
    let mut command = Command::new("/usr/bin/python3");
    command
        .arg(script)
        .args([USER, PASSWORD, &tile.width.to_string(), &tile.height.to_string()])
        .args(cameras.iter().map(stream))
        .env("DISPLAY", display.name())
        .env("GDK_BACKEND", "x11")
        .env_remove("WAYLAND_DISPLAY")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let theirs = Owned::start(&mut command);
    tokio::time::sleep(SETTLE).await;
    let stolen_before = stolen();
    let shown = shares(&groups("gtksink", vec![theirs.0.id()], &display), SPAN).await;
    let stolen = stolen().saturating_sub(stolen_before).as_secs_f64() / SPAN.as_secs_f64();
    let first = Area { x: 0, y: 0, ..tile };
    let ages = age::watch(&display, first, &cameras[0], SPAN).await;
    let pictures = programs::artefacts("screenshots").join("bench");
    display.picture().save(&pictures.join(format!("gtksink-of-{}.png", cameras.len()))).unwrap();
    (Costs { tile, shown: [shown[0], shown[1]], before: None, rates: String::new(), stolen }, ages)
}

fn groups(name: &'static str, roots: Vec<u32>, display: &Display) -> [Group; 2] {
    [Group { name, roots }, Group { name: "X server", roots: vec![display.server_pid()] }]
}

fn print_costs(what: &str, ours: &Costs, theirs: &Costs) {
    let percent = |share: f64| format!("{:.0}", share * 100.0);
    let peer = theirs.shown[0] + theirs.shown[1];
    let line = |name: &str, parts: [f64; 2]| {
        let sum = parts[0] + parts[1];
        vec![
            name.to_owned(),
            percent(parts[0]),
            percent(parts[1]),
            percent(sum),
            format!("{:.2}", sum / peer),
        ]
    };
    let before = ours.before.unwrap_or_default();
    let rows = [
        row(["% of a core", "program", "X server", "together", "times gtksink"]),
        line("Hausrecht, recording and showing", ours.shown),
        line("Hausrecht, recording, locked", before),
        line("showing alone (difference)", [ours.shown[0] - before[0], ours.shown[1] - before[1]]),
        line("gtksink", theirs.shown),
    ];
    let title = format!(
        "{what}, shown at {}x{}, {} s each (aim: showing 1.2 times gtksink; stolen by the host: {:.1} and {:.1} %); shown: {}",
        ours.tile.width,
        ours.tile.height,
        SPAN.as_secs(),
        ours.stolen * 100.0,
        theirs.stolen * 100.0,
        ours.rates
    );
    print(&title, &rows);
}
