//! The log's own side: each witness is shown the newest checkpoint once a day, and whatever it remembers otherwise is said at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hausrecht_ledger::{Checkpoint, Kind, WitnessKey, prove_consistency};
use hausrecht_model::UnixMicros;
use serde::{Deserialize, Serialize};

use super::{post::post, stamp};
use crate::{
    Handle, Result,
    inner::Inner,
    logbook::{Hashes, Note},
    wire::{Error, NoticeKind, WitnessProblem, WitnessTrouble, WitnessView},
};

/// Where the witnesses are kept, and what they have said.
const WITNESSES: &str = "witnesses";
const SAID: &str = "witnesses_said";
const WITNESSES_MAX: usize = 8;
/// How often a witness is shown the log.
pub(super) const EVERY_US: i64 = 86_400_000_000;
/// How long one that did not answer is left alone.
pub(super) const AGAIN_US: i64 = 3_600_000_000;
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// A witness that the owner named.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Named {
    url: String,
    key: String,
}

/// What a witness has said.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Said {
    /// Entries that it saw last.
    size: u64,
    /// When, by its clock.
    seen_us: Option<UnixMicros>,
    /// When it was asked last.
    asked_us: Option<UnixMicros>,
    /// The checkpoint with its line.
    note: String,
    problem: Option<WitnessProblem>,
}

impl Handle {
    /// The witnesses and what they have said.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn witnesses(&self) -> Result<Vec<WitnessView>> {
        self.inner.signed_in()?.owner_keys()?;
        views(&self.inner).await
    }

    /// Names a witness, and shows it the log at once. What it answers stands in the list.
    ///
    /// # Errors
    /// Only the owner; the address or the key is none; there are eight already.
    pub async fn add_witness(&self, url: String, key: String) -> Result<Vec<WitnessView>> {
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        let witness: WitnessKey = key.trim().parse().map_err(|error| Error::invalid(format!("{error}")))?;
        let address = url::Url::parse(url.trim())
            .ok()
            .filter(|url| {
                matches!(url.scheme(), "http" | "https") && url.has_host() && url.password().is_none()
            })
            .ok_or_else(|| Error::invalid("the address of a witness is like http://192.168.1.20:8642/"))?;
        let named = Named { url: address.to_string(), key: witness.to_string() };
        let mut all = named_of(&self.inner).await?;
        all.retain(|one| one.url != named.url);
        if all.len() >= WITNESSES_MAX {
            return Err(Error::invalid(format!("{WITNESSES_MAX} witnesses are the most")));
        }
        all.push(named.clone());
        let note = Note::new(Kind::SettingChanged)
            .by(person.id)
            .fact("setting", "witness_added")
            .fact("to", witness.name());
        keep(&self.inner, &all, note, &keys).await?;
        ask(&self.inner, &named).await?;
        views(&self.inner).await
    }

    /// Shows a witness the log no more.
    ///
    /// # Errors
    /// Only the owner; there is no such witness.
    pub async fn remove_witness(&self, url: String) -> Result<Vec<WitnessView>> {
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        let mut all = named_of(&self.inner).await?;
        let index =
            all.iter().position(|one| one.url == url).ok_or_else(|| Error::not_found("this witness"))?;
        let gone = all.remove(index);
        let name = gone.key.split('+').next().unwrap_or_default().to_owned();
        let note =
            Note::new(Kind::SettingChanged).by(person.id).fact("setting", "witness_removed").fact("to", name);
        keep(&self.inner, &all, note, &keys).await?;
        change_said(&self.inner, |said| drop(said.remove(&gone.url))).await?;
        views(&self.inner).await
    }

    /// Shows all witnesses the log now.
    ///
    /// # Errors
    /// Only the owner; the database cannot be written.
    pub async fn ask_witnesses(&self) -> Result<Vec<WitnessView>> {
        self.inner.signed_in()?.owner_keys()?;
        for named in named_of(&self.inner).await? {
            ask(&self.inner, &named).await?;
        }
        views(&self.inner).await
    }
}

