//! Key files under a passphrase: age files with one scrypt stanza, and why one cannot be opened.

use std::{io::Read, iter};

use age::{Decryptor, Encryptor, secrecy::SecretString};
use zeroize::Zeroizing;

/// scrypt's cost in the product, N = 2^18: 256 MiB and about a second. age's own default on a present-day computer.
pub const PRODUCT_LOG_N: u8 = 18;

/// The highest cost that is tried: 4 GiB. More than that is somebody's attack on the memory, not a key file.
pub(crate) const MAX_LOG_N: u8 = 22;

/// The largest key file that is read. A real one has less than 1 KiB.
const MAX_PLAIN_BYTES: u64 = 64 * 1024;

/// Why a key file did not open.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnlockError {
    /// The passphrase is another one. A changed bit in the stanza's body looks the same.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The file is no age file at all, or was cut within its header.
    #[error("this is not a key file")]
    NotAKeyFile,
    /// The file is an age file, but not one that a passphrase opens.
    #[error("this key file is not protected by a passphrase")]
    NoPassphrase,
    /// The passphrase is right, or the file's structure is whole, but its content was changed or cut.
    #[error("the key file is damaged")]
    Damaged,
    /// The file asks for scrypt with N = 2^`log_n`, more than is ever done.
    #[error("the key file asks for too much work (scrypt, 2^{log_n})")]
    TooMuchWork {
        /// Logarithm of the cost that the file asks for.
        log_n: u8,
    },
    /// The file opened, but does not contain this kind of key.
    #[error("the key file does not contain {expected}")]
    OtherContent {
        /// What was expected in it.
        expected: &'static str,
    },
}

/// Encrypts `plain` to `passphrase` at cost N = 2^`log_n`.
pub(crate) fn seal_with_passphrase(plain: &[u8], passphrase: &SecretString, log_n: u8) -> Vec<u8> {
    let mut recipient = age::scrypt::Recipient::new(passphrase.clone());
    recipient.set_work_factor(log_n.clamp(1, MAX_LOG_N));
    let encryptor = Encryptor::with_recipients(iter::once(&recipient as &dyn age::Recipient))
        .expect("one scrypt recipient is a valid set");
    let mut sealed = Vec::with_capacity(plain.len() + 256);
    let mut writer = encryptor.wrap_output(&mut sealed).expect("writing to memory cannot fail");
    std::io::Write::write_all(&mut writer, plain).expect("writing to memory cannot fail");
    writer.finish().expect("writing to memory cannot fail");
    sealed
}

/// Decrypts what [`seal_with_passphrase`], or `age -p`, wrote.
pub(crate) fn open_with_passphrase(
    sealed: &[u8],
    passphrase: &SecretString,
) -> Result<Zeroizing<String>, UnlockError> {
    let decryptor = Decryptor::new_buffered(sealed).map_err(|_| UnlockError::NotAKeyFile)?;
    if !decryptor.is_scrypt() {
        return Err(UnlockError::NoPassphrase);
    }
    let mut identity = age::scrypt::Identity::new(passphrase.clone());
    identity.set_max_work_factor(MAX_LOG_N);
    let reader =
        decryptor.decrypt(iter::once(&identity as &dyn age::Identity)).map_err(|error| match error {
            age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed => {
                UnlockError::WrongPassphrase
            }
            age::DecryptError::ExcessiveWork { required, .. } => UnlockError::TooMuchWork { log_n: required },
            age::DecryptError::InvalidHeader
            | age::DecryptError::InvalidMac
            | age::DecryptError::Io(_)
            | age::DecryptError::NoMatchingKeys
            | age::DecryptError::UnknownFormat
            | _ => UnlockError::Damaged,
        })?;
    let mut plain = Zeroizing::new(String::with_capacity(1024));
    reader.take(MAX_PLAIN_BYTES).read_to_string(&mut plain).map_err(|_| UnlockError::Damaged)?;
    Ok(plain)
}
