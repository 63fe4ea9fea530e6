//! The memory of a witness: for each log the last checkpoint that it cosigned. It never cosigns one that does not continue that, and what
//! it remembers is on the disk before its signature is given away.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::SigningKey;
use hausrecht_ledger::{Checkpoint, VerifierKey, WitnessKey, check_consistency, cosign};
use hausrecht_model::Clock;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Result, handle::OWNER_FILE, inner::lock, wire::Error};

/// Hashes of a proof, at most.
const PROOF_MAX: usize = 63;
/// The file with the witness's key.
const KEY_FILE: &str = "witness-key.json";

/// A witness.
pub struct Witness {
    folder: PathBuf,
    name: String,
    signing: SigningKey,
    logs: Vec<VerifierKey>,
    clock: Arc<dyn Clock>,
    /// One at a time: what is compared must be what is replaced.
    turn: Mutex<()>,
}

/// What a witness answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WitnessAnswer {
    /// HTTP status.
    pub status: u16,
    /// Its content type.
    pub content_type: &'static str,
    /// Its body.
    pub body: String,
}

#[derive(Serialize, Deserialize)]
struct KeyFile {
    name: String,
    /// The Ed25519 seed, base64.
    seed: String,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    origin: String,
    size: u64,
    root: String,
    note: String,
}

impl Witness {
    /// A witness that remembers in `folder`, for the logs of these keys. Its key is made when there is none; `name` is then its name, which stays.
    ///
    /// # Errors
    /// A key is none; the folder cannot be written, or holds a vault; the witness's key is damaged; the name cannot be one.
    pub fn open(folder: &Path, name: &str, logs: &[String], clock: Arc<dyn Clock>) -> Result<Self> {
        let parsed = |text: &String| {
            let key = text.trim().parse::<VerifierKey>();
            key.map_err(|error| {
                Error::invalid(format!("the key of a log: {error}; `hausrecht log key` prints it"))
            })
        };
        let logs = logs.iter().map(parsed).collect::<Result<Vec<_>>>()?;
        if folder.join(OWNER_FILE).exists() {
            return Err(Error::invalid(format!(
                "{} holds a vault: a witness needs a folder of its own, and is best on another computer",
                folder.display()
            )));
        }
        fs::create_dir_all(folder)?;
        let path = folder.join(KEY_FILE);
        let damaged = || {
            Error::invalid(format!(
                "{} is damaged: put it back from a copy; with another key this is another witness",
                path.display()
            ))
        };
        let (name, signing) = if path.exists() {
            let text = Zeroizing::new(fs::read_to_string(&path)?);
            let file: KeyFile = serde_json::from_str(&text).map_err(|_| damaged())?;
            let seed = Zeroizing::new(BASE64_STANDARD.decode(&file.seed).map_err(|_| damaged())?);
            let seed: [u8; 32] = seed.as_slice().try_into().map_err(|_| damaged())?;
            (file.name, SigningKey::from_bytes(&seed))
        } else {
            let signing = SigningKey::from_bytes(&Zeroizing::new(rand::random::<[u8; 32]>()));
            WitnessKey::new(name, signing.verifying_key())
                .map_err(|error| Error::invalid(error.to_string()))?;
            let file = KeyFile { name: name.to_owned(), seed: BASE64_STANDARD.encode(signing.to_bytes()) };
            replace(&path, &Zeroizing::new(serde_json::to_vec_pretty(&file)?))?;
            (name.to_owned(), signing)
        };
        Ok(Self { folder: folder.to_owned(), name, signing, logs, clock, turn: Mutex::default() })
    }

    /// What a log's owner is told, so that it knows this witness.
    ///
    /// # Errors
    /// The name cannot be one.
    pub fn key(&self) -> Result<String> {
        let key = WitnessKey::new(&self.name, self.signing.verifying_key());
        Ok(key.map_err(|error| Error::invalid(error.to_string()))?.to_string())
    }

