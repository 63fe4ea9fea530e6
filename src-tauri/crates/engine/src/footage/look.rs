//! Looks at files one after the other: what they are, when they are from, and whether the vault has them.

use std::{io::Read, sync::Arc};

use hausrecht_media::{Event as WorkerEvent, FootageTask};
use sha2::{Digest, Sha256};

use super::{
    File,
    serve::{Bytes, Ended, serve},
    track::Track,
};
use crate::{
    Result,
    handle::blocking,
    inner::{Inner, lock},
    recorder::codec_name,
    wire::{Error, FootageRefusal, FootageState},
};

/// Looks at all that wait for it.
pub(crate) async fn look_at_all(inner: Arc<Inner>) {
    while !inner.is_stopping()
        && let Some(file) = inner.footage.next(FootageState::Waiting, |shelf| shelf.looking = false)
    {
        let id = file.view.id;
        let looked = match look_at(&inner, file).await {
            Ok(file) => file,
            Err((mut file, error)) => {
                file.refuse(FootageState::Refused, FootageRefusal::Unreadable, error.message);
                *file
            }
        };
        let now = inner.now();
        inner.change_footage(id, |file, zone| {
            *file = looked;
            file.tell_time(zone, now);
        });
    }
    inner.tell_footage();
}

async fn look_at(inner: &Arc<Inner>, file: File) -> Result<File, (Box<File>, Error)> {
    let kept = Box::new(file.clone());
    let known = inner.db.read(move |tables| Ok(tables.imports_of_size(file.view.size_bytes)?)).await;
    let (working, file) = (Arc::clone(inner), kept.clone());
    let looked = blocking(move || {
        let mut file = *file;
        let bytes = open(&file)?;
        file.view.size_bytes = bytes.size_bytes;
        look_into(&working, &mut file, &bytes)?;
        // Only a file of the same size can be the same.
        if known?.iter().any(|row| row.ended_us.is_some()) && file.view.state == FootageState::Ready {
            file.sha256 = hash(&working, &bytes)?;
        }
        Ok(file)
    });
    let mut file = looked.await.map_err(|error| (kept.clone(), error))?;
    if let Some(sha256) = file.sha256 {
        file.view.known_in =
            known_in(inner, sha256, file.view.size_bytes).await.map_err(|error| (kept, error))?;
    }
    Ok(file)
}

/// The source into which this file was imported before.
pub(super) async fn known_in(
    inner: &Arc<Inner>,
    sha256: [u8; 32],
    size_bytes: u64,
) -> Result<Option<String>> {
    let row = inner.db.read(move |tables| Ok(tables.import_of(&sha256, size_bytes)?)).await?;
    Ok(row.map(|row| {
        lock(&inner.camera_rows).get(&row.source).map(|source| source.name.clone()).unwrap_or_default()
    }))
}

fn look_into(inner: &Inner, file: &mut File, bytes: &Bytes) -> Result<()> {
    let mut info = None;
    let told = |event| {
        if let WorkerEvent::Footage(told) = event {
            info = Some(told);
        }
    };
    let (ended, ()) = serve(inner, bytes, FootageTask::Look, || inner.is_stopping(), told, drop)?;
    match (ended, info) {
        (Ended::Well, Some(info)) => {
            codec_name(info.codec).clone_into(&mut file.view.codec);
            (file.view.width, file.view.height) = (info.width, info.height);
            file.view.duration_us = info.duration_us.and_then(|us| i64::try_from(us).ok()).unwrap_or(0);
            file.info = Some(info);
            file.track = Track::beside(&file.path, inner.now());
            file.view.track = file.track.as_ref().map(|track| track.name.clone()).unwrap_or_default();
            file.view.state = FootageState::Ready;
            file.view.refusal = None;
        }
        (Ended::Refused(refusal, text), _) => file.refuse(FootageState::Refused, refusal, text),
        (Ended::Died(text), _) => file.refuse(FootageState::Refused, FootageRefusal::ReaderDied, text),
        (Ended::Well | Ended::Stopped, _) => {
            file.refuse(FootageState::Refused, FootageRefusal::Unreadable, "it was not looked at");
        }
    }
    Ok(())
}

/// Opens a file to read it, and nothing else.
pub(super) fn open(file: &File) -> Result<Bytes> {
    let no_file = || Error::invalid("this is no file");
    // To open a pipe waits for whoever writes it, and to open a device may do something.
    if !std::fs::metadata(&file.path)?.is_file() {
        return Err(no_file());
    }
    let opened = std::fs::File::open(&file.path)?;
    let data = opened.metadata()?;
    if !data.is_file() {
        return Err(no_file());
    }
    Ok(Bytes { file: opened, size_bytes: data.len() })
}

/// SHA-256 of the file; `None` if the engine stops meanwhile.
pub(super) fn hash(inner: &Inner, bytes: &Bytes) -> Result<Option<[u8; 32]>> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut reading = bytes.file.try_clone()?;
    std::io::Seek::rewind(&mut reading)?;
    loop {
        if inner.is_stopping() || inner.footage.stop.load(std::sync::atomic::Ordering::Relaxed) {
            return Ok(None);
        }
        let read = reading.read(&mut buffer)?;
        if read == 0 {
            return Ok(Some(hash.finalize().into()));
        }
        hash.update(&buffer[..read]);
    }
}
