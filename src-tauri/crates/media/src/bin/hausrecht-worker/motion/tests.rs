//! The scene with drawn pictures, and with the footage of the demo cameras.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use hausrecht_media::MotionSettings;

use super::{
    grey,
    scene::{Change, HEIGHT, Scene, WIDTH},
    to_grey,
};

const PICTURE_US: u64 = 200_000;

fn settings(sensitivity: u8, zones: Vec<Vec<(f32, f32)>>) -> MotionSettings {
    MotionSettings { sensitivity, zones }
}

/// Numbers without an order, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0.to_be_bytes()[0]
    }
}

/// A yard with light and dark parts, seen by a grainy camera.
struct Yard {
    dice: Dice,
    grain: i32,
    light: i32,
    at_us: u64,
    scene: Scene,
}

impl Yard {
    fn new(settings: &MotionSettings) -> Self {
        Self { dice: Dice(7), grain: 8, light: 0, at_us: 0, scene: Scene::new(settings) }
    }

    /// Shows a picture, with something darker of this place and size in it.
    fn show(&mut self, thing: Option<(usize, usize, usize, usize)>) -> Option<Change> {
        let mut picture = vec![0_u8; WIDTH * HEIGHT];
        for (index, pixel) in picture.iter_mut().enumerate() {
            let (x, y) = (index % WIDTH, index / WIDTH);
            let ground = if (x / 20 + y / 20) % 2 == 0 { 90 } else { 130 };
            let here = thing.is_some_and(|(left, top, width, height)| {
                (left..left + width).contains(&x) && (top..top + height).contains(&y)
            });
            let grain = i32::from(self.dice.roll()) % (2 * self.grain + 1) - self.grain;
            let level = if here { 40 } else { ground } + self.light + grain;
            *pixel = u8::try_from(level.clamp(0, 255)).unwrap();
        }
        self.at_us += PICTURE_US;
        self.scene.look(&picture, self.at_us)
    }

    fn changes_of_an_empty_yard(&mut self, seconds: u64) -> Vec<Change> {
        (0..seconds * 5).filter_map(|_| self.show(None)).collect()
    }

    /// Somebody as large as a person across a yard walks from left to right.
    fn walk(&mut self, top: usize) -> Vec<Change> {
        (0..35).filter_map(|step| self.show(Some((5 + step * 4, top, 7, 18)))).collect()
    }
}

#[test]
fn a_still_and_grainy_picture_has_no_motion_at_any_sensitivity() {
    for sensitivity in [1, 5, 10] {
        for grain in [0, 8, 20] {
            let mut yard = Yard::new(&settings(sensitivity, vec![]));
            yard.grain = grain;
            assert_eq!(yard.changes_of_an_empty_yard(60), vec![], "{sensitivity} {grain}");
        }
    }
}

#[test]
fn a_person_is_found_once_and_leaves_quiet_behind() {
    for sensitivity in [4, 7, 10] {
        let mut yard = Yard::new(&settings(sensitivity, vec![]));
        assert_eq!(yard.changes_of_an_empty_yard(20), vec![]);
        let began = yard.walk(40);
        assert_eq!(began.len(), 1, "{sensitivity}: {began:?}");
        assert!(began[0].active && began[0].zone.is_none());
        assert!((0.002..0.1).contains(&began[0].share), "{}", began[0].share);
        let ended = yard.changes_of_an_empty_yard(10);
        assert_eq!(ended.len(), 1, "{ended:?}");
        assert!(!ended[0].active);
        assert!(!yard.scene.is_active());
    }
}

#[test]
fn the_least_sensitivity_leaves_a_distant_person_out_and_finds_a_near_one() {
    let mut yard = Yard::new(&settings(1, vec![]));
    yard.changes_of_an_empty_yard(20);
    assert_eq!(yard.walk(40), vec![]);
    let near: Vec<Change> = (0..20).filter_map(|step| yard.show(Some((20 + step * 4, 20, 25, 60)))).collect();
    assert_eq!(near.len(), 1);
}

