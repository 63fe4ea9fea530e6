//! Which files are meant: those that were named, and those in the folders that were.

use std::path::{Path, PathBuf};

use hausrecht_media::footage::TRACK_ENDINGS;

/// Endings of films, dashcams' and recorders' among them. What is in a file its ending does not decide.
const ENDINGS: [&str; 14] =
    ["mp4", "m4v", "mov", "qt", "mkv", "kv", "webm", "avi", "ts", "m2ts", "mts", "tp", "3gp", "insv"];
/// More files are not listed at once.
const MAX_FILES: usize = 1_000;
/// How deep folders lie in each other at most.
const MAX_DEPTH: u32 = 8;

/// All that `paths` name, with sizes, in the order of their names; and how many were left out. A file that was named itself is
/// listed whatever its ending, so that it is said why it is none.
pub(crate) fn gather(paths: &[PathBuf]) -> (Vec<(PathBuf, u64)>, u32) {
    let mut found = Vec::new();
    let mut left_out = 0;
    for path in paths {
        if path.is_dir() {
            walk(path, 0, &mut found, &mut left_out);
        } else {
            found.push(path.clone());
        }
    }
    found.sort();
    found.dedup();
    left_out += u32::try_from(found.len().saturating_sub(MAX_FILES)).unwrap_or(u32::MAX);
    found.truncate(MAX_FILES);
    let sized = |path: PathBuf| {
        let size_bytes = path.metadata().map_or(0, |data| data.len());
        (path, size_bytes)
    };
    (found.into_iter().map(sized).collect(), left_out)
}

fn walk(folder: &Path, depth: u32, found: &mut Vec<PathBuf>, left_out: &mut u32) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        // Links are not followed: they may lead anywhere, and in circles.
        if is_hidden || kind.is_symlink() {
            continue;
        }
        if kind.is_dir() {
            if depth < MAX_DEPTH {
                walk(&path, depth + 1, found, left_out);
            }
        } else if kind.is_file() {
            let ending = path
                .extension()
                .map(|ending| ending.to_string_lossy().to_ascii_lowercase())
                .unwrap_or_default();
            if ENDINGS.contains(&ending.as_str()) && found.len() <= MAX_FILES * 2 {
                found.push(path);
            } else if !TRACK_ENDINGS.contains(&ending.as_str()) {
                // What says where a camera was goes with its film.
                *left_out = left_out.saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn films_in_folders_are_found_and_others_counted() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("DCIM/Movie/.hidden")).unwrap();
        for name in
            ["DCIM/Movie/b.MP4", "DCIM/Movie/a.mkv", "DCIM/info.txt", "DCIM/Movie/.hidden/c.mp4", "notes.txt"]
        {
            std::fs::write(folder.path().join(name), b"x").unwrap();
        }
        let named = folder.path().join("notes.txt");
        let (found, left_out) = gather(&[folder.path().join("DCIM"), named.clone(), named.clone()]);
        let names: Vec<_> = found
            .iter()
            .map(|(path, size)| (path.strip_prefix(folder.path()).unwrap().to_owned(), *size))
            .collect();
        let expected =
            ["DCIM/Movie/a.mkv", "DCIM/Movie/b.MP4", "notes.txt"].map(|name| (PathBuf::from(name), 1));
        assert_eq!((names, left_out), (expected.to_vec(), 1));
    }
    #[test]
    fn folders_without_an_end_are_listed_to_one() {
        let folder = tempfile::tempdir().unwrap();
        let card = folder.path().join("card");
        std::fs::create_dir(&card).unwrap();
        for number in 0..3_000 {
            std::fs::write(card.join(format!("{number:04}.mp4")), b"").unwrap();
        }
        let (found, left_out) = gather(std::slice::from_ref(&card));
        assert_eq!((found.len(), left_out), (MAX_FILES, 2_000));

        let deep = (0..40).fold(folder.path().join("deep"), |path, _| path.join("d"));
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join("too deep.mp4"), b"x").unwrap();
        assert_eq!(gather(&[folder.path().join("deep")]), (Vec::new(), 0));
    }

    #[cfg(unix)]
    #[test]
    fn links_in_folders_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let card = folder.path().join("card");
        std::fs::create_dir(&card).unwrap();
        std::fs::write(folder.path().join("elsewhere.mp4"), b"x").unwrap();
        std::fs::write(card.join("a.mp4"), b"x").unwrap();
        std::os::unix::fs::symlink(&card, card.join("again")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere.mp4"), card.join("b.mp4")).unwrap();
        assert_eq!(gather(std::slice::from_ref(&card)), (vec![(card.join("a.mp4"), 1)], 0));
    }
}
