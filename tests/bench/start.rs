//! From the program's start to live pictures of cameras that it knows, without the time that the owner types.

use std::time::{Duration, Instant};

use hausrecht_tests::{
    camera::SimCam,
    desktop::Desktop,
    stage::{OWNER, OWNER_PASSPHRASE, Stage},
};

use crate::table::{print, row};

const CAMERAS: usize = 4;
const STARTS: usize = 5;

/// Starts the program several times and prints how long it took.
pub(crate) async fn measure() {
    let cameras: Vec<SimCam> =
        (0..CAMERAS).map(|number| SimCam::start(&["--name", &format!("Camera {number}")])).collect();
    let stage = Stage::owned().await;
    for camera in &cameras {
        stage.connect(camera).await;
    }
    let (folder, _) = stage.close().await;
    let (mut to_lock_ms, mut to_first_ms, mut to_all_ms) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let start = Instant::now();
        let desktop = Desktop::start_over("bench", folder.path()).await;
        desktop.find("lock-screen").await;
        to_lock_ms.push(start.elapsed().as_secs_f64() * 1000.0);
        desktop.fill("lock-name", OWNER).await;
        desktop.fill("lock-passphrase", OWNER_PASSPHRASE).await;
        let start = Instant::now();
        desktop.click("lock-submit").await;
        let live = "[data-testid='tile'][data-state='live']";
        let end = Instant::now() + Duration::from_secs(60);
        let mut first = None;
        loop {
            let count = desktop.all(live).await.len();
            if count > 0 && first.is_none() {
                first = Some(start.elapsed());
            }
            if count == CAMERAS {
                break;
            }
            assert!(Instant::now() < end, "only {count} pictures within a minute");
        }
        to_first_ms.push(first.unwrap_or_default().as_secs_f64() * 1000.0);
        to_all_ms.push(start.elapsed().as_secs_f64() * 1000.0);
        desktop.close().await;
    }
    let line = |name: &str, took: &mut Vec<f64>| {
        took.sort_by(f64::total_cmp);
        vec![name.to_owned(), format!("{:.0}", took[took.len() / 2]), format!("{:.0}", took[took.len() - 1])]
    };
    let rows = [
        row(["", "median ms", "worst ms"]),
        line("program and its driver start, until one can sign in", &mut to_lock_ms),
        line("signing in with a key that opens at once, until the first picture", &mut to_first_ms),
        line("the same, until all pictures", &mut to_all_ms),
    ];
    print(&format!("Start with {CAMERAS} known cameras, {STARTS} times (aim: 1500 ms of our own)"), &rows);
}