/// Shows each witness the log when its day has come.
pub(crate) async fn follow(inner: Arc<Inner>) {
    let mut stopping = inner.stopping.subscribe();
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        let due = async {
            let (all, said, now) = (named_of(&inner).await?, said_of(&inner).await?, inner.now());
            for named in all {
                let last = said.get(&named.url).cloned().unwrap_or_default();
                let since =
                    |us: Option<UnixMicros>| us.map_or(i64::MAX, |us| now.0.saturating_sub(us.0).abs());
                if since(last.asked_us) > if last.problem.is_some() { AGAIN_US } else { EVERY_US } {
                    ask(&inner, &named).await?;
                }
            }
            stamp::follow_up(&inner).await
        };
        if let Err(error) = due.await {
            tracing::warn!("witnesses are not asked: {error}");
        }
    }
}

async fn named_of(inner: &Inner) -> Result<Vec<Named>> {
    let text = inner.db.read(|tables| Ok(tables.meta(WITNESSES)?)).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

async fn said_of(inner: &Inner) -> Result<BTreeMap<String, Said>> {
    let text = inner.db.read(|tables| Ok(tables.meta(SAID)?)).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

async fn change_said(inner: &Inner, change: impl FnOnce(&mut BTreeMap<String, Said>)) -> Result<()> {
    let mut said = said_of(inner).await?;
    change(&mut said);
    let text = serde_json::to_string(&said)?;
    inner.db.write(move |tables| Ok(tables.set_meta(SAID, &text)?)).await
}

async fn keep(
    inner: &Arc<Inner>,
    all: &[Named],
    note: Note,
    keys: &Arc<hausrecht_vault::OwnerKeys>,
) -> Result<()> {
    let (writer, keys, text) = (Arc::clone(inner), Arc::clone(keys), serde_json::to_string(all)?);
    inner
        .db
        .write(move |tables| {
            tables.set_meta(WITNESSES, &text)?;
            writer.logbook.append(tables, &note, Some(&keys))
        })
        .await
        .map(drop)
}

async fn views(inner: &Inner) -> Result<Vec<WitnessView>> {
    let (all, mut said) = (named_of(inner).await?, said_of(inner).await?);
    Ok(all
        .into_iter()
        .map(|named| {
            let said = said.remove(&named.url).unwrap_or_default();
            WitnessView {
                name: named.key.split('+').next().unwrap_or_default().to_owned(),
                url: named.url,
                key: named.key,
                size: said.size,
                seen_us: said.seen_us,
                problem: said.problem,
            }
        })
        .collect())
}

/// Shows a witness the newest checkpoint, and keeps what it says.
async fn ask(inner: &Arc<Inner>, named: &Named) -> Result<()> {
    let key: WitnessKey = named.key.parse().map_err(|error| Error::invalid(format!("{error}")))?;
    let last = said_of(inner).await?.remove(&named.url).unwrap_or_default();
    let outcome = match show(inner, &named.url, &key, last.size).await? {
        // It remembers another size than we thought: after a restore, for example, or if it is shared.
        Shown::Remembers { size, own } if size < own => show(inner, &named.url, &key, size).await?,
        other @ (Shown::Cosigned { .. }
        | Shown::Remembers { .. }
        | Shown::DoesNotFollow
        | Shown::Unknown(_)
        | Shown::Silent(_)) => other,
    };
    let trouble = |trouble, detail: String| WitnessProblem { trouble, detail };
    let problem = match outcome {
        Shown::Cosigned { checkpoint, line, time_s } => {
            let seen_us = UnixMicros(i64::try_from(time_s).unwrap_or(0).saturating_mul(1_000_000));
            let new = Said {
                size: checkpoint.size,
                seen_us: Some(seen_us),
                asked_us: Some(inner.now()),
                note: format!("{}{line}", checkpoint.text),
                problem: None,
            };
            change_said(inner, |said| drop(said.insert(named.url.clone(), new))).await?;
            let is_first =
                last.seen_us.is_none_or(|before| seen_us.0.saturating_sub(before.0) >= EVERY_US / 2);
            if is_first || last.problem.is_some() {
                let note =
                    Note::new(Kind::Witnessed).fact("witness", key.name()).fact("size", checkpoint.size);
                inner.log_or_tell(note).await;
            }
            return Ok(());
        }
        Shown::Remembers { size, own } if size > own => trouble(
            WitnessTrouble::Cut,
            format!("it has seen {size} entries, and the log has {own}: something was cut off its end"),
        ),
        Shown::Remembers { size, .. } => trouble(
            WitnessTrouble::Fork,
            format!("it has seen other entries than these, among the first {size}: the log was written anew"),
        ),
        Shown::DoesNotFollow => trouble(
            WitnessTrouble::Fork,
            format!("what it saw of the first {} entries is not what the log has now", last.size),
        ),
        Shown::Unknown(detail) => trouble(WitnessTrouble::Refused, detail),
        Shown::Silent(detail) => trouble(WitnessTrouble::Silent, detail),
    };
    let is_grave = matches!(problem.trouble, WitnessTrouble::Cut | WitnessTrouble::Fork);
    let is_new = last.problem.as_ref().map(|last| last.trouble) != Some(problem.trouble);
    if is_grave && is_new {
        let note = Note::new(Kind::Error)
            .fact("what", "witness")
            .fact("witness", key.name())
            .fact("detail", problem.detail.clone());
        inner.log_or_tell(note).await;
        inner.notice(NoticeKind::WitnessDiffers, None, format!("{}: {}", key.name(), problem.detail));
    }
    let new = Said { asked_us: Some(inner.now()), problem: Some(problem), ..last };
    change_said(inner, |said| drop(said.insert(named.url.clone(), new))).await
}

/// What came of showing it.
enum Shown {
    Cosigned {
        checkpoint: Checkpoint,
        line: String,
        time_s: u64,
    },
    /// It remembers this many entries; the log has `own`.
    Remembers {
        size: u64,
        own: u64,
    },
    DoesNotFollow,
    Unknown(String),
    Silent(String),
}

async fn show(inner: &Arc<Inner>, url: &str, key: &WitnessKey, old: u64) -> Result<Shown> {
    let log = inner.logbook.verifier()?;
    let writer = Arc::clone(inner);
    let (row, proof) = inner
        .db
        .write(move |tables| {
            let row = writer.logbook.checkpoint(tables)?;
            let proof = if old == 0 || old > row.size {
                Vec::new()
            } else {
                prove_consistency(old, row.size, &Hashes(tables)).map_err(Error::internal)?
            };
            Ok((row, proof))
        })
        .await?;
    let checkpoint = Checkpoint::verify(&row.note, &log).map_err(Error::internal)?;
    if old > checkpoint.size {
        return Ok(Shown::Remembers { size: old, own: checkpoint.size });
    }
    let mut body = format!("old {old}\n");
    for hash in proof {
        body.push_str(&BASE64_STANDARD.encode(hash));
        body.push('\n');
    }
    body.push('\n');
    body.push_str(&checkpoint.text);
    let address = format!("{}/add-checkpoint", url.trim_end_matches('/'));
    let (status, answer) = match post(&address, "text/plain; charset=utf-8", body.into_bytes()).await {
        Ok((status, bytes)) => (status, String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => return Ok(Shown::Silent(error)),
    };
    Ok(match status {
        200 => match key.verify(&checkpoint, &answer) {
            Ok((line, time_s)) => Shown::Cosigned { checkpoint, line, time_s },
            Err(error) => Shown::Unknown(format!(
                "{error}: somebody else answers at this address, or the key is another's"
            )),
        },
        409 => match answer.trim().parse() {
            Ok(size) => Shown::Remembers { size, own: checkpoint.size },
            Err(_) => Shown::Unknown("it answers 409 without a size".into()),
        },
        422 => Shown::DoesNotFollow,
        403 | 404 => Shown::Unknown(format!("it does not know this log: give it the key {log}")),
        other => Shown::Silent(format!("it answers {other}")),
    })
}
