//! A second start with the same data folder: it gives the files that it was named to the window that is open already, which shows
//! itself, and ends. That is how a double click reaches a program that runs.
//!
//! The two meet at a Unix socket in the data folder, so that each vault has its own window. Said is the absolute path of each file, each
//! ended by a zero byte; answered is one byte once the window has them.

use std::{
    ffi::OsString,
    fs, io,
    io::{Read, Write},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::PermissionsExt,
        net::UnixStream,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use tauri::AppHandle;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
};

use crate::{open, window};

/// The socket's name in the data folder.
const NAME: &str = "window.sock";
/// The most that is said: some thousand paths.
const MAX_BYTES: u64 = 1 << 20;
const TAKEN: u8 = b'1';
/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(5);

/// Gives `files` to the window that has `data_folder` open, if there is one, and says whether it has them.
pub(crate) fn give(data_folder: &Path, files: &[PathBuf]) -> bool {
    let given = || -> io::Result<bool> {
        let mut stream = UnixStream::connect(data_folder.join(NAME))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        for file in files {
            stream.write_all(std::path::absolute(file)?.as_os_str().as_bytes())?;
            stream.write_all(&[0])?;
        }
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = [0];
        stream.read_exact(&mut answer)?;
        Ok(answer == [TAKEN])
    };
    // Nobody there is the rule, not a failure.
    given().unwrap_or(false)
}

/// Listens for later starts. The engine holds the data folder, so a socket that lies there already is a dead program's.
///
/// # Errors
/// The socket cannot be made; its path may be longer than the system allows.
pub(crate) fn listen(app: &AppHandle, data_folder: &Path) -> io::Result<()> {
    let path = data_folder.join(NAME);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let _context = tauri::async_runtime::handle().inner().enter();
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => match tokio::time::timeout(PATIENCE, take(stream)).await {
                    Ok(Ok(files)) => {
                        window::show(&app);
                        open::open(&app, files);
                    }
                    Ok(Err(error)) => tracing::debug!(%error, "another start said nothing of use"),
                    Err(_) => tracing::debug!("another start said nothing in time"),
                },
                Err(error) => {
                    tracing::warn!(%error, "later starts are not heard any more");
                    return;
                }
            }
        }
    });
    Ok(())
}

async fn take(mut stream: tokio::net::UnixStream) -> io::Result<Vec<PathBuf>> {
    let mut said = Vec::new();
    (&mut stream).take(MAX_BYTES + 1).read_to_end(&mut said).await?;
    let files = parse(&said)?;
    stream.write_all(&[TAKEN]).await?;
    Ok(files)
}

fn parse(said: &[u8]) -> io::Result<Vec<PathBuf>> {
    let odd = |text: &str| Err(io::Error::new(io::ErrorKind::InvalidData, text));
    if said.len() as u64 > MAX_BYTES {
        return odd("more paths than a start can name");
    }
    let Some(paths) = said.strip_suffix(&[0]) else {
        return if said.is_empty() { Ok(Vec::new()) } else { odd("a path without its end") };
    };
    let paths: Vec<_> =
        paths.split(|byte| *byte == 0).map(|path| PathBuf::from(OsString::from_vec(path.to_vec()))).collect();
    if paths.iter().all(|path| path.is_absolute()) { Ok(paths) } else { odd("a path that begins nowhere") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood_or_refused() {
        assert_eq!(parse(b"").unwrap(), Vec::<PathBuf>::new());
        assert_eq!(parse(b"/a b\0/\xff\0").unwrap().len(), 2);
        for odd in [&b"/a"[..], b"a\0", b"\0", b"/a\0\0"] {
            assert!(parse(odd).is_err(), "{odd:?}");
        }
        assert!(parse(&vec![b'/'; 2 << 20]).is_err());
    }

    #[test]
    fn nobody_there_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!give(folder.path(), &[]));
        // What a program that died has left.
        drop(std::os::unix::net::UnixListener::bind(folder.path().join(NAME)).unwrap());
        assert!(!give(folder.path(), &[]));
    }
}
