//! The player worker: every picture in its turn, forwards and backwards, alone and in a loop.

use std::collections::BTreeSet;

use hausrecht_media::{
    Adjust, Event, Order, PlayerOpen, Region, Ring, SnapshotFormat, SnapshotMemory, Stream, Worker,
};
use hausrecht_model::Codec;

use super::support::{self, Server, launch, open, record};

/// A player that shows a clip, and what it has said.
struct Playing {
    worker: Worker,
    clip: Vec<u8>,
    ring: Ring,
    /// Times of all pictures, as single steps show them.
    all: Vec<u64>,
}

impl Playing {
    /// Records a clip of about `pictures`, reordered as cameras do, and opens it at its first picture.
    fn start(pictures: u32) -> Self {
        Self::start_with("pattern=ball", pictures)
    }

    fn start_with(pattern: &str, pictures: u32) -> Self {
        let source = format!("videotestsrc is-live=true num-buffers={pictures} {pattern}");
        let server = Server::start(&[("/b", &source, 25, "bframes=2 b-adapt=false")]);
        let mut camera = open(&server.uri("/b"));
        camera.clip_target_ms = 60_000;
        let recording = record(camera, |_| {});
        let clip = recording.clips.into_iter().next().unwrap().bytes;
        let worker = launch();
        let order = PlayerOpen { size_bytes: clip.len() as u64, codec: Codec::H264, autoplay: false };
        worker.orders.send(&Order::PlayerOpen(order)).unwrap();
        let ring = Ring::create(0, 320, 180).unwrap();
        let view = Order::View { view: 1, stream: Stream::Main, ring: ring.shape() };
        worker.orders.send_with(&view, &[ring.as_fd()]).unwrap();
        let mut playing = Self { worker, clip, ring, all: Vec::new() };
        let mut frames = 0;
        playing.until(|event| {
            if let Event::Opened { frames: count, .. } = event {
                frames = *count;
            }
            matches!(event, Event::Position { .. })
        });
        playing.all.push(0);
        while let Some(last) = playing.all.last().copied() {
            let next = playing.step(1);
            if next == last {
                break;
            }
            playing.all.push(next);
        }
        assert_eq!(playing.all.len() as u64, frames, "each picture is a step");
        playing
    }

    fn order(&self, order: &Order) {
        self.worker.orders.send(order).unwrap();
    }

    fn until(&mut self, wanted: impl FnMut(&Event) -> bool) {
        support::play(&mut self.worker, &self.clip, wanted);
    }

    fn step(&mut self, frames: i32) -> u64 {
        self.order(&Order::Step { frames });
        self.position()
    }

    fn seek(&mut self, to_us: u64) -> u64 {
        self.order(&Order::Seek { to_us, accurate: true });
        self.position()
    }

    fn position(&mut self) -> u64 {
        let mut at = 0;
        self.until(|event| {
            if let Event::Position { pts_us, .. } = event {
                at = *pts_us;
                return true;
            }
            false
        });
        at
    }

    /// Times of the pictures that are shown until `enough`, or until the end that comes after them.
    fn shown(&mut self, mut enough: impl FnMut(&[u64]) -> bool) -> Vec<u64> {
        let mut shown = Vec::new();
        self.until(|event| {
            if let Event::Frame { pts_us, .. } = event {
                shown.push(*pts_us);
                return enough(&shown);
            }
            matches!(event, Event::Position { ended: true, playing: false, .. }) && !shown.is_empty()
        });
        shown
    }
}

#[test]
fn steps_lead_back_to_where_they_came_from_and_seeks_hit_each_picture() {
    let mut playing = Playing::start(60);
    let all = playing.all.clone();
    let back: Vec<u64> = (1..all.len()).map(|_| playing.step(-1)).collect();
    assert_eq!(back, all.iter().rev().skip(1).copied().collect::<Vec<_>>());
    for frames in [7, 26, -13, 20, -27] {
        let from = playing.seek(all[all.len() / 2]);
        playing.step(frames);
        assert_eq!(playing.step(-frames), from, "{frames} there and back");
    }
    for at in all {
        assert_eq!(playing.seek(at), at);
        assert_eq!(playing.seek(at + 20_000), at, "a time within a picture is that picture");
    }
}