    /// Answers `POST add-checkpoint`.
    pub fn add_checkpoint(&self, body: &str) -> WitnessAnswer {
        let plain = |status, text: &str| WitnessAnswer {
            status,
            content_type: "text/plain; charset=utf-8",
            body: format!("{text}\n"),
        };
        let Some((old, proof, note)) = parse(body) else {
            return plain(400, "not an add-checkpoint request");
        };
        let origin = note.lines().next().unwrap_or_default();
        let Some(log) = self.logs.iter().find(|log| log.name() == origin) else {
            return plain(404, "this witness does not know that log");
        };
        let Ok(checkpoint) = Checkpoint::verify(note, log) else {
            return plain(403, "the checkpoint is not signed by the key that is known of that log");
        };
        if old > checkpoint.size {
            return plain(400, "the old size is larger than the checkpoint's");
        }
        let _turn = lock(&self.turn);
        let remembered = match self.remembered(origin) {
            Ok(remembered) => remembered,
            Err(error) => {
                tracing::error!("{error}");
                return plain(500, "what this witness remembers cannot be read");
            }
        };
        let (size, root) = remembered.unwrap_or((0, empty_root()));
        if old != size || (old == checkpoint.size && root != checkpoint.root) {
            return WitnessAnswer {
                status: 409,
                content_type: "text/x.tlog.size",
                body: format!("{size}\n"),
            };
        }
        // The empty tree is the beginning of every other, and has no proof.
        let continues = match size {
            0 => proof.is_empty(),
            size => check_consistency(&proof, size, &root, checkpoint.size, &checkpoint.root).is_ok(),
        };
        if !continues {
            return plain(422, "the proof does not lead from what was cosigned last to this checkpoint");
        }
        let time = u64::try_from(self.clock.now().0 / 1_000_000).unwrap_or(0);
        let line = match self
            .remember(&checkpoint)
            .and_then(|()| cosign(&self.name, &self.signing, &checkpoint, time).map_err(Error::internal))
        {
            Ok(line) => line,
            Err(error) => {
                tracing::error!("{error}");
                return plain(500, "this witness cannot remember it now");
            }
        };
        WitnessAnswer { status: 200, content_type: "text/plain; charset=utf-8", body: line }
    }

    fn path_of(&self, origin: &str) -> PathBuf {
        self.folder.join(format!("{}.json", hex::encode(&Sha256::digest(origin.as_bytes())[..16])))
    }

    fn remembered(&self, origin: &str) -> Result<Option<(u64, [u8; 32])>> {
        let path = self.path_of(origin);
        if !path.exists() {
            return Ok(None);
        }
        let damaged = || Error::internal(format!("{} is damaged", path.display()));
        let kept: Remembered = serde_json::from_str(&fs::read_to_string(&path)?).map_err(|_| damaged())?;
        let mut root = [0; 32];
        hex::decode_to_slice(&kept.root, &mut root).map_err(|_| damaged())?;
        if kept.origin != origin {
            return Err(damaged());
        }
        Ok(Some((kept.size, root)))
    }

    fn remember(&self, checkpoint: &Checkpoint) -> Result<()> {
        let kept = Remembered {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: hex::encode(checkpoint.root),
            note: checkpoint.text.clone(),
        };
        Ok(replace(&self.path_of(&checkpoint.origin), &serde_json::to_vec_pretty(&kept)?)?)
    }
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witness").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The root of no entries, RFC 6962, section 2.1.
fn empty_root() -> [u8; 32] {
    Sha256::digest(b"").into()
}

/// Old size, proof, checkpoint.
fn parse(body: &str) -> Option<(u64, Vec<[u8; 32]>, &str)> {
    let (head, note) = body.split_once("\n\n")?;
    let mut lines = head.split('\n');
    let digits = lines.next()?.strip_prefix("old ")?;
    let old: u64 = digits.parse().ok()?;
    // Only the plain decimal form: no sign, no leading zero.
    if old.to_string() != digits {
        return None;
    }
    let proof: Vec<[u8; 32]> =
        lines.map(|line| BASE64_STANDARD.decode(line).ok()?.try_into().ok()).collect::<Option<_>>()?;
    (proof.len() <= PROOF_MAX).then_some((old, proof, note))
}

/// Written beside, synced, renamed.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
