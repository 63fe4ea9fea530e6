//! Makes a package: films first, then what vouches for them. The entry that it was given is durable before the package has
//! a name, and its proof is the last thing that goes in.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    path::Path,
};

use hausrecht_ledger::{Checkpoint, InclusionProof, VerifierKey, prove};
use hausrecht_model::{CameraId, UnixMicros};
use hausrecht_store::{ClipRow, Tables};
use hausrecht_vault::{OwnerKeys, StreamSealer};
use sha2::{Digest, Sha256};

use super::{
    CHECKPOINT, Clip, EarlierKey, FOLDER, FORMAT, Film, GIVEN, KEY, MANIFEST, Manifest, Other, PAGE, SCRIPT,
    SUMS, page, recorded_path, succeeded_path,
};
use crate::{
    Result,
    inner::Inner,
    logbook::{Hashes, Note},
    wire::Error,
};

/// A film that is to go in.
pub(crate) struct Source<R> {
    pub(crate) name: String,
    pub(crate) camera: CameraId,
    pub(crate) camera_name: String,
    pub(crate) from_us: UnixMicros,
    pub(crate) end: hausrecht_media::bulk::FileEnd,
    pub(crate) size_bytes: u64,
    pub(crate) film: R,
}

/// What the package says besides its films.
pub(crate) struct About {
    pub(crate) recipient: String,
    pub(crate) purpose: String,
    pub(crate) caption: Option<String>,
    pub(crate) ordered: u64,
    pub(crate) made_us: UnixMicros,
    pub(crate) log_key: VerifierKey,
    pub(crate) owner_key: Option<String>,
    pub(crate) earlier_keys: Vec<EarlierKey>,
    pub(crate) clips: Vec<ClipRow>,
}

/// An archive that is being written.
pub(crate) struct Archive<W: Write> {
    tar: tar::Builder<StreamSealer<W>>,
    about: About,
    films: Vec<Film>,
    others: Vec<Other>,
}

/// What a log gives a package.
pub(crate) struct Papers {
    checkpoint: String,
    /// Path, entry, proof.
    entries: Vec<(String, Vec<u8>, String)>,
}

impl<W: Write> Archive<W> {
    pub(crate) fn begin(sealer: StreamSealer<W>, about: About) -> Self {
        Self { tar: tar::Builder::new(sealer), about, films: Vec::new(), others: Vec::new() }
    }

    /// Adds a film; `on` says whether to go on.
    pub(crate) fn film<R: Read>(&mut self, source: Source<R>, on: impl Fn() -> bool) -> io::Result<()> {
        let path = format!("films/{}", source.name);
        let mut film = Hashed { source: source.film, sha256: Sha256::new(), on };
        self.append(&path, source.size_bytes, &mut film)?;
        self.films.push(Film {
            sha256: hex::encode(film.sha256.finalize()),
            path,
            size_bytes: source.size_bytes,
            camera: source.camera,
            camera_name: source.camera_name,
            from_us: source.from_us,
            duration_us: i64::try_from(source.end.duration_us).unwrap_or(i64::MAX),
            pictures: source.end.pictures,
            encoded: source.end.encoded,
            hidden_us: i64::try_from(source.end.hidden_us).unwrap_or(i64::MAX),
        });
        Ok(())
    }

    /// Adds the page and the manifest, and gives the manifest's SHA-256, which the entry is to name.
    pub(crate) fn manifest(&mut self) -> io::Result<String> {
        let about = &self.about;
        let clips = about.clips.iter().map(|row| Clip {
            clip: row.id,
            camera: row.camera,
            start_us: row.start_us,
            duration_us: row.duration_us,
            sha256: hex::encode(row.sha256),
            entry: row.entry,
        });
        let mut manifest = Manifest {
            format: FORMAT.to_owned(),
            made_us: about.made_us,
            made_with: format!("Hausrecht {}", env!("CARGO_PKG_VERSION")),
            recipient: about.recipient.clone(),
            purpose: about.purpose.clone(),
            caption: about.caption.clone(),
            log_key: about.log_key.to_string(),
            earlier_keys: about.earlier_keys.clone(),
            owner_key: about.owner_key.clone(),
            ordered: about.ordered,
            films: self.films.clone(),
            clips: clips.collect(),
            others: Vec::new(),
        };
        let page = page::page(&manifest);
        let script = include_str!("../../../ledger/check/proof.py");
        for (path, text) in [(PAGE, page.as_str()), (SCRIPT, script)] {
            self.text(path, text.as_bytes())?;
        }
        manifest.others.clone_from(&self.others);
        let bytes = serde_json::to_vec_pretty(&manifest)?;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        self.text(MANIFEST, &bytes)?;
        let films = manifest.films.iter().map(|film| (&film.sha256, &film.path));
        let others = self.others.iter().map(|other| (&other.sha256, &other.path));
        let sums: String = films.chain(others).map(|(sha256, path)| format!("{sha256}  {path}\n")).collect();
        self.text(SUMS, sums.as_bytes())?;
        Ok(sha256)
    }

