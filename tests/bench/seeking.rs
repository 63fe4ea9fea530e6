//! From the order to seek to the picture, through decryption and decoding.

use std::time::{Duration, Instant};

use hausrecht_engine::wire::{PlayerOrder, TileSource};
use hausrecht_tests::{camera::SimCam, stage::Stage};

use crate::table::{print, row};

const SEEKS: i64 = 60;

/// Records a clip, seeks about in it, and prints how long the picture took.
pub(crate) async fn measure() {
    let camera = SimCam::start(&["--bitrate-kbps", "4000"]);
    let stage = Stage::owned_with_clips_of(Duration::from_secs(20)).await;
    let id = stage.connect(&camera).await;
    let clip = stage.wait_for_clips(id, 1).await.remove(0);
    drop(camera);
    let engine = &stage.engine;
    engine.open_clip(clip.id).await.unwrap();
    engine.player(&PlayerOrder::Pause).unwrap();
    let view = engine.view(&TileSource::Player, 1280, 720).unwrap();
    let mut changes = view.changes().expect("the view has just been made");
    tokio::time::timeout(Duration::from_secs(20), changes.wait_for(|sequence| *sequence > 0))
        .await
        .unwrap()
        .unwrap();
    let mut took_ms = Vec::new();
    for number in 0..SEEKS {
        // Steps by the golden ratio visit the clip evenly and never in order.
        let to_us = (clip.duration_us / 1000 * (number * 618 % 1000)).min(clip.duration_us - 200_000);
        changes.mark_unchanged();
        let start = Instant::now();
        engine.player(&PlayerOrder::Seek { to_us }).unwrap();
        let came = tokio::time::timeout(Duration::from_secs(5), changes.changed()).await;
        took_ms.push(start.elapsed().as_secs_f64() * 1000.0);
        if came.is_err() {
            println!("no picture within 5 s after a seek to {to_us} µs");
        }
        view.newest(|_| ());
    }
    took_ms.sort_by(f64::total_cmp);
    let at = |part: f64| format!("{:.0}", took_ms[((took_ms.len() - 1) as f64 * part).round() as usize]);
    let rows = [
        row(["", "p50 ms", "p95 ms", "worst ms"]),
        vec!["seek to picture, 1080p25 shown at 1280x720".to_owned(), at(0.5), at(0.95), at(1.0)],
    ];
    print(
        &format!(
            "Seeking, {SEEKS} times in a clip of {} s (aim: p95 under 150 ms)",
            clip.duration_us / 1_000_000
        ),
        &rows,
    );
}
