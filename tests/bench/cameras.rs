//! What many cameras cost the ONVIF client, how soon they are found, and how soon one that was added shows its picture.

use std::{
    io::Write,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use hausrecht_engine::wire::TileSource;
use hausrecht_model::{StreamRole, clock::SystemClock};
use hausrecht_onvif::{
    Camera, Credentials, Settings,
    discovery::{self, SearchOptions},
};
use hausrecht_tests::{
    camera::{PASSWORD, SimCam, USER},
    process::{Owned, cpu_time, first_line, quiet},
    stage::Stage,
};
use secrecy::SecretString;

use crate::{
    table::{print, row},
    usage::{pss_kib, stolen},
};

const CAMERAS: usize = 64;
const SPAN: Duration = Duration::from_secs(60);
const PICTURES: usize = 10;

/// Holds cameras with events in a process of its own and prints what that costs.
pub(crate) async fn hold() {
    let cameras = many();
    let addresses: Vec<String> = cameras.iter().map(|ready| text(ready, "http")).collect();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(HOLDING).args(&addresses).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut client = Owned::start(&mut command);
    let before_kib: f64 = first_line(&mut client.0, Duration::from_secs(60)).parse().unwrap();
    // It says how large it was before the first camera; the subscriptions come up in the seconds after.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let (stolen_before, cpu_before) = (stolen(), cpu_time(client.0.id()));
    tokio::time::sleep(SPAN).await;
    let share = (cpu_time(client.0.id()) - cpu_before).as_secs_f64() / SPAN.as_secs_f64();
    let lost = stolen().saturating_sub(stolen_before).as_secs_f64() / SPAN.as_secs_f64();
    let after_kib = pss_kib(client.0.id());
    let rows = [
        row(["", "% of a core", "memory KiB (PSS)"]),
        vec![
            format!("{CAMERAS} cameras with events"),
            format!("{:.1}", share * 100.0),
            format!("{after_kib:.0}"),
        ],
        vec![
            "each".to_owned(),
            format!("{:.2}", share * 100.0 / CAMERAS as f64),
            format!("{:.0}", (after_kib - before_kib) / CAMERAS as f64),
        ],
    ];
    print(
        &format!(
            "Holding {CAMERAS} cameras for {} s (aim: 10 % of a core, 1024 KiB each; stolen by the host: {:.1} %)",
            SPAN.as_secs(),
            lost * 100.0
        ),
        &rows,
    );
}

/// The argument that makes this program the client of [`hold`].
pub(crate) const HOLDING: &str = "hold-these-cameras";

/// Connects to the cameras at `addresses` and listens to their events until it is ended.
pub(crate) async fn be_the_client(addresses: Vec<String>) {
    println!("{}", pss_kib(std::process::id()));
    std::io::stdout().flush().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for address in addresses {
        tasks.spawn(async move {
            let settings = Settings::new(Arc::new(SystemClock::new()));
            let credentials = Credentials::new(USER, SecretString::from(PASSWORD.to_owned()));
            let url = address.parse().unwrap();
            let camera = Camera::connect(&[url], Some(credentials), settings).await.unwrap();
            let mut events = camera.events().await.unwrap();
            while events.next().await.is_ok() {}
            address
        });
    }
    let lost = tasks.join_next().await;
    panic!("a camera is lost: {lost:?}");
}

/// Searches twice among the cameras and prints when the last of them was known.
pub(crate) async fn find() {
    let cameras = many();
    let mut rows = vec![row(["search", "found", "first ms", "last ms", "twice"])];
    for number in 1..=2 {
        let start = Instant::now();
        let mut found = discovery::search(SearchOptions::default()).unwrap();
        let mut endpoints = Vec::new();
        let mut at_ms = Vec::new();
        while let Some(camera) = found.recv().await {
            at_ms.push(start.elapsed().as_secs_f64() * 1000.0);
            endpoints.push(camera.endpoint);
        }
        let all = endpoints.len();
        endpoints.sort();
        endpoints.dedup();
        rows.push(vec![
            number.to_string(),
            format!("{} of {}", endpoints.len(), cameras.len()),
            at_ms.first().map(|ms| format!("{ms:.0}")).unwrap_or_default(),
            at_ms.last().map(|ms| format!("{ms:.0}")).unwrap_or_default(),
            (all - endpoints.len()).to_string(),
        ]);
    }
    print(&format!("Finding {CAMERAS} cameras (aim: the last within 1500 ms, none twice)"), &rows);
}

/// Adds a camera and waits for its picture, next to `ffmpeg` opening the same stream.
pub(crate) async fn first_picture() {
    let (mut ours_ms, mut own_ms, mut peers_ms) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..PICTURES {
        let camera = SimCam::start(&["--name", &format!("Camera {number}")]);
        let stage = Stage::owned().await;
        let found = stage.find(&camera.address()).await;
        let start = Instant::now();
        let connected = stage.connect_with(&found.key, USER, PASSWORD).await;
        let source = TileSource::Live { camera: connected.camera.unwrap(), stream: StreamRole::Main };
        let view = stage.engine.view(&source, 1280, 720).unwrap();
        let mut changes = view.changes().expect("the view has just been made");
        let came = tokio::time::timeout(Duration::from_secs(20), changes.wait_for(|sequence| *sequence > 0));
        came.await.unwrap().unwrap();
        let took_ms = start.elapsed().as_secs_f64() * 1000.0;
        ours_ms.push(took_ms);
        // The camera lets us wait twice: it describes its stream when a key frame has come, and sends from the next one on.
        let arrived_us = view.newest(|picture| picture.meta.arrived_unix_us).unwrap();
        let state = camera.state();
        let at_us = |what: &str| state[what].as_i64().unwrap();
        let waited_us = at_us("described_us") - at_us("asked_us") + arrived_us - at_us("played_us");
        own_ms.push(took_ms - waited_us as f64 / 1000.0);
        stage.close().await;
        let start = Instant::now();
        let mut command = quiet("ffmpeg");
        let with_account = camera.rtsp_main().replacen("rtsp://", &format!("rtsp://{USER}:{PASSWORD}@"), 1);
        command.args(["-nostdin", "-rtsp_transport", "tcp", "-analyzeduration", "0", "-i", &with_account]);
        command.args(["-frames:v", "1", "-f", "null", "-"]);
        let status = tokio::task::spawn_blocking(move || command.status()).await.unwrap().unwrap();
        assert!(status.success());
        peers_ms.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    let line = |name: &str, took: &mut Vec<f64>| {
        took.sort_by(f64::total_cmp);
        vec![name.to_owned(), format!("{:.0}", took[took.len() / 2]), format!("{:.0}", took[took.len() - 1])]
    };
    let rows = [
        row(["", "median ms", "worst ms"]),
        line("Hausrecht: sign-in to first picture", &mut ours_ms),
        line("of that without the camera's waiting for its key frames (aim: 300)", &mut own_ms),
        line("ffmpeg: start to first picture, address known", &mut peers_ms),
    ];
    print(&format!("First picture, {PICTURES} times (aim: median under 2000 ms)"), &rows);
}

/// Starts the cameras, all in one process, and gives what each said.
fn many() -> Cameras {
    let mut command = Command::new(hausrecht_tests::programs::simcam());
    command
        .args(["--exit-with-parent", "--cameras", &CAMERAS.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut process = Owned::start(&mut command);
    let lines = hausrecht_tests::process::first_lines(&mut process.0, CAMERAS, Duration::from_secs(60));
    let ready = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    Cameras { _process: process, ready }
}

/// Many cameras in one process.
struct Cameras {
    _process: Owned,
    ready: Vec<serde_json::Value>,
}

impl Cameras {
    fn iter(&self) -> impl Iterator<Item = &serde_json::Value> {
        self.ready.iter()
    }

    fn len(&self) -> usize {
        self.ready.len()
    }
}

fn text(ready: &serde_json::Value, name: &str) -> String {
    ready[name].as_str().unwrap().to_owned()
}