    /// Adds what the log says, and ends the archive.
    pub(crate) fn finish(mut self, papers: &Papers) -> io::Result<W> {
        let key = format!("{}\n", self.about.log_key);
        self.text(KEY, key.as_bytes())?;
        self.text(CHECKPOINT, papers.checkpoint.as_bytes())?;
        for (path, leaf, proof) in &papers.entries {
            self.text(&format!("{path}.json"), leaf)?;
            self.text(&format!("{path}.proof"), proof.as_bytes())?;
        }
        self.tar.into_inner()?.finish()
    }

    fn text(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.append(path, bytes.len() as u64, bytes)?;
        self.others.push(Other {
            path: path.to_owned(),
            sha256: hex::encode(Sha256::digest(bytes)),
            size_bytes: bytes.len() as u64,
        });
        Ok(())
    }

    fn append(&mut self, path: &str, size_bytes: u64, from: impl Read) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_path(Path::new(FOLDER).join(path))?;
        header.set_size(size_bytes);
        header.set_mode(0o644);
        header.set_mtime(u64::try_from(self.about.made_us.0 / 1_000_000).unwrap_or(0));
        header.set_cksum();
        self.tar.append(&header, from)
    }
}

/// Reads a film and takes its SHA-256.
struct Hashed<R, O> {
    source: R,
    sha256: Sha256,
    on: O,
}

impl<R: Read, O: Fn() -> bool> Read for Hashed<R, O> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if !(self.on)() {
            return Err(io::Error::other("stopped"));
        }
        let read = self.source.read(bytes)?;
        self.sha256.update(&bytes[..read]);
        Ok(read)
    }
}

/// Entries that are proven in one go, so that whoever else wants the database does not wait for long.
const PROVEN_AT_ONCE: usize = 50;

/// Writes the entry of a package, and gives its number and the checkpoint that has it.
pub(crate) fn give(
    inner: &Inner,
    tables: &Tables<'_>,
    note: &Note,
    keys: Option<&OwnerKeys>,
) -> Result<(u64, Checkpoint)> {
    let given = inner.logbook.append(tables, note, keys)?;
    let row = inner.logbook.checkpoint(tables)?;
    let checkpoint = Checkpoint::verify(&row.note, &inner.logbook.verifier()?).map_err(Error::internal)?;
    Ok((given, checkpoint))
}

/// What the log says of a package and of its clips.
pub(crate) async fn papers(
    inner: &Inner,
    given: u64,
    checkpoint: Checkpoint,
    clips: &[ClipRow],
    earlier: &[EarlierKey],
) -> Result<Papers> {
    let recorded = clips.iter().map(|clip| (clip.entry, recorded_path(clip.entry)));
    let named = earlier.iter().map(|earlier| (earlier.entry, succeeded_path(earlier.entry)));
    let wanted: BTreeMap<u64, String> =
        recorded.chain(named).chain(std::iter::once((given, GIVEN.to_owned()))).collect();
    let wanted: Vec<_> = wanted.into_iter().collect();
    let mut entries = Vec::with_capacity(wanted.len());
    for some in wanted.chunks(PROVEN_AT_ONCE) {
        let (some, checkpoint) = (some.to_vec(), checkpoint.clone());
        entries.extend(
            inner
                .db
                .read(move |tables| {
                    let proven = some.into_iter().map(|(index, path)| {
                        let entry =
                            tables.entry(index)?.ok_or_else(|| Error::not_found("the entry of a clip"))?;
                        let hashes =
                            prove(checkpoint.size, index, &Hashes(tables)).map_err(Error::internal)?;
                        let proof = InclusionProof::new(index, hashes, &checkpoint);
                        Ok((path, entry.leaf, proof.to_string()))
                    });
                    proven.collect::<Result<Vec<_>>>()
                })
                .await?,
        );
    }
    Ok(Papers { checkpoint: checkpoint.text, entries })
}
