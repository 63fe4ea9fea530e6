//! The answer stream, engine to player: bytes of a clip that the player asked for with [`crate::Event::Read`].

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
};

/// The most bytes in one answer.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

const FAILED: u32 = u32::MAX;

/// Writes answers; the engine's side.
#[derive(Debug)]
pub struct AnswerWriter {
    sink: UnixStream,
}

impl AnswerWriter {
    /// Writes to `sink`.
    pub fn new(sink: UnixStream) -> Self {
        Self { sink }
    }

    /// Answers request `id` with `bytes`: as many as asked for, or fewer at the clip's end.
    ///
    /// # Errors
    /// The player is gone, or `bytes` is over [`MAX_ANSWER_BYTES`].
    pub fn answer(&mut self, id: u32, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > MAX_ANSWER_BYTES {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        self.head(id, u32::try_from(bytes.len()).unwrap_or(FAILED))?;
        self.sink.write_all(bytes)
    }

    /// Answers request `id` with: these bytes cannot be read.
    ///
    /// # Errors
    /// The player is gone.
    pub fn fail(&mut self, id: u32) -> io::Result<()> {
        self.head(id, FAILED)
    }

    fn head(&mut self, id: u32, len: u32) -> io::Result<()> {
        let mut head = [0; 8];
        head[..4].copy_from_slice(&id.to_le_bytes());
        head[4..].copy_from_slice(&len.to_le_bytes());
        self.sink.write_all(&head)
    }
}

/// Reads answers; the player's side.
#[derive(Debug)]
pub struct AnswerReader {
    source: UnixStream,
}

impl AnswerReader {
    /// Reads from `source`.
    pub fn new(source: UnixStream) -> Self {
        Self { source }
    }

    /// Waits for the next answer: the request's id and the bytes, `None` if they cannot be read.
    ///
    /// # Errors
    /// The engine is gone, or the answer is over the limit.
    pub fn next_answer(&mut self) -> io::Result<(u32, Option<Vec<u8>>)> {
        let mut head = [0; 8];
        self.source.read_exact(&mut head)?;
        let [i0, i1, i2, i3, l0, l1, l2, l3] = head;
        let id = u32::from_le_bytes([i0, i1, i2, i3]);
        let len = u32::from_le_bytes([l0, l1, l2, l3]);
        if len == FAILED {
            return Ok((id, None));
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if len > MAX_ANSWER_BYTES {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let mut bytes = vec![0; len];
        self.source.read_exact(&mut bytes)?;
        Ok((id, Some(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_arrive_in_order() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut writer = AnswerWriter::new(ours);
        let mut reader = AnswerReader::new(theirs);
        writer.answer(1, b"abc").unwrap();
        writer.fail(2).unwrap();
        assert_eq!(reader.next_answer().unwrap(), (1, Some(b"abc".to_vec())));
        assert_eq!(reader.next_answer().unwrap(), (2, None));
        assert!(writer.answer(3, &vec![0; MAX_ANSWER_BYTES + 1]).is_err());
    }
}
