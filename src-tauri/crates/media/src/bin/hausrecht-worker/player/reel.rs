//! What a player shows: a clip of the vault, or a file that something else has recorded.

use crate::{
    clip_reader::{ClipReader, EngineBytes, Picture},
    fmp4::Format,
    footage::Watched,
};

/// Pictures and how to come by their bytes.
#[derive(Debug)]
pub(crate) struct Reel {
    /// What a decoder needs first.
    pub(crate) format: Format,
    /// All pictures, in decode order.
    pub(crate) pictures: Vec<Picture>,
    from: From,
}

#[derive(Debug)]
enum From {
    Clip(ClipReader<EngineBytes>),
    File(Box<Watched>),
}

impl Reel {
    /// The bytes of a picture.
    pub(crate) fn picture(&mut self, picture: &Picture) -> anyhow::Result<Vec<u8>> {
        match &mut self.from {
            From::Clip(clip) => clip.picture(picture),
            From::File(file) => file.picture(picture),
        }
    }
}

impl std::convert::From<ClipReader<EngineBytes>> for Reel {
    fn from(clip: ClipReader<EngineBytes>) -> Self {
        Self { format: clip.format.clone(), pictures: clip.pictures.clone(), from: From::Clip(clip) }
    }
}

impl std::convert::From<Watched> for Reel {
    fn from(file: Watched) -> Self {
        Self {
            format: file.format.clone(),
            pictures: file.pictures.clone(),
            from: From::File(Box::new(file)),
        }
    }
}