#[test]
fn backwards_every_picture_is_shown_once() {
    let mut playing = Playing::start(60);
    playing.seek(u64::MAX);
    // Slow enough that no machine has to leave a picture out.
    playing.order(&Order::Speed { factor: -0.25 });
    playing.order(&Order::Play);
    let mut shown = playing.shown(|_| false);
    // The one that stood is shown anew when the direction turns.
    shown.dedup();
    let mut expected = playing.all.clone();
    expected.reverse();
    assert_eq!(shown, expected);

    // From the end, which is now the beginning, back to forwards.
    playing.order(&Order::Speed { factor: 0.5 });
    playing.order(&Order::Play);
    let mut shown = playing.shown(|_| false);
    shown.dedup();
    assert_eq!(shown, playing.all);
}

#[test]
fn fast_either_way_shows_key_frames_and_comes_to_the_end() {
    let mut playing = Playing::start(150);
    let all: BTreeSet<u64> = playing.all.iter().copied().collect();
    for factor in [64.0, -64.0, 8.0, -8.0] {
        playing.order(&Order::Speed { factor });
        playing.order(&Order::Play);
        let shown = playing.shown(|_| false);
        assert!(!shown.is_empty() && shown.len() < all.len(), "{} pictures at {factor}", shown.len());
        assert!(shown.iter().all(|pts_us| all.contains(pts_us)));
        assert!(shown.is_sorted_by(|a, b| if factor > 0.0 { a <= b } else { a >= b }), "{factor}: {shown:?}");
    }
}

#[test]
fn a_loop_is_played_again_and_again_either_way() {
    let mut playing = Playing::start(60);
    let (first, last) = (playing.all[10], playing.all[30]);
    let span: Vec<u64> = playing.all[10..=30].to_vec();
    playing.order(&Order::Loop { span_us: Some((last, first)) });
    for (factor, start) in [(0.5, first), (-0.5, last)] {
        playing.seek(start);
        playing.order(&Order::Speed { factor });
        playing.order(&Order::Play);
        let mut shown = playing.shown(|shown| shown.len() > span.len() * 2 + 3);
        playing.order(&Order::Pause);
        shown.dedup();
        let mut round = span.clone();
        if factor < 0.0 {
            round.reverse();
        }
        // The first picture was shown by the jump to it, and stands already.
        let begun = round.iter().position(|pts_us| *pts_us == shown[0]).unwrap();
        let expected: Vec<u64> = round.iter().cycle().skip(begun).take(shown.len()).copied().collect();
        assert_eq!(shown, expected, "at {factor}");
    }
}

#[test]
fn colours_change_in_the_picture_that_stands() {
    let mut playing = Playing::start(30);
    playing.seek(400_000);
    // Least and greatest green of the picture.
    let range = |ring: &Ring| {
        let green = |picture: hausrecht_media::Picture<'_>| {
            let green = || picture.bgrx.chunks(4).map(|pixel| pixel[1]);
            (green().min().unwrap(), green().max().unwrap())
        };
        ring.newest(green).unwrap()
    };
    for (adjust, least, greatest) in [
        (Adjust { brightness: 1.0, ..Adjust::NONE }, 240..=255, 240..=255),
        (Adjust { contrast: 0.0, ..Adjust::NONE }, 0..=40, 0..=40),
        (Adjust::NONE, 0..=40, 200..=255),
    ] {
        playing.order(&Order::Adjust { adjust });
        playing.until(|event| matches!(event, Event::Frame { .. }));
        let (darkest, brightest) = range(&playing.ring);
        assert!(
            least.contains(&darkest) && greatest.contains(&brightest),
            "{adjust:?}: {darkest} {brightest}"
        );
    }
}

