//! One age file of any length, written from front to back: a package that is given away, or what waits on the disk until
//! such a package is made. To an age recipient or under a passphrase, as `age -r` and `age -p` write it. A package is read by
//! [`crate::ClipReader`], which can begin anywhere.

use std::{
    fmt,
    io::{self, Read, Write},
    iter,
};

use age::{
    Decryptor, Encryptor,
    secrecy::SecretString,
    stream::{StreamReader, StreamWriter},
};

use crate::{Identity, Recipient, unlock::MAX_LOG_N};

/// For whom something is sealed.
#[derive(Clone)]
#[non_exhaustive]
pub enum SealFor {
    /// Whoever has the key.
    Recipient(Recipient),
    /// Whoever knows the passphrase, by scrypt with N = 2^`log_n`.
    Passphrase {
        /// The passphrase.
        passphrase: SecretString,
        /// Logarithm of scrypt's cost.
        log_n: u8,
    },
}

impl fmt::Debug for SealFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recipient(recipient) => write!(f, "SealFor({recipient})"),
            Self::Passphrase { .. } => f.write_str("SealFor(a passphrase)"),
        }
    }
}

/// What opens it.
#[derive(Clone)]
#[non_exhaustive]
pub enum OpenBy {
    /// A key.
    Identity(Identity),
    /// A passphrase.
    Passphrase(SecretString),
}

impl fmt::Debug for OpenBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(identity) => write!(f, "OpenBy({identity:?})"),
            Self::Passphrase(_) => f.write_str("OpenBy(a passphrase)"),
        }
    }
}

impl OpenBy {
    /// Gives age the key, at most as much work as is done for a key file.
    pub(crate) fn with_identity<T>(&self, use_it: impl FnOnce(&dyn age::Identity) -> T) -> T {
        match self {
            Self::Identity(identity) => use_it(&identity.0),
            Self::Passphrase(passphrase) => {
                let mut identity = age::scrypt::Identity::new(passphrase.clone());
                identity.set_max_work_factor(MAX_LOG_N);
                use_it(&identity)
            }
        }
    }
}

/// Encrypts what is written to it. Nothing can be read before [`StreamSealer::finish`].
pub struct StreamSealer<W: Write>(StreamWriter<W>);

impl<W: Write> StreamSealer<W> {
    /// Begins an age file in `sink`.
    ///
    /// # Errors
    /// `sink` takes no header.
    pub fn begin(sealed_for: &SealFor, sink: W) -> io::Result<Self> {
        let begin = |recipient: &dyn age::Recipient| {
            Encryptor::with_recipients(iter::once(recipient))
                .map_err(io::Error::other)
                .and_then(|encryptor| encryptor.wrap_output(sink))
                .map(Self)
        };
        match sealed_for {
            SealFor::Recipient(recipient) => begin(&recipient.0),
            SealFor::Passphrase { passphrase, log_n } => {
                let mut recipient = age::scrypt::Recipient::new(passphrase.clone());
                recipient.set_work_factor((*log_n).clamp(1, MAX_LOG_N));
                begin(&recipient)
            }
        }
    }

    /// Writes the last chunk and gives the sink back.
    ///
    /// # Errors
    /// The sink does not take it.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> Write for StreamSealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> fmt::Debug for StreamSealer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamSealer")
    }
}

/// Decrypts an age file from its beginning. A chunk that was changed or cut off is an error of the read that meets it.
pub struct StreamOpener<R: Read>(StreamReader<R>);

impl<R: Read> StreamOpener<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// It is no age file, or not for this key.
    pub fn begin(source: R, identity: &Identity) -> io::Result<Self> {
        let decryptor = Decryptor::new(source).map_err(io::Error::other)?;
        let identities = iter::once(&identity.0 as &dyn age::Identity);
        decryptor.decrypt(identities).map(Self).map_err(io::Error::other)
    }
}

impl<R: Read> Read for StreamOpener<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl<R: Read> fmt::Debug for StreamOpener<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamOpener")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_on_the_way_is_read_from_its_beginning() {
        let identity = Identity::generate();
        let plain: Vec<u8> = (0..200_000_u32).map(|at| at.wrapping_mul(2_654_435_761) as u8).collect();
        let mut sealer = StreamSealer::begin(&SealFor::Recipient(identity.recipient()), Vec::new()).unwrap();
        plain.chunks(7_001).for_each(|part| sealer.write_all(part).unwrap());
        let sealed = sealer.finish().unwrap();
        let mut again = Vec::new();
        StreamOpener::begin(&sealed[..], &identity).unwrap().read_to_end(&mut again).unwrap();
        assert_eq!(again, plain);
        assert!(StreamOpener::begin(&sealed[..], &Identity::generate()).is_err());
        let cut = &sealed[..sealed.len() - 1];
        assert!(StreamOpener::begin(cut, &identity).unwrap().read_to_end(&mut Vec::new()).is_err());
    }
}
