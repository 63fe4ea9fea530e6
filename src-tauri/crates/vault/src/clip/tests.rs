//! Clips written, cut, changed and read again.

use std::{fs, path::PathBuf};

use age::secrecy::ExposeSecret;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::{ClipKey, Identity};

const CHUNK: usize = CHUNK_BYTES as usize;

/// Bytes that differ everywhere, so that a read from the wrong place shows.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u8).collect()
}

struct Written {
    _folder: tempfile::TempDir,
    path: PathBuf,
    key: ClipKey,
    plain: Vec<u8>,
    sealed: Sealed,
}

fn written(len: usize, piece: usize) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.age");
    let (key, plain) = (ClipKey::generate(), pattern(len));
    let mut writer = ClipWriter::create(&path, &key.recipient()).unwrap();
    for part in plain.chunks(piece.max(1)) {
        writer.write_all(part).unwrap();
    }
    writer.sync().unwrap();
    let sealed = writer.finish().unwrap();
    Written { _folder: folder, path, key, plain, sealed }
}

fn read_all(reader: &mut ClipReader) -> Result<Vec<u8>, OpenError> {
    let mut plain = vec![0; usize::try_from(reader.len()).unwrap()];
    let read = reader.read_at(0, &mut plain)?;
    assert_eq!(read, plain.len());
    Ok(plain)
}

/// Where the encrypted chunks start.
fn payload_start(w: &Written) -> usize {
    let chunks = w.plain.len().div_ceil(CHUNK).max(1);
    fs::read(&w.path).unwrap().len() - w.plain.len() - chunks * 16
}