#[test]
fn motion_counts_only_inside_a_zone_and_names_it() {
    let top = vec![(0.0, 0.0), (1.0, 0.0), (1.0, 0.3), (0.0, 0.3)];
    let bottom = vec![(0.0, 0.7), (1.0, 0.7), (1.0, 1.0), (0.0, 1.0)];
    let mut yard = Yard::new(&settings(5, vec![top, bottom]));
    yard.changes_of_an_empty_yard(20);
    assert_eq!(yard.walk(40), vec![], "between the two");
    let found = yard.walk(74);
    assert_eq!(
        found.iter().map(|change| (change.active, change.zone)).collect::<Vec<_>>(),
        [(true, Some(1))]
    );
}

#[test]
fn a_zone_may_be_small_and_one_without_an_area_is_none() {
    let small = vec![(0.45, 0.45), (0.55, 0.45), (0.55, 0.55), (0.45, 0.55)];
    let line = vec![(0.0, 0.0), (1.0, 1.0)];
    let mut yard = Yard::new(&settings(5, vec![line, small]));
    yard.changes_of_an_empty_yard(20);
    let found = yard.walk(40);
    assert!(found.iter().all(|change| change.zone == Some(1)), "{found:?}");
    assert_eq!(found.first().map(|change| change.active), Some(true));
}

#[test]
fn odd_zones_are_taken() {
    let tiny = vec![(0.5, 0.5), (0.501, 0.5), (0.501, 0.501)];
    let wild = vec![(f32::NAN, 0.0), (f32::INFINITY, 1.0), (-5.0, 9.0)];
    for zone in [tiny, wild, vec![(0.0, 0.0); 100_000]] {
        assert_eq!(Yard::new(&settings(5, vec![zone; 100])).changes_of_an_empty_yard(10), vec![]);
    }
}

#[test]
fn a_lamp_and_the_switch_to_night_are_no_motion() {
    let mut yard = Yard::new(&settings(5, vec![]));
    yard.changes_of_an_empty_yard(20);
    for light in [60, 0, -70, 90, 0] {
        yard.light = light;
        assert_eq!(yard.changes_of_an_empty_yard(8), vec![], "light {light}");
    }
    for _ in 0..200 {
        yard.light += 1 - 2 * i32::from(yard.light > 60);
        assert_eq!(yard.show(None), None, "dawn");
    }
    let mut yard = Yard::new(&settings(5, vec![]));
    yard.changes_of_an_empty_yard(20);
    yard.grain = 20;
    yard.light = -30;
    assert_eq!(yard.changes_of_an_empty_yard(30), vec![], "a grainy night");
    assert_eq!(yard.walk(40).len(), 1, "somebody at night");
}

#[test]
fn what_is_there_from_one_picture_to_the_next_is_no_motion() {
    let mut yard = Yard::new(&settings(5, vec![]));
    yard.changes_of_an_empty_yard(20);
    for parcel in [Some((70, 40, 20, 20)), None, Some((20, 20, 30, 10)), None] {
        let changes = (0..25).filter_map(|_| yard.show(parcel)).count();
        assert_eq!(changes, 0, "{parcel:?}");
    }
}

#[test]
fn who_stands_still_is_motion_no_longer_and_who_goes_on_is_again() {
    let mut yard = Yard::new(&settings(5, vec![]));
    yard.changes_of_an_empty_yard(20);
    let mut changes: Vec<bool> = yard.walk(40).iter().map(|change| change.active).collect();
    changes.extend((0..50).filter_map(|_| yard.show(Some((141, 40, 7, 18)))).map(|change| change.active));
    changes.extend(yard.walk(40).iter().map(|change| change.active));
    assert_eq!(changes, [true, false, true]);
}

#[test]
fn a_thing_that_always_moves_is_learned() {
    let mut yard = Yard::new(&settings(5, vec![]));
    let swing = |yard: &mut Yard, seconds: usize| {
        (0..seconds * 5).filter_map(|step| yard.show(Some((80 + step % 3 * 6, 30, 12, 12)))).count()
    };
    swing(&mut yard, 60);
    assert_eq!(swing(&mut yard, 60), 0);
    assert_eq!(yard.walk(60).len(), 1);
}

