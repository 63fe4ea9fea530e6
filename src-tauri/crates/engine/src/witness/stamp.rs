//! Time stamps: an authority that the owner names attests once a day that the newest checkpoint was there (RFC 3161, over HTTP as in its
//! section 3.4). It learns a hash of the checkpoint, and nothing else. Whose signature a stamp carries is checked by whoever is shown it
//! (`openssl ts -verify`); here it is checked that it is about this checkpoint.

use std::{path::Path, sync::Arc};

use cms::signed_data::SignedData;
use der::{Decode, Encode, asn1::Int, asn1::OctetString, oid::db::rfc5912::ID_SHA_256};
use hausrecht_ledger::{Checkpoint, Kind};
use hausrecht_model::UnixMicros;
use hausrecht_store::StampRow;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion, TstInfo};

use super::{
    ask::{AGAIN_US, EVERY_US},
    post::post,
};
use crate::{
    Handle, Result,
    handle::blocking,
    inner::Inner,
    logbook::Note,
    wire::{Error, StampView, StampsExported, TimeStamps},
};

/// Where the authority is kept, and how it answered.
const AUTHORITY: &str = "time_authority";
/// Stamps that are exported, and verified, at most: some 27 years.
pub(crate) const STAMPS_MAX: u32 = 10_000;
/// What is exported goes into a folder of this name.
const FOLDER: &str = "hausrecht-time-stamps";

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Authority {
    url: String,
    /// When it was asked last.
    asked_us: Option<UnixMicros>,
    /// What was wrong then.
    problem: Option<String>,
}

impl Handle {
    /// The authority and what it has stamped.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn time_stamps(&self) -> Result<TimeStamps> {
        self.inner.signed_in()?.owner_keys()?;
        view(&self.inner).await
    }

    /// Names an authority and lets it stamp the log at once, or none.
    ///
    /// # Errors
    /// Only the owner; the address is none.
    pub async fn set_time_authority(&self, url: Option<String>) -> Result<TimeStamps> {
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        let authority = match url {
            None => None,
            Some(text) => {
                let address = url::Url::parse(text.trim())
                    .ok()
                    .filter(|url| {
                        matches!(url.scheme(), "http" | "https") && url.has_host() && url.password().is_none()
                    })
                    .ok_or_else(|| {
                        Error::invalid(
                            "the address of a time stamping authority is like https://tsa.example/tsr",
                        )
                    })?;
                Some(Authority { url: address.to_string(), asked_us: None, problem: None })
            }
        };
        let note = Note::new(Kind::SettingChanged)
            .by(person.id)
            .fact("setting", "time_authority")
            .fact("to", authority.as_ref().map_or_else(String::new, |authority| host(&authority.url)));
        let text = authority.as_ref().map(serde_json::to_string).transpose()?;
        let writer = Arc::clone(&self.inner);
        self.inner
            .db
            .write(move |tables| {
                match text {
                    Some(text) => tables.set_meta(AUTHORITY, &text)?,
                    None => tables.delete_meta(AUTHORITY)?,
                }
                writer.logbook.append(tables, &note, Some(&keys))
            })
            .await?;
        if let Some(authority) = authority {
            ask(&self.inner, authority).await?;
        }
        view(&self.inner).await
    }

    /// Lets the authority stamp the log now.
    ///
    /// # Errors
    /// Only the owner; there is no authority.
    pub async fn stamp_now(&self) -> Result<TimeStamps> {
        self.inner.signed_in()?.owner_keys()?;
        let authority =
            authority_of(&self.inner).await?.ok_or_else(|| Error::not_found("a time stamping authority"))?;
        ask(&self.inner, authority).await?;
        view(&self.inner).await
    }

    /// Writes all stamps with their checkpoints into a folder below `folder`, for `openssl ts`. Logged.
    ///
    /// # Errors
    /// Only the owner; the folder does not take them.
    pub async fn export_stamps(&self, folder: &Path) -> Result<StampsExported> {
        let person = self.inner.signed_in()?;
        person.owner_keys()?;
        let stamps = self.inner.db.read(|tables| Ok(tables.stamps(STAMPS_MAX)?)).await?;
        self.inner.log(Note::new(Kind::LogExported).by(person.id).fact("what", "stamps")).await?;
        let folder = folder.join(FOLDER);
        blocking(move || {
            let unwritable = |error: std::io::Error| {
                Error::invalid(format!(
                    "{} cannot be written ({error}): choose another folder",
                    folder.display()
                ))
            };
            std::fs::create_dir_all(&folder).map_err(unwritable)?;
            for stamp in &stamps {
                let name = folder.join(format!("checkpoint-{}", stamp.size));
                std::fs::write(name.with_extension("txt"), &stamp.note).map_err(unwritable)?;
                std::fs::write(name.with_extension("tsr"), &stamp.token).map_err(unwritable)?;
            }
            Ok(StampsExported { count: stamps.len() as u64, folder: folder.display().to_string() })
        })
        .await
    }
}

