//! What is read of a clip, one function each, for the targets in `fuzz/`. No part of the library's use.

use crate::{
    clip_index::{ClipIndex, to_bytes},
    clip_reader::{Bytes, ClipReader},
};

struct Plain<'a>(&'a [u8]);

impl Bytes for Plain<'_> {
    fn range(&mut self, offset: u64, len: u32) -> anyhow::Result<Vec<u8>> {
        let start = usize::try_from(offset)?.min(self.0.len());
        let end = start.saturating_add(len as usize).min(self.0.len());
        Ok(self.0[start..end].to_vec())
    }
}

/// A clip: what is found in it lies inside of it, and is as long as it says.
pub fn clip(bytes: &[u8]) {
    let Ok(mut reader) = ClipReader::open(Plain(bytes), bytes.len() as u64) else { return };
    assert!(reader.pictures.first().is_some_and(|picture| picture.key));
    for picture in reader.pictures.clone().iter().take(64) {
        let read = reader.picture(picture).expect("only what lies inside is listed");
        assert_eq!(read.len(), picture.size_bytes as usize);
    }
}

/// An index that a crash left.
pub fn clip_index(bytes: &[u8]) {
    let Some(index) = ClipIndex::read(bytes) else { return };
    let header = ClipIndex::header(index.codec, index.width, index.height);
    let again = [&header[..], &to_bytes(&index.fragments)].concat();
    assert_eq!(ClipIndex::read(&again), Some(index));
}
