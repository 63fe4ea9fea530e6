//! The file that an export writes: nameless until it is whole, so that whatever happens, nothing half-written is left. Where a
//! file system has no nameless files (FAT on a stick), it has a name that the next start of the engine knows and takes away.

use std::{
    fs::{self, File},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, OFlags, RenameFlags};

use crate::{
    Result,
    wire::{Error, ErrorCode},
};

/// How many names are tried before giving up.
const NAMES_MAX: u32 = 1000;

/// A file that is being written.
#[derive(Debug)]
pub(crate) struct Target {
    file: File,
    folder: PathBuf,
    /// Where the file is if it has a name already.
    part: Option<PathBuf>,
    size_bytes: u64,
}

/// A file that is whole and has its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Published {
    pub(crate) path: PathBuf,
    pub(crate) size_bytes: u64,
    device: u64,
    inode: u64,
}

impl Published {
    /// Its name in the folder.
    pub(super) fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Takes the file away again, unless there is another in its place.
    pub(super) fn take_back(&self) {
        let same = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode));
        if same && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("{} could not be taken away: {error}", self.path.display());
        }
    }
}

impl Target {
    /// Begins a file in `folder`. Where it must have a name from the beginning, `announce` keeps that for the next start.
    pub(crate) fn begin(folder: &Path, announce: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        let nameless = File::options()
            .read(true)
            .write(true)
            .mode(0o600)
            .custom_flags(OFlags::TMPFILE.bits().cast_signed())
            .open(folder);
        let (file, part) = match nameless {
            Ok(file) => (file, None),
            Err(error) if matches!(error.raw_os_error(), Some(code) if is_unknown(code)) => {
                let part = folder.join(format!(".hausrecht-{:016x}.part", rand::random::<u64>()));
                announce(&part)?;
                let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&part);
                (file.map_err(|error| unwritable(folder, &error))?, Some(part))
            }
            Err(error) => return Err(unwritable(folder, &error)),
        };
        Ok(Self { file, folder: folder.to_owned(), part, size_bytes: 0 })
    }

    /// Writes `bytes` at `offset`, which may not be behind the end.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        if offset > self.size_bytes {
            return Err(Error::internal("the worker leaves a hole in the file"));
        }
        self.file.write_all_at(bytes, offset).map_err(|error| unwritable(&self.folder, &error))?;
        self.size_bytes = self.size_bytes.max(offset + bytes.len() as u64);
        Ok(())
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The same file, to read what was written.
    pub(super) fn reader(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Makes the file durable, then gives it the name `stem.extension`, or with a number behind if that is taken.
    pub(crate) fn publish(mut self, stem: &str, extension: &str) -> Result<Published> {
        self.file.sync_all().map_err(|error| unwritable(&self.folder, &error))?;
        for number in 1..=NAMES_MAX {
            let name = match number {
                1 => format!("{stem}.{extension}"),
                _ => format!("{stem} ({number}).{extension}"),
            };
            let path = self.folder.join(name);
            match self.name(&path) {
                Ok(()) => {
                    self.part = None;
                    let found = self.file.metadata()?;
                    let published = Published {
                        path,
                        size_bytes: self.size_bytes,
                        device: found.dev(),
                        inode: found.ino(),
                    };
                    if let Err(error) = File::open(&self.folder).and_then(|folder| folder.sync_all()) {
                        published.take_back();
                        return Err(unwritable(&self.folder, &error));
                    }
                    return Ok(published);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(unwritable(&self.folder, &error)),
            }
        }
        Err(Error::invalid(format!(
            "{} has a thousand files named “{stem}” already: choose another folder",
            self.folder.display()
        )))
    }

    /// Gives the file a name that nothing has, without a moment in which another could be overwritten.
    fn name(&self, path: &Path) -> io::Result<()> {
        match &self.part {
            None => {
                let own = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                rustix::fs::linkat(CWD, own, CWD, path, AtFlags::SYMLINK_FOLLOW)?;
            }
            Some(part) => match rustix::fs::renameat_with(CWD, part, CWD, path, RenameFlags::NOREPLACE) {
                Ok(()) => {}
                // Some file systems over FUSE know no such rename.
                Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if !path.exists() => {
                    fs::rename(part, path)?;
                }
                Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                Err(error) => return Err(error.into()),
            },
        }
        Ok(())
    }
}

/// Writes at the end.
impl io::Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.size_bytes)?;
        self.size_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(part) = &self.part
            && let Err(error) = fs::remove_file(part)
        {
            tracing::warn!("{} could not be taken away: {error}", part.display());
        }
    }
}