/// Lets the authority stamp the log when its day has come.
pub(super) async fn follow_up(inner: &Arc<Inner>) -> Result<()> {
    let Some(authority) = authority_of(inner).await? else { return Ok(()) };
    let since = authority.asked_us.map_or(i64::MAX, |us| inner.now().0.saturating_sub(us.0).abs());
    if since > if authority.problem.is_some() { AGAIN_US } else { EVERY_US } {
        ask(inner, authority).await?;
    }
    Ok(())
}

/// Whether `token` is about `note`: `None` if it is, else why not.
pub(crate) fn differs(note: &str, token: &[u8]) -> Option<String> {
    match read(token) {
        Ok(stamp) if stamp.is_about(note) => None,
        Ok(_) => Some("the time stamp is about something else".into()),
        Err(why) => Some(why),
    }
}

async fn authority_of(inner: &Inner) -> Result<Option<Authority>> {
    let text = inner.db.read(|tables| Ok(tables.meta(AUTHORITY)?)).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

async fn view(inner: &Inner) -> Result<TimeStamps> {
    let authority = authority_of(inner).await?;
    let (count, newest) = inner.db.read(|tables| Ok(tables.newest_stamp()?)).await?;
    Ok(TimeStamps {
        problem: authority.as_ref().and_then(|authority| authority.problem.clone()),
        authority: authority.map(|authority| authority.url),
        count,
        newest: newest.map(|row| StampView {
            size: row.size,
            time_us: row.time_us,
            authority: row.authority,
        }),
    })
}

/// Has the newest checkpoint stamped, and keeps what came.
async fn ask(inner: &Arc<Inner>, mut authority: Authority) -> Result<()> {
    let log = inner.logbook.verifier()?;
    let writer = Arc::clone(inner);
    let row = inner.db.write(move |tables| writer.logbook.checkpoint(tables)).await?;
    let checkpoint = Checkpoint::verify(&row.note, &log).map_err(Error::internal)?;
    let outcome = stamp(&authority.url, &row.note).await;
    authority.asked_us = Some(inner.now());
    let was = authority.problem.take();
    let stamped = match outcome {
        Ok((time_us, token)) => Some(StampRow {
            size: checkpoint.size,
            time_us,
            authority: authority.url.clone(),
            note: row.note,
            token,
        }),
        Err(why) => {
            authority.problem = Some(why);
            None
        }
    };
    let is_new_problem = authority.problem.is_some() && was.is_none();
    let note = match (&stamped, &authority.problem) {
        (Some(stamp), _) => Some(
            Note::new(Kind::Witnessed)
                .fact("authority", host(&authority.url))
                .fact("size", stamp.size)
                .fact("time_us", stamp.time_us.0),
        ),
        (None, Some(why)) if is_new_problem => Some(
            Note::new(Kind::Error)
                .fact("what", "time stamp")
                .fact("authority", host(&authority.url))
                .fact("why", why.clone()),
        ),
        (None, _) => None,
    };
    let text = serde_json::to_string(&authority)?;
    inner
        .db
        .write(move |tables| {
            // Somebody may have named another one meanwhile.
            if tables.meta(AUTHORITY)?.is_some_and(|now| {
                serde_json::from_str::<Authority>(&now).is_ok_and(|now| now.url == authority.url)
            }) {
                tables.set_meta(AUTHORITY, &text)?;
            }
            if let Some(stamp) = &stamped {
                tables.put_stamp(stamp)?;
            }
            Ok(())
        })
        .await?;
    if let Some(note) = note {
        inner.log_or_tell(note).await;
    }
    Ok(())
}

fn host(url: &str) -> String {
    url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// Asks for a stamp of `note`: its time, and the answer as it came.
async fn stamp(url: &str, note: &str) -> std::result::Result<(UnixMicros, Vec<u8>), String> {
    let nonce: [u8; 8] = rand::random();
    let request = request(note, nonce).map_err(|error| error.to_string())?;
    let (status, answer) = post(url, "application/timestamp-query", request).await?;
    if status != 200 {
        return Err(format!(
            "it answers {status}: is this the address of a time stamping authority (RFC 3161)?"
        ));
    }
    let stamp = read(&answer)?;
    if !stamp.is_about(note) {
        return Err("it stamped something else than it was asked to".into());
    }
    if stamp.nonce.as_deref().map(without_zeros) != Some(without_zeros(&positive(nonce))) {
        return Err("its answer is not to this question".into());
    }
    Ok((stamp.time_us, answer))
}

/// As DER has a positive number: the highest bit stands for a minus.
fn positive(nonce: [u8; 8]) -> [u8; 8] {
    let mut bytes = nonce;
    bytes[0] = bytes[0] & 0x3f | 0x40;
    bytes
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

fn request(note: &str, nonce: [u8; 8]) -> der::Result<Vec<u8>> {
    TimeStampReq {
        version: TspVersion::V1,
        message_imprint: MessageImprint {
            hash_algorithm: x509_tsp_algorithm(),
            hashed_message: OctetString::new(Sha256::digest(note).to_vec())?,
        },
        req_policy: None,
        nonce: Some(Int::new(&positive(nonce))?),
        cert_req: true,
        extensions: None,
    }
    .to_der()
}

fn x509_tsp_algorithm() -> cms::cert::x509::spki::AlgorithmIdentifier<der::Any> {
    cms::cert::x509::spki::AlgorithmIdentifier { oid: ID_SHA_256, parameters: Some(der::Any::null()) }
}

/// What a stamp says.
struct Stamp {
    /// What was stamped.
    sha256: Vec<u8>,
    is_sha256: bool,
    time_us: UnixMicros,
    nonce: Option<Vec<u8>>,
}

impl Stamp {
    fn is_about(&self, note: &str) -> bool {
        self.is_sha256 && self.sha256 == Sha256::digest(note).as_slice()
    }
}

fn read(answer: &[u8]) -> std::result::Result<Stamp, String> {
    let unreadable = |error: der::Error| format!("its answer is no time stamp ({error})");
    let response = TimeStampResp::from_der(answer).map_err(unreadable)?;
    let Some(token) = response.time_stamp_token else {
        return Err(format!("it refuses to stamp ({:?})", response.status.status));
    };
    let signed: SignedData = token.content.decode_as().map_err(unreadable)?;
    let content = signed.encap_content_info.econtent.ok_or("its time stamp is empty")?;
    let content: OctetString = content.decode_as().map_err(unreadable)?;
    let info = TstInfo::from_der(content.as_bytes()).map_err(unreadable)?;
    let time = info.gen_time.to_unix_duration();
    Ok(Stamp {
        sha256: info.message_imprint.hashed_message.as_bytes().to_vec(),
        is_sha256: info.message_imprint.hash_algorithm.oid == ID_SHA_256,
        time_us: UnixMicros(i64::try_from(time.as_micros()).map_err(|_| "its clock is beyond all years")?),
        nonce: info.nonce.map(|nonce| nonce.as_bytes().to_vec()),
    })
}