#[test]
fn every_length_around_a_chunk_survives() {
    for len in [0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 5 * CHUNK + 77]
    {
        let w = written(len, 10_000);
        let file = fs::read(&w.path).unwrap();
        assert_eq!(w.sealed.size_bytes, file.len() as u64);
        assert_eq!(w.sealed.plain_bytes, len as u64);
        assert_eq!(w.sealed.sha256, <[u8; 32]>::from(Sha256::digest(&file)));
        assert!(!part_path(&w.path).exists());
        for mut reader in [
            ClipReader::open(&w.path, &w.key).unwrap(),
            ClipReader::open_sized(&w.path, &w.key, w.sealed.size_bytes).unwrap(),
        ] {
            assert_eq!((reader.len(), reader.cut_short()), (len as u64, false), "{len}");
            assert_eq!(reader.is_empty(), len == 0);
            assert!(read_all(&mut reader).unwrap() == w.plain, "{len}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn reads_anywhere_and_in_any_order_are_right(
        len in prop_oneof![0..300_000_usize, (0..5_usize).prop_map(|n| n * CHUNK)],
        piece in 1..100_000_usize,
        reads in prop::collection::vec(
            (prop_oneof![0..400_000_u64, (0..6_u64).prop_map(|n| n * CHUNK_BYTES), Just(u64::MAX)], 0..150_000_usize),
            1..40,
        ),
    ) {
        let w = written(len, piece);
        let mut reader = ClipReader::open(&w.path, &w.key).unwrap();
        for (offset, wanted) in reads {
            let mut buf = vec![0xaa; wanted];
            let read = reader.read_at(offset, &mut buf).unwrap();
            let from = usize::try_from(offset).unwrap().min(len);
            let expected = &w.plain[from..from.saturating_add(wanted).min(len)];
            prop_assert_eq!(read, expected.len());
            prop_assert!(&buf[..read] == expected, "{} bytes at {}", wanted, offset);
            prop_assert!(buf[read..].iter().all(|b| *b == 0xaa));
        }
    }
}

#[test]
fn every_cut_leaves_the_whole_chunks_readable() {
    for len in [3 * CHUNK + 500, 3 * CHUNK] {
        let w = written(len, CHUNK);
        let (file, start) = (fs::read(&w.path).unwrap(), payload_start(&w));
        let sealed_chunk = CHUNK + 16;
        let mut cuts: Vec<usize> = (0..=start).collect();
        for chunk in 0..4 {
            for offset in [0, 1, 15, 16, 17, 1000, sealed_chunk - 1] {
                cuts.push(start + chunk * sealed_chunk + offset);
            }
        }
        for cut in cuts.into_iter().filter(|cut| *cut < file.len()) {
            fs::write(&w.path, &file[..cut]).unwrap();
            let opened = ClipReader::open(&w.path, &w.key);
            if cut < start {
                assert!(
                    matches!(opened, Err(OpenError::HeaderCut { .. } | OpenError::HeaderForged { .. })),
                    "cut at {cut}: {opened:?}"
                );
                continue;
            }
            let mut reader = opened.unwrap();
            let whole = (cut - start) / sealed_chunk;
            assert_eq!((reader.len(), reader.cut_short()), ((whole * CHUNK) as u64, true), "cut at {cut}");
            assert!(read_all(&mut reader).unwrap() == w.plain[..whole * CHUNK], "cut at {cut}");
            for chunk in (0..whole).rev() {
                let mut byte = [0];
                assert_eq!(reader.read_at((chunk * CHUNK) as u64, &mut byte).unwrap(), 1);
                assert_eq!(byte[0], w.plain[chunk * CHUNK], "a seek to the start of chunk {chunk}");
            }
            let sized = ClipReader::open_sized(&w.path, &w.key, file.len() as u64).unwrap();
            assert!(sized.cut_short(), "cut at {cut}");
        }
    }
}

#[test]
fn a_changed_bit_spoils_its_chunk_and_no_other() {
    let w = written(3 * CHUNK + 500, CHUNK);
    let (file, start) = (fs::read(&w.path).unwrap(), payload_start(&w));
    let sealed_chunk = CHUNK + 16;
    for chunk in 0..4_usize {
        let end = (start + (chunk + 1) * sealed_chunk).min(file.len());
        for at in [start + chunk * sealed_chunk, start + chunk * sealed_chunk + 400, end - 1] {
            let mut changed = file.clone();
            changed[at] ^= 0x10;
            fs::write(&w.path, &changed).unwrap();
            let mut reader = ClipReader::open_sized(&w.path, &w.key, file.len() as u64).unwrap();
            assert_eq!((reader.len(), reader.cut_short()), (w.plain.len() as u64, false));
            let mut all = vec![0; w.plain.len()];
            match reader.read_at(0, &mut all) {
                Err(OpenError::Forged { index, .. }) => assert_eq!(index, chunk as u64),
                other => panic!("byte {at}: {other:?}"),
            }
            for other in (0..4_usize).filter(|other| *other != chunk) {
                let expected = &w.plain[other * CHUNK..((other + 1) * CHUNK).min(w.plain.len())];
                let mut buf = vec![0; expected.len()];
                reader.read_at((other * CHUNK) as u64, &mut buf).unwrap();
                assert!(buf == expected, "chunk {other} beside the changed {chunk}");
            }
        }
    }
}

#[test]
fn a_changed_bit_in_the_header_is_named() {
    let w = written(1000, 1000);
    let (file, start) = (fs::read(&w.path).unwrap(), payload_start(&w));
    for at in 0..start {
        let mut changed = file.clone();
        changed[at] ^= 1;
        fs::write(&w.path, &changed).unwrap();
        let result = ClipReader::open_sized(&w.path, &w.key, file.len() as u64)
            .and_then(|mut reader| read_all(&mut reader));
        let nonce = at >= start - 16;
        match result {
            Err(OpenError::Forged { index: 0, .. }) => assert!(nonce, "byte {at}"),
            Err(
                OpenError::HeaderForged { .. } | OpenError::WrongKey { .. } | OpenError::HeaderCut { .. },
            ) => assert!(!nonce, "byte {at}"),
            other => panic!("byte {at}: {other:?}"),
        }
    }
}

#[test]
fn another_key_and_a_missing_file_are_named() {
    let w = written(100, 100);
    assert!(matches!(ClipReader::open(&w.path, &ClipKey::generate()), Err(OpenError::WrongKey { .. })));
    let nowhere = w.path.with_file_name("nowhere");
    assert!(matches!(ClipReader::open(&nowhere, &w.key), Err(OpenError::Missing { .. })));
}

#[test]
fn nothing_is_overwritten() {
    let w = written(100, 100);
    let again = ClipWriter::create(&w.path, &w.key.recipient());
    assert!(matches!(again, Err(WriteError::Exists { .. })));
    let other = w.path.with_file_name("other.age");
    let first = ClipWriter::create(&other, &w.key.recipient()).unwrap();
    assert!(matches!(ClipWriter::create(&other, &w.key.recipient()), Err(WriteError::Exists { .. })));
    first.abandon().unwrap();
    assert!(!part_path(&other).exists());
}

#[test]
fn what_is_unsealed_is_what_a_crash_costs() {
    for len in [0, 1, 500, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 9] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.age");
        let mut writer = ClipWriter::create(&path, &ClipKey::generate().recipient()).unwrap();
        writer.write_all(&pattern(len)).unwrap();
        let sealed = len - usize::try_from(writer.unsealed_bytes()).unwrap();
        drop(writer);
        let chunks = recover_part(&path).map_or(0, |recovered| recovered.whole_chunks);
        assert_eq!(sealed, usize::try_from(chunks).unwrap() * CHUNK, "{len}");
    }
}

/// `/dev/full` refuses every byte, as a full disk does.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named() {
    let mut full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = std::io::Write::write_all(&mut full, b"x").unwrap_err();
    assert!(matches!(WriteError::new(Path::new("clip.age"), error), WriteError::DiskFull { .. }));
}