/// What a file system says that knows no nameless files.
fn is_unknown(code: i32) -> bool {
    use rustix::io::Errno;
    [Errno::OPNOTSUPP, Errno::ISDIR, Errno::NOENT, Errno::INVAL]
        .iter()
        .any(|known| known.raw_os_error() == code)
}

/// Says in words why a folder takes no file.
pub(crate) fn unwritable(folder: &Path, error: &io::Error) -> Error {
    let folder = folder.display();
    let is = |kinds: &[io::ErrorKind]| kinds.contains(&error.kind());
    if is(&[io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded]) {
        let text = format!(
            "there is no room left in {folder}: free some or choose another folder; nothing was left there"
        );
        Error::new(ErrorCode::DiskFull, text)
    } else if is(&[io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem]) {
        Error::invalid(format!("{folder} cannot be written to: choose another folder"))
    } else if is(&[io::ErrorKind::NotFound, io::ErrorKind::NotADirectory]) {
        Error::invalid(format!("{folder} is not a folder, or not there any more: choose another"))
    } else if is(&[io::ErrorKind::FileTooLarge]) {
        let text = format!(
            "{folder} takes no file that is as large as this (on a FAT stick 4 GiB is the most): choose another folder or a \
             shorter span; nothing was left there"
        );
        Error::new(ErrorCode::FolderFailed, text)
    } else {
        let text = format!(
            "{folder} does not take the file any more ({error}): see whether its disk is well, or choose another folder"
        );
        Error::new(ErrorCode::FolderFailed, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_seen_before_it_is_whole_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let seen = || fs::read_dir(folder.path()).unwrap().count();
        fs::write(folder.path().join("a.mp4"), b"theirs").unwrap();
        let mut target = Target::begin(folder.path(), |_| Ok(())).unwrap();
        target.write(0, b"----5678").unwrap();
        target.write(0, b"1234").unwrap();
        assert!(target.write(9, b"x").is_err());
        assert_eq!(seen(), 1);
        let published = target.publish("a", "mp4").unwrap();
        assert_eq!(published.path, folder.path().join("a (2).mp4"));
        assert_eq!(fs::read(&published.path).unwrap(), b"12345678");
        assert_eq!(fs::read(folder.path().join("a.mp4")).unwrap(), b"theirs");
        published.take_back();
        assert_eq!(seen(), 1);
    }

    #[test]
    fn a_file_that_must_have_a_name_goes_with_its_target() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join(".part");
        let file = File::create_new(&part).unwrap();
        let make =
            |file| Target { file, folder: folder.path().to_owned(), part: Some(part.clone()), size_bytes: 0 };
        drop(make(file));
        assert!(!part.exists());
        let mut target = make(File::create_new(&part).unwrap());
        target.write(0, b"whole").unwrap();
        let published = target.publish("b", "mp4").unwrap();
        assert!(!part.exists());
        assert_eq!(fs::read(published.path).unwrap(), b"whole");
    }

    #[test]
    fn a_folder_that_takes_nothing_is_said_in_words() {
        let error = Target::begin(Path::new("/proc/self/nowhere"), |_| Ok(())).unwrap_err();
        assert_eq!(error.code, ErrorCode::Invalid, "{error}");
        use rustix::io::Errno;
        for (errno, code, word) in [
            (Errno::NOSPC, ErrorCode::DiskFull, "no room"),
            (Errno::DQUOT, ErrorCode::DiskFull, "no room"),
            (Errno::FBIG, ErrorCode::FolderFailed, "4 GiB"),
            (Errno::IO, ErrorCode::FolderFailed, "Input/output error"),
            (Errno::ROFS, ErrorCode::Invalid, "cannot be written"),
        ] {
            let error = unwritable(Path::new("/media/stick"), &errno.into());
            assert_eq!(error.code, code, "{error}");
            assert!(error.message.contains(word) && error.message.contains("/media/stick"), "{error}");
        }
    }
}
