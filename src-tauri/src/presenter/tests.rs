//! Pictures without an engine, and what both presenters must do alike.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use hausrecht_engine::wire::{self, TilePlace, TileSource};
use hausrecht_media::{FrameMeta, Picture, Region};
use hausrecht_model::{CameraId, StreamRole};
use tokio::sync::watch;

use super::{Placement, Presenter};
use crate::frames::{Frames, Size, View};

/// Views that show one colour at the size that they are asked for.
pub(super) struct Plain {
    pub(super) opened: Mutex<Vec<(TileSource, Arc<PlainView>)>>,
    /// Sequence number of a new view: 0 while no picture has come.
    pub(super) begins_with: AtomicU64,
}

impl Default for Plain {
    fn default() -> Self {
        Self { opened: Mutex::default(), begins_with: AtomicU64::new(1) }
    }
}

pub(super) struct PlainView {
    pub(super) size: Mutex<Size>,
    pub(super) region: Mutex<Region>,
    pub(super) sequence: watch::Sender<u64>,
    pub(super) drawn: watch::Sender<Vec<u64>>,
    pub(super) ended: Arc<AtomicBool>,
}

/// The colour of every pixel: blue, green, red, nothing.
pub(super) const BGRX: [u8; 4] = [10, 20, 30, 0];

/// What the wall holds, so that a test can tell a dropped view from one that it keeps itself.
struct Lent(Arc<PlainView>);

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::SeqCst);
    }
}

impl Frames for Arc<Plain> {
    fn view(&self, source: &TileSource, size: Size) -> Result<Arc<dyn View>, wire::Error> {
        let view = Arc::new(PlainView {
            size: Mutex::new(size),
            region: Mutex::default(),
            sequence: watch::Sender::new(self.begins_with.load(Ordering::SeqCst)),
            drawn: watch::Sender::new(Vec::new()),
            ended: Arc::default(),
        });
        self.opened.lock().unwrap().push((source.clone(), view.clone()));
        Ok(Arc::new(Lent(view)))
    }
}

impl View for Lent {
    fn newest(&self, look: &mut dyn FnMut(Picture<'_>)) -> bool {
        let Size { width, height } = *self.0.size.lock().unwrap();
        if *self.0.sequence.borrow() == 0 {
            return false;
        }
        let meta = FrameMeta { sequence: *self.0.sequence.borrow(), pts_us: 1_500, arrived_unix_us: 0 };
        let bgrx = BGRX.repeat((width * height) as usize);
        look(Picture { bgrx: &bgrx, width, height, stride: width * 4, meta });
        true
    }

    fn resize(&self, size: Size) {
        *self.0.size.lock().unwrap() = size;
        self.0.sequence.send_modify(|sequence| *sequence += 1);
    }

    fn show_region(&self, region: Region) {
        *self.0.region.lock().unwrap() = region;
        self.0.sequence.send_modify(|sequence| *sequence += 1);
    }

    fn changes(&self) -> Option<watch::Receiver<u64>> {
        Some(self.0.sequence.subscribe())
    }

    fn drawn(&self, meta: FrameMeta) {
        self.0.drawn.send_modify(|drawn| drawn.push(meta.sequence));
    }
}

/// A presenter that only remembers.
pub(super) struct Remembering {
    pub(super) placement: watch::Sender<Arc<Placement>>,
    pub(super) fresh: watch::Sender<u64>,
}

impl Remembering {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { placement: watch::Sender::default(), fresh: watch::Sender::new(0) })
    }
}

impl Presenter for Remembering {
    fn place(&self, placement: Arc<Placement>) {
        self.placement.send_replace(placement);
    }

    fn fresh(&self) {
        self.fresh.send_modify(|count| *count += 1);
    }
}

/// A place of `width` by 90 at the left edge for a camera.
pub(super) fn place(camera: CameraId, width: f32) -> TilePlace {
    TilePlace {
        what: TileSource::Live { camera, stream: StreamRole::Sub },
        x: 0.4,
        y: 10.6,
        width,
        height: 90.0,
        region: None,
    }
}

/// Waits for something, but not for ever.
pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it happens within twenty seconds")
}
