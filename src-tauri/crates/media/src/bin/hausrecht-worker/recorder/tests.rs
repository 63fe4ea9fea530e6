//! Every access unit after the first key frame is in exactly one clip, in order, with its own time.

use std::sync::mpsc::sync_channel;

use hausrecht_model::Codec;

use super::*;
use crate::fmp4::{find_box, parse_moof};

fn format(width: u32) -> Arc<Format> {
    Arc::new(Format { codec: Codec::H264, width, height: 360, codec_data: vec![1, 2, 3] })
}

fn unit(number: u64, pts_us: u64, key: bool) -> AccessUnit {
    let arrived = UnixMicros(1_000_000_000 + pts_us.cast_signed());
    AccessUnit { pts_us, arrived, late: Duration::ZERO, key, data: Arc::from(&number.to_be_bytes()[..]) }
}

/// Records `units` and returns, for each clip, the number and time of each picture in it.
fn clips(units: impl Iterator<Item = AccessUnit>, target_us: u64) -> (Vec<Vec<(u64, u64)>>, Vec<BulkFrame>) {
    let (out, frames) = sync_channel(10_000);
    let mut recorder = Recorder::new(out, target_us);
    for unit in units {
        recorder.push(unit, &format(640));
    }
    recorder.finish();
    drop(recorder);
    let frames: Vec<_> = frames.into_iter().collect();
    let mut clips = Vec::new();
    for frame in &frames {
        match frame {
            BulkFrame::ClipStart(_) => clips.push(Vec::new()),
            BulkFrame::Fragment { meta, bytes } => {
                let samples = parse_moof(find_box(bytes, b"moof").unwrap()).unwrap();
                assert_eq!(samples.len(), meta.frames as usize);
                for sample in samples {
                    let at = usize::try_from(sample.offset).unwrap();
                    let number = u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap());
                    clips.last_mut().unwrap().push((number, sample.pts_us));
                }
            }
            BulkFrame::ClipEnd(end) => assert_eq!(end.frames, clips.last().unwrap().len() as u64),
            BulkFrame::Init { .. } | BulkFrame::Thumbnail { .. } => {}
            BulkFrame::FileStart(_) | BulkFrame::FileWrite { .. } | BulkFrame::FileEnd(_) => unreachable!(),
        }
    }
    (clips, frames)
}

#[test]
fn no_picture_is_lost_or_doubled_between_clips() {
    let stream = (0..1000).map(|n| unit(n, 500_000 + n * 40_000, n % 25 == 3));
    let (clips, frames) = clips(stream, 5_000_000);
    let numbers: Vec<u64> = clips.iter().flatten().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (3..1000).collect::<Vec<_>>());
    assert_eq!(clips.len(), 8);
    for clip in &clips {
        assert_eq!(clip[0].1, 0);
        assert!(clip.windows(2).all(|pair| pair[1].1 - pair[0].1 == 40_000));
    }
    let key = |frame: &&BulkFrame| matches!(frame, BulkFrame::Fragment { meta, .. } if meta.key);
    assert_eq!(frames.iter().filter(key).count(), 40, "each key frame begins a fragment");
}

#[test]
fn reordered_pictures_keep_their_times() {
    let order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11];
    let stream = (0..10).flat_map(|gop| order.map(|n| unit(gop * 13 + n, (gop * 13 + n) * 40_000, n == 0)));
    let (clips, _) = clips(stream, 60_000_000);
    assert_eq!(clips.len(), 1);
    assert_eq!(clips[0].len(), 130);
    assert!(clips[0].iter().all(|(number, pts_us)| *pts_us == number * 40_000));
}

#[test]
fn long_groups_are_cut_into_fragments_of_half_a_second() {
    let stream = (0..250).map(|n| unit(n, n * 40_000, n % 125 == 0));
    let (_, frames) = clips(stream, 60_000_000);
    let lengths: Vec<u64> = frames
        .iter()
        .filter_map(
            |frame| if let BulkFrame::Fragment { meta, .. } = frame { Some(meta.duration_us) } else { None },
        )
        .collect();
    // Pictures come every 40 ms, so thirteen of them are the first to reach half a second; a key frame comes every five.
    let group = [vec![520_000; 9], vec![320_000]].concat();
    assert_eq!(lengths, [group.clone(), group].concat());
}

#[test]
fn a_new_format_or_a_jump_of_the_clock_begins_a_new_clip() {
    let (out, frames) = sync_channel(100);
    let mut recorder = Recorder::new(out, 60_000_000);
    recorder.push(unit(0, 0, true), &format(640));
    assert_eq!(recorder.push(unit(1, 40_000, true), &format(1280)), Recorded::BeganClip(1));
    assert_eq!(recorder.push(unit(2, 80_000, false), &format(640)), Recorded::BeforeKey);
    assert_eq!(recorder.push(unit(3, 120_000, true), &format(640)), Recorded::BeganClip(2));
    assert_eq!(recorder.push(unit(4, 60_000_000, false), &format(640)), Recorded::BeforeKey);
    assert_eq!(recorder.push(unit(5, 60_040_000, true), &format(640)), Recorded::BeganClip(3));
    assert_eq!(recorder.push(unit(6, 10, true), &format(640)), Recorded::BeganClip(4));
    recorder.cut_at_next_key();
    assert_eq!(recorder.push(unit(7, 40_010, false), &format(640)), Recorded::Kept);
    assert_eq!(recorder.push(unit(8, 80_010, true), &format(640)), Recorded::BeganClip(5));
    recorder.finish();
    drop(recorder);
    let ends = frames.into_iter().filter(|frame| matches!(frame, BulkFrame::ClipEnd(_))).count();
    assert_eq!(ends, 6);
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let (out, _frames) = sync_channel(100);
    let mut recorder = Recorder::new(out, 60_000_000);
    assert_eq!(recorder.push(unit(0, 0, true), &format(70_000)), Recorded::Refused);
    let empty = AccessUnit { data: Arc::from(&[][..]), ..unit(0, 0, true) };
    assert_eq!(recorder.push(empty, &format(640)), Recorded::Refused);
}

#[test]
fn a_clip_that_ends_at_once_has_its_small_picture_all_the_same() {
    let (out, frames) = sync_channel(100);
    let mut recorder = Recorder::new(out.clone(), 5_000_000);
    assert_eq!(recorder.push(unit(0, 0, true), &format(640)), Recorded::BeganClip(0));
    let (made, done) = std::sync::mpsc::channel();
    recorder.wait_for(done);
    // It is made while the clip's end waits for it already, or just before.
    let maker = std::thread::spawn(move || {
        let _made = made;
        out.send(BulkFrame::Thumbnail { clip_seq: 0, jpeg: vec![0xff, 0xd8] }).unwrap();
    });
    recorder.finish();
    maker.join().unwrap();
    drop(recorder);
    let frames: Vec<_> = frames.into_iter().collect();
    let small = frames.iter().position(|frame| matches!(frame, BulkFrame::Thumbnail { .. })).unwrap();
    let end = frames.iter().position(|frame| matches!(frame, BulkFrame::ClipEnd(_))).unwrap();
    assert!(small < end, "{frames:?}");
}
