//! The readers of foreign files, one function each, for the targets in `fuzz/`. No part of the library's use.

use super::{Container, created, is_believable, name_says};

/// Noon of a day in 2026.
const NOW_US: i64 = 1_795_348_800_000_000;

/// A file: what it says of its time is believable, whatever stands in it.
pub fn file(bytes: &[u8]) {
    let known = Container::of(&bytes[..bytes.len().min(super::HEAD_BYTES)]);
    let all = [Container::Mp4, Container::Matroska, Container::Avi, Container::Ts];
    for container in known.into_iter().chain(all) {
        if let Some(super::Created::Utc { unix_us } | super::Created::Zoned { unix_us }) =
            created(container, &mut &bytes[..], NOW_US)
        {
            assert!(is_believable(unix_us, NOW_US));
        }
    }
}

/// What lies beside a film: places are on the earth, in the order of their times.
pub fn track(bytes: &[u8]) {
    let fixes = super::track(bytes, NOW_US);
    assert!(fixes.len() <= bytes.len());
    assert!(fixes.windows(2).all(|pair| pair[0].unix_us < pair[1].unix_us));
    for fix in fixes {
        assert!(is_believable(fix.unix_us, NOW_US));
        assert!(fix.latitude.abs() <= 90.0 && fix.longitude.abs() <= 180.0);
    }
}

/// A file's name.
pub fn name(bytes: &[u8]) {
    if let Some(named) = name_says(&String::from_utf8_lossy(bytes)) {
        // 1990 to 2099.
        assert!((631_152_000_000_000..4_102_444_800_000_000).contains(&named.local_us));
    }
}