#[test]
fn a_part_is_recovered_to_its_last_whole_chunk_without_a_key() {
    for (len, whole) in [(3 * CHUNK + 500, 3), (3 * CHUNK, 2), (CHUNK + 1, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.age");
        let (key, plain) = (ClipKey::generate(), pattern(len));
        let mut writer = ClipWriter::create(&path, &key.recipient()).unwrap();
        writer.write_all(&plain).unwrap();
        writer.sync().unwrap();
        drop(writer);

        let recovered = recover_part(&path).unwrap();
        assert_eq!(recovered.whole_chunks, whole);
        let file = fs::read(&path).unwrap();
        assert_eq!(recovered.size_bytes, file.len() as u64);
        assert_eq!(recovered.sha256, <[u8; 32]>::from(Sha256::digest(&file)));
        assert!(!part_path(&path).exists());
        let mut reader = ClipReader::open(&path, &key).unwrap();
        assert!(reader.cut_short());
        let readable = usize::try_from(whole * CHUNK_BYTES).unwrap();
        assert!(read_all(&mut reader).unwrap() == plain[..readable]);
        // The recovered size is what the database then expects; it is no longer "short" of that.
        let mut sized = ClipReader::open_sized(&path, &key, recovered.size_bytes).unwrap();
        assert!(read_all(&mut sized).unwrap() == plain[..readable]);
    }
}

#[test]
fn a_part_is_recovered_from_any_cut() {
    let w = written(2 * CHUNK + 99, CHUNK);
    let (file, start) = (fs::read(&w.path).unwrap(), payload_start(&w));
    fs::remove_file(&w.path).unwrap();
    let part = part_path(&w.path);
    let sealed_chunk = CHUNK + 16;
    let near = [0, 1, 21, start - 1, start, start + 1];
    for cut in near.into_iter().chain([1, 2].map(|n| start + n * sealed_chunk)).chain([file.len() - 1]) {
        fs::write(&part, &file[..cut]).unwrap();
        match recover_part(&w.path) {
            Err(RecoverError::Nothing { .. }) => assert!(cut < start + sealed_chunk, "cut at {cut}"),
            Ok(recovered) => {
                assert_eq!(recovered.whole_chunks, ((cut - start) / sealed_chunk) as u64);
                assert!(matches!(recover_part(&w.path), Err(RecoverError::Missing { .. })));
                fs::remove_file(&w.path).unwrap();
            }
            Err(other) => panic!("cut at {cut}: {other}"),
        }
    }
    fs::write(&part, &file).unwrap();
    fs::write(&w.path, b"in the way").unwrap();
    assert!(matches!(recover_part(&w.path), Err(RecoverError::Exists { .. })));
}

#[test]
fn a_clip_key_is_no_ordinary_text_in_the_file() {
    let w = written(100, 100);
    let owner = Identity::generate();
    let wrap = w.key.wrap_for_owner(&owner.recipient());
    let secret = w.key.identity().to_secret_text();
    for bytes in [fs::read(&w.path).unwrap(), wrap] {
        assert!(!String::from_utf8_lossy(&bytes).contains(secret.expose_secret()));
    }
}
