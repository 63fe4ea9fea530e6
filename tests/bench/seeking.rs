//! From the order to seek to the picture: a sealed clip through decryption and decoding, and in turn with it the same clip in
//! plain, from a file through the same worker and the same decoder. What sealing costs is the ratio of the two.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use hausrecht_engine::{
    View,
    wire::{PlayerOrder, TileSource},
};
use hausrecht_media::{Event, Launcher, Order, PlayerOpen, Ring, Sender, Stream, Worker, WorkerProcess};
use hausrecht_model::Codec;
use hausrecht_tests::{camera::SimCam, programs, stage::Stage};
use tokio::sync::{mpsc, watch};

use crate::table::{print, row};

const SEEKS: i64 = 60;
const SIZE: (u32, u32) = (1280, 720);
/// No picture takes longer than this, or it is said.
const LIMIT: Duration = Duration::from_secs(5);

/// Records a clip, seeks about in it sealed and in plain, and prints how long the picture took.
pub(crate) async fn measure() {
    let camera = SimCam::start(&["--bitrate-kbps", "4000"]);
    let stage = Stage::owned_with_clips_of(Duration::from_secs(20)).await;
    let id = stage.connect(&camera).await;
    let clip = stage.wait_for_clips(id, 1).await.remove(0);
    drop(camera);
    let engine = &stage.engine;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain.mp4");
    engine.copy_clip(clip.id, File::create(&path).unwrap()).await.unwrap();

    engine.open_clip(clip.id).await.unwrap();
    engine.player(&PlayerOrder::Pause).unwrap();
    let view = engine.view(&TileSource::Player, SIZE.0, SIZE.1).unwrap();
    let mut changes = view.changes().expect("the view has just been made");
    tokio::time::timeout(Duration::from_secs(20), changes.wait_for(|sequence| *sequence > 0))
        .await
        .unwrap()
        .unwrap();
    let mut plain = Plain::open(&path).await;
    let (mut sealed_ms, mut plain_ms) = (Vec::new(), Vec::new());
    for number in 0..SEEKS {
        // Steps by the golden ratio visit the clip evenly and never in order.
        let to_us = (clip.duration_us / 1000 * (number * 618 % 1000)).min(clip.duration_us - 200_000);
        // Whoever goes second finds the processor's caches warm: they take turns at that.
        for turn in 0..2 {
            if (number + turn) % 2 == 0 {
                let start = Instant::now();
                changes.mark_unchanged();
                engine.player(&PlayerOrder::Seek { to_us }).unwrap();
                sealed_ms.extend(came(start, &view, &mut changes, to_us).await);
            } else {
                plain_ms.extend(plain.seek(to_us).await);
            }
        }
    }
    let (sealed, plain) = (Times::new(sealed_ms), Times::new(plain_ms));
    let rows = [
        row(["1080p25 shown at 1280x720", "p50 ms", "p95 ms", "worst ms"]),
        sealed.row("sealed clip"),
        plain.row("plain file, same worker and decoder"),
        vec![
            "sealed / plain".to_owned(),
            format!("{:.2}", sealed.at(0.5) / plain.at(0.5)),
            format!("{:.2}", sealed.at(0.95) / plain.at(0.95)),
            format!("{:.2}", sealed.at(1.0) / plain.at(1.0)),
        ],
    ];
    print(
        &format!(
            "Seek to picture, {SEEKS} times each in a clip of {} s (aim: p95 under 100 ms and at most 1.3 x plain)",
            clip.duration_us / 1_000_000
        ),
        &rows,
    );
}

/// How long the picture of the sealed clip took. Milliseconds.
async fn came(start: Instant, view: &View, changes: &mut watch::Receiver<u64>, to_us: i64) -> Option<f64> {
    let came = tokio::time::timeout(LIMIT, changes.changed()).await;
    let took_ms = start.elapsed().as_secs_f64() * 1000.0;
    view.newest(|_| ());
    if came.is_err() {
        println!("no picture of the sealed clip within 5 s after a seek to {to_us} µs");
    }
    came.is_ok().then_some(took_ms)
}

/// A player worker that is fed from a plain file.
struct Plain {
    orders: Sender<Order>,
    /// A picture lies in the ring.
    frames: mpsc::UnboundedReceiver<()>,
    ring: Ring,
    /// It ends when this goes.
    _process: WorkerProcess,
}

impl Plain {
    /// Opens `path` and waits for the first picture.
    async fn open(path: &Path) -> Self {
        let file = File::open(path).unwrap();
        let Worker { orders, mut events, bulk, mut answers, process } =
            Launcher::new(&programs::worker()).unwrap().launch("plain").unwrap();
        let size_bytes = file.metadata().unwrap().len();
        let open = PlayerOpen { size_bytes, codec: Codec::H264, autoplay: false };
        orders.send(&Order::PlayerOpen(open)).unwrap();
        let ring = Ring::create(1, SIZE.0, SIZE.1).unwrap();
        orders
            .send_with(&Order::View { view: 1, stream: Stream::Main, ring: ring.shape() }, &[ring.as_fd()])
            .unwrap();
        let (came, frames) = mpsc::unbounded_channel();
        thread::spawn(move || {
            let _bulk = bulk;
            while let Ok(event) = events.recv() {
                if let Event::Read { id, offset, len } = event {
                    let mut bytes = vec![0; (len as usize).min(hausrecht_media::answer::MAX_ANSWER_BYTES)];
                    let mut filled = 0;
                    while filled < bytes.len() {
                        match file.read_at(&mut bytes[filled..], offset + filled as u64).unwrap() {
                            0 => break,
                            read => filled += read,
                        }
                    }
                    answers.answer(id, &bytes[..filled]).unwrap();
                } else if matches!(event, Event::Frame { .. }) && came.send(()).is_err() {
                    return;
                }
            }
        });
        let mut plain = Self { orders, frames, ring, _process: process };
        tokio::time::timeout(Duration::from_secs(20), plain.frames.recv()).await.unwrap().unwrap();
        plain
    }

    /// How long the picture took. Milliseconds.
    async fn seek(&mut self, to_us: i64) -> Option<f64> {
        let start = Instant::now();
        let to_us = u64::try_from(to_us).unwrap();
        self.orders.send(&Order::Seek { to_us, accurate: true }).unwrap();
        let came = tokio::time::timeout(LIMIT, self.frames.recv()).await.ok().flatten();
        let took_ms = start.elapsed().as_secs_f64() * 1000.0;
        self.ring.newest(|_| ());
        if came.is_none() {
            println!("no picture of the plain file within 5 s after a seek to {to_us} µs");
        }
        came.map(|()| took_ms)
    }
}

/// Milliseconds, ascending.
struct Times(Vec<f64>);

impl Times {
    fn new(mut took_ms: Vec<f64>) -> Self {
        took_ms.sort_by(f64::total_cmp);
        Self(took_ms)
    }

    /// The time that this part of the pictures did not exceed.
    fn at(&self, part: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
    }

    fn row(&self, what: &str) -> Vec<String> {
        let cell = |part| format!("{:.1}", self.at(part));
        vec![what.to_owned(), cell(0.5), cell(0.95), cell(1.0)]
    }
}
