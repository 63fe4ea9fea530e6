//! Newest wins, a held picture stays whole, and a hostile writer cannot do more than spoil its own pictures.

use super::*;

fn both(width: u32, height: u32) -> (Ring, RingWriter) {
    let ring = Ring::create(1, width, height).unwrap();
    let memfd = ring.as_fd().try_clone_to_owned().unwrap();
    let writer = RingWriter::open(&memfd, ring.shape()).unwrap();
    (ring, writer)
}

fn plain(byte: u8) -> Vec<u8> {
    vec![byte; 64 * 4 * 48]
}

#[test]
fn the_newest_picture_wins_and_stays() {
    let (ring, mut writer) = both(64, 48);
    assert!(ring.newest(|_| ()).is_none());
    for byte in 1..=5 {
        writer.publish(&plain(byte), 64 * 4, u64::from(byte), i64::from(byte) * 10).unwrap();
    }
    assert!(ring.has_new());
    let seen = ring.newest(|picture| (picture.bgrx[0], picture.meta)).unwrap();
    assert_eq!(seen, (5, FrameMeta { sequence: 5, pts_us: 5, arrived_unix_us: 50 }));
    assert!(!ring.has_new());
    assert_eq!(ring.newest(|picture| picture.bgrx[0]), Some(5), "an old picture can be painted again");
}

#[test]
fn a_held_picture_does_not_change_while_the_worker_writes_on() {
    let (ring, mut writer) = both(64, 48);
    writer.publish(&plain(1), 64 * 4, 0, 0).unwrap();
    ring.newest(|picture| {
        for byte in 2..20 {
            writer.publish(&plain(byte), 64 * 4, 0, 0).unwrap();
            assert!(picture.bgrx.iter().all(|b| *b == 1));
        }
    });
    assert_eq!(ring.newest(|picture| picture.bgrx[0]), Some(19));
}

#[test]
fn lines_with_padding_are_packed() {
    let (ring, mut writer) = both(16, 16);
    let mut padded = vec![7; 80 * 16];
    for line in padded.chunks_mut(80) {
        line[64..].fill(9);
    }
    writer.publish(&padded, 80, 0, 0).unwrap();
    ring.newest(|picture| assert!(picture.bgrx.iter().all(|b| *b == 7))).unwrap();
}

#[test]
fn a_short_picture_is_refused() {
    let (_ring, mut writer) = both(64, 48);
    assert!(writer.publish(&[0; 100], 64 * 4, 0, 0).is_none());
    assert!(writer.publish(&plain(0), 10, 0, 0).is_none());
    assert!(writer.publish(&[], usize::MAX, 0, 0).is_none());
}

#[test]
fn a_writer_that_lies_about_the_slot_is_not_believed() {
    let (ring, mut writer) = both(64, 48);
    ring.shared.atomic_u32(MIDDLE_OFFSET).store(u32::MAX, Release);
    assert!(ring.newest(|_| ()).is_none());
    ring.shared.atomic_u32(MIDDLE_OFFSET).store(FRESH | 3, Release);
    assert!(ring.newest(|_| ()).is_none());
    writer.publish(&plain(4), 64 * 4, 0, 0).unwrap();
    assert_eq!(ring.newest(|picture| picture.bgrx[0]), Some(4));
}

#[test]
fn the_memory_cannot_shrink() {
    let ring = Ring::create(1, 640, 360).unwrap();
    assert!(ftruncate(ring.as_fd(), 0).is_err());
    assert!(ftruncate(ring.as_fd(), 1 << 30).is_err());
}

#[test]
fn odd_measures_and_unsealed_memory_are_refused() {
    for (width, height) in [(0, 0), (1, 1), (64, 0), (u32::MAX, u32::MAX), (7681, 100), (100, 4321)] {
        assert!(matches!(Ring::create(1, width, height), Err(RingError::Shape(_))), "{width}x{height}");
    }
    let unsealed = memfd_create("x", MemfdFlags::CLOEXEC).unwrap();
    let shape = RingShape { generation: 1, width: 64, height: 48, stride: 256 };
    assert!(RingWriter::open(&unsealed, shape).is_err());
    let (ring, _) = both(64, 48);
    let memfd = ring.as_fd().try_clone_to_owned().unwrap();
    assert!(RingWriter::open(&memfd, RingShape { height: 64, ..shape }).is_err());
    assert!(RingWriter::open(&memfd, RingShape { stride: 512, ..shape }).is_err());
}

#[test]
fn reader_and_writer_on_two_threads_never_see_a_torn_picture() {
    let (ring, mut writer) = both(64, 48);
    std::thread::scope(|scope| {
        let writing = scope.spawn(move || {
            for round in 0..4000_u32 {
                writer.publish(&plain((round % 251) as u8), 256, u64::from(round), 0).unwrap();
            }
        });
        let mut last = 0;
        while !writing.is_finished() || ring.has_new() {
            ring.newest(|picture| {
                let first = picture.bgrx[0];
                assert!(picture.bgrx.iter().all(|b| *b == first));
                assert!(picture.meta.sequence >= last);
                last = picture.meta.sequence;
            });
        }
        assert_eq!(last, 4000);
    });
}