#[test]
fn odd_pictures_and_times_are_taken() {
    let mut scene = Scene::new(&settings(5, vec![]));
    assert_eq!(scene.look(&[], 0), None);
    let picture = vec![100; WIDTH * HEIGHT];
    for at_us in [5, 0, u64::MAX, 1, 1, 1_000_000_000_000, 2] {
        assert_eq!(scene.look(&picture, at_us), None);
    }
    assert_eq!(scene.end(), None);
}

/// Pictures of a demo camera's small stream, five a second, as [`super::Motion`] would look at them.
fn footage(scene: &str) -> Vec<Vec<u8>> {
    gst::init().unwrap();
    let path = format!("{}/../../../assets/footage/{scene}.sub.h264", env!("CARGO_MANIFEST_DIR"));
    let source = gst::ElementFactory::make("filesrc").property("location", path).build().unwrap();
    let parse = gst::ElementFactory::make("h264parse").build().unwrap();
    let decoder = gst::ElementFactory::make("avdec_h264").build().unwrap();
    let [scale, size] = to_grey().unwrap();
    let sink = gst_app::AppSink::builder().sync(false).build();
    let pipeline = gst::Pipeline::new();
    let elements = [&source, &parse, &decoder, &scale, &size, sink.upcast_ref()];
    pipeline.add_many(elements).unwrap();
    gst::Element::link_many(elements).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut pictures = Vec::new();
    while let Ok(sample) = sink.pull_sample() {
        pictures.push(grey(&sample).unwrap());
    }
    pipeline.set_state(gst::State::Null).unwrap();
    assert!(pictures.len() > 300, "{} pictures of {scene}", pictures.len());
    pictures.into_iter().step_by(3).collect()
}

#[derive(serde::Deserialize)]
struct Described {
    length_seconds: f64,
    moving: Vec<Span>,
}

#[derive(serde::Deserialize)]
struct Span {
    from_seconds: f64,
    to_seconds: f64,
}

#[test]
fn the_footage_moves_when_it_says_so_and_at_no_other_time() {
    for name in ["front", "garage", "shop"] {
        let path = format!("{}/../../../assets/footage/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let described: Described = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let pictures = footage(name);
        let mut scene = Scene::new(&settings(5, vec![]));
        let loops = 3;
        let mut began = Vec::new();
        let mut quiet_at = Vec::new();
        for (number, picture) in (0_u32..).zip(pictures.iter().cycle().take(pictures.len() * loops)) {
            let at = f64::from(number) / 5.0;
            if let Some(change) = scene.look(picture, u64::from(number) * PICTURE_US)
                && change.active
            {
                began.push(at);
            }
            if !scene.is_active() {
                quiet_at.push(at);
            }
        }
        // The first time round is for learning.
        let later = |at: &&f64| **at >= described.length_seconds;
        let within = |at: f64| at % described.length_seconds;
        for at in began.iter().filter(later) {
            let known = described
                .moving
                .iter()
                .any(|span| (span.from_seconds..span.to_seconds + 1.0).contains(&within(*at)));
            assert!(known, "{name}: nothing moves at {at} s");
        }
        for turn in 1..loops {
            let first = described.moving.iter().map(|span| span.from_seconds).fold(f64::MAX, f64::min);
            let before = described.length_seconds * turn as f64 + first - 0.4;
            let quiet = quiet_at.iter().any(|at| (*at - before).abs() < 0.15);
            assert!(quiet, "{name}: it has not become quiet by {before} s; motion began at {began:?} s");
            for span in &described.moving {
                let from = described.length_seconds * turn as f64 + span.from_seconds;
                let missed = quiet_at.iter().any(|at| (*at - (from + 3.0)).abs() < 0.05);
                assert!(!missed, "{name}: what moves from {from} s is not found in three seconds");
            }
        }
    }
}
