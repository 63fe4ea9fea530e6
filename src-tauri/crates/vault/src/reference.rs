//! The crate `age` alone, writing and reading the same bytes: what the measurements set this crate beside.
//!
//! Not part of the product: it is built only with the feature `reference`.

use std::{
    fs::File,
    io::{self, Read, Write},
    iter,
    path::Path,
};

use crate::Identity;

/// Writes `times` times `plain` to a new file, encrypted to `key`, and makes it durable.
///
/// # Errors
/// Writing fails.
pub fn seal(path: &Path, key: &Identity, plain: &[u8], times: usize) -> io::Result<()> {
    let recipient = key.recipient();
    let encryptor = age::Encryptor::with_recipients(iter::once(&recipient.0 as &dyn age::Recipient))
        .expect("one recipient is a valid set");
    let mut writer = encryptor.wrap_output(File::create(path)?)?;
    for _ in 0..times {
        writer.write_all(plain)?;
    }
    writer.finish()?.sync_all()
}

/// Reads what [`seal`] wrote into `buffer`, over and over, and says how many bytes there were.
///
/// # Errors
/// Reading fails, or it is another's.
pub fn open(path: &Path, key: &Identity, buffer: &mut [u8]) -> io::Result<u64> {
    let decryptor = age::Decryptor::new(File::open(path)?).map_err(io::Error::other)?;
    let mut reader = decryptor.decrypt(iter::once(&key.0 as &dyn age::Identity)).map_err(io::Error::other)?;
    let mut sum = 0;
    loop {
        match reader.read(buffer)? {
            0 => return Ok(sum),
            read => sum += read as u64,
        }
    }
}