#[test]
fn a_part_of_the_picture_that_stands_is_shown_as_large_as_the_whole() {
    let mut playing = Playing::start_with("pattern=smpte75", 30);
    let at = playing.seek(400_000);
    // The colour of a pixel, as it is in the middle of a bar.
    let colour = |ring: &Ring, x: usize| {
        let pixel = |picture: hausrecht_media::Picture<'_>| {
            let at = (40 * 320 + x) * 4;
            [picture.bgrx[at], picture.bgrx[at + 1], picture.bgrx[at + 2]]
        };
        ring.newest(pixel).unwrap()
    };
    let is_near =
        |one: [u8; 3], other: [u8; 3]| one.iter().zip(other).all(|(one, other)| one.abs_diff(other) < 24);
    // Seven bars: the first, and the fifth.
    let (first, fifth) = (colour(&playing.ring, 20), colour(&playing.ring, 205));
    assert!(!is_near(first, fifth));
    let part = Region { left: 0.5, top: 0.0, width: 0.25, height: 0.25 };
    for (region, expected) in [(part, fifth), (Region::WHOLE, first), (part, fifth)] {
        playing.order(&Order::Region { view: 1, region });
        playing.until(|event| matches!(event, Event::Frame { pts_us, .. } if *pts_us == at));
        // On the left of the part lies the rest of the fourth bar, then the fifth.
        let x = if region == part { 240 } else { 20 };
        let shown = colour(&playing.ring, x);
        assert!(is_near(shown, expected), "{region:?}: {shown:?} for {expected:?}");
        assert_eq!(playing.position(), at);
    }
    // Another view begins with the whole picture.
    let view = Order::View { view: 2, stream: Stream::Main, ring: playing.ring.shape() };
    playing.worker.orders.send_with(&view, &[playing.ring.as_fd()]).unwrap();
    playing.until(|event| matches!(event, Event::Frame { .. }));
    assert!(is_near(colour(&playing.ring, 20), first));
}

#[test]
fn a_part_that_changes_all_the_time_is_seen_meanwhile() {
    let mut playing = Playing::start(60);
    let at = playing.seek(playing.all[40]);
    // A drag, faster than the pictures up to this one are decoded.
    for step in 0..40_u8 {
        let region = Region { left: f64::from(step) / 80.0, top: 0.25, width: 0.5, height: 0.5 };
        playing.order(&Order::Region { view: 1, region });
    }
    playing.until(|event| matches!(event, Event::Frame { pts_us, .. } if *pts_us == at));
    let next = playing.all[41];
    playing.order(&Order::Step { frames: 1 });
    playing.until(|event| matches!(event, Event::Position { pts_us, .. } if *pts_us == next));
}

#[test]
fn the_picture_that_stands_is_given_whole_whatever_part_and_colours_are_shown() {
    let mut playing = Playing::start(30);
    let still = |playing: &mut Playing, id: u32| {
        let memory = SnapshotMemory::create().unwrap();
        let order = Order::Snapshot { id, stream: Stream::Main, format: SnapshotFormat::Png };
        playing.worker.orders.send_with(&order, &[memory.as_fd()]).unwrap();
        let mut answer = None;
        playing.until(|event| {
            if let Event::Snapshot { id: of, len, width, height, shown_us } = event {
                answer = Some((*of, len.unwrap(), *width, *height, *shown_us));
            }
            answer.is_some()
        });
        let (of, len, width, height, shown_us) = answer.unwrap();
        assert_eq!(of, id);
        (memory.read(len).unwrap(), (width, height), shown_us)
    };
    let at = playing.seek(playing.all[10]);
    let (first, size, shown_us) = still(&mut playing, 1);
    assert!(first.starts_with(b"\x89PNG"));
    assert_eq!((size, shown_us), ((640, 360), at), "larger than the view of 320 by 180");

    // The neighbours differ from it; going back gives the same again.
    let next = playing.step(1);
    let (second, _, shown_us) = still(&mut playing, 2);
    assert_eq!(shown_us, next);
    assert_ne!(second, first);
    playing.step(-1);
    playing.order(&Order::Adjust { adjust: Adjust { brightness: 1.0, ..Adjust::NONE } });
    playing
        .order(&Order::Region { view: 1, region: Region { left: 0.5, top: 0.5, width: 0.25, height: 0.25 } });
    let (again, _, shown_us) = still(&mut playing, 3);
    assert_eq!((shown_us, again == first), (at, true));
}
