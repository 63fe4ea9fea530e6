//! Questions to those who must agree before a clip is opened. To agree is to take one's own layer off the wrap: without it
//! neither the person nor this computer could open the clip, whatever the program wanted.

use std::{sync::Arc, time::Duration};

use hausrecht_ledger::Kind;
use hausrecht_model::{AskId, ClipId, GrantId, UnixMicros};
use hausrecht_store::{AskRow, ClipRow, GrantRow};
use hausrecht_vault::{ClipKey, Identity, OwnerKeys, PersonKeys, SecretString, open_with};

use super::{Handle, blocking, clips::Wraps};
use crate::{
    Result,
    grants::in_force,
    inner::{Inner, lock},
    logbook::Note,
    session::{Keys, SignedIn},
    wire::{AskView, Error, ErrorCode, Event},
};

/// How long a question waits for its answer, and an agreement for its opening.
const HOLDS: Duration = Duration::from_secs(24 * 3600);
/// How long answers are shown.
const SHOWN: Duration = Duration::from_secs(7 * 86_400);
/// Questions of one person that may wait.
const WAITING_MAX: usize = 50;

impl Handle {
    /// Asks whoever must agree whether a clip may be opened.
    ///
    /// # Errors
    /// Nobody is signed in; the clip does not exist for this person, or opens without asking.
    pub async fn ask(&self, clip: ClipId) -> Result<AskView> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let (row, wraps) = self.visible_clip(&person, clip).await?;
        let grant = asked_grant(inner, &person, &wraps)
            .ok_or_else(|| Error::invalid("nobody has to agree to this"))?;
        let now = inner.now();
        let asks = inner.db.read(move |tables| Ok(tables.asks(now.minus(SHOWN))?)).await?;
        let waits = |ask: &&AskRow| ask.agreed.is_none() && ask.asked_us >= now.minus(HOLDS);
        if let Some(ask) = asks.iter().find(|ask| ask.clip == clip && ask.grant == grant.id && waits(ask)) {
            return Ok(ask_view(inner, &person, ask, &grant, &row));
        }
        let theirs = |ask: &&AskRow| {
            lock(&inner.grants).iter().any(|one| one.id == ask.grant && one.person == person.id)
        };
        if asks.iter().filter(waits).filter(theirs).count() >= WAITING_MAX {
            return Err(Error::invalid(format!(
                "{WAITING_MAX} questions wait already: let some be answered first"
            )));
        }
        let mut note = Note::new(Kind::Asked).by(person.id).camera(row.camera).clip(clip);
        note.person = grant.second;
        note.grant = Some(grant.id);
        note.refers_to = Some(grant.entry);
        let mut ask = AskRow {
            id: AskId::random(&mut rand::rng()),
            grant: grant.id,
            clip,
            asked_us: now,
            entry: 0,
            answered_us: None,
            agreed: None,
            wrap: None,
        };
        let writer = Arc::clone(inner);
        let ask = inner
            .db
            .write(move |tables| {
                ask.entry = writer.logbook.append(tables, &note, None)?;
                tables.insert_ask(&ask)?;
                Ok(ask)
            })
            .await?;
        inner.tell(Event::LogGrew(ask.entry + 1));
        inner.tell(Event::GrantsChanged);
        Ok(ask_view(inner, &person, &ask, &grant, &row))
    }

    /// Questions of the last days: one's own, and those that one is to answer. For the owner all.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn asks(&self) -> Result<Vec<AskView>> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let since = inner.now().minus(SHOWN);
        let rows = inner
            .db
            .read(move |tables| {
                let asks = tables.asks(since)?;
                let clips = asks.iter().map(|ask| tables.clip(ask.clip)).collect::<Result<Vec<_>, _>>()?;
                Ok(asks.into_iter().zip(clips).collect::<Vec<_>>())
            })
            .await?;
        let grants = lock(&inner.grants).clone();
        let mut views = Vec::new();
        for (ask, clip) in rows {
            let grant = grants.iter().find(|grant| grant.id == ask.grant);
            let Some((grant, clip)) = grant.zip(clip) else { continue };
            let concerns =
                person.owner().is_some() || grant.person == person.id || grant.second == Some(person.id);
            if concerns {
                views.push(ask_view(inner, &person, &ask, grant, &clip));
            }
        }
        Ok(views)
    }

    /// Answers a question that was put to whoever is signed in.
    ///
    /// # Errors
    /// Nobody is signed in; the question was answered, is too old, or was put to somebody else.
    pub async fn answer(&self, id: AskId, agree: bool) -> Result<()> {
        let person = self.inner.signed_in()?;
        let (ask, grant, row, wraps) = self.waiting(id).await?;
        if grant.second != Some(person.id) {
            return Err(Error::not_found("this question"));
        }
        self.put_answer(&person, person.keys.identity().clone(), (ask, grant, row, wraps), agree).await
    }

    /// Agrees at the window of whoever asks: the one who must agree types the passphrase there. Nothing else opens for them.
    ///
    /// # Errors
    /// Nobody is signed in; the passphrase is wrong; the question was answered or is too old.
    pub async fn agree_here(&self, id: AskId, passphrase: String) -> Result<()> {
        let inner = &self.inner;
        let asker = inner.signed_in()?;
        let (ask, grant, row, wraps) = self.waiting(id).await?;
        if grant.person != asker.id {
            return Err(Error::not_found("this question"));
        }
        let second = grant.second.ok_or_else(|| Error::not_found("this question"))?;
        let second = lock(&inner.people).iter().find(|row| row.id == second).cloned();
        let second = second.filter(|row| row.may_sign_in(inner.now()));
        let second = second.ok_or_else(|| Error::not_found("the person who must agree"))?;
        let _one = inner.trying.lock().await;
        let wait = lock(&inner.session).next_try.saturating_sub(inner.options.clock.monotonic());
        tokio::time::sleep(wait.min(Duration::from_secs(30))).await;
        let file = std::fs::read(inner.key_file(&second))?;
        let secret = SecretString::from(passphrase);
        let is_owner = second.owner;
        let opened = blocking(move || {
            Ok(if is_owner {
                Keys::Owner(Arc::new(OwnerKeys::open(&file, &secret)?))
            } else {
                Keys::Person(Arc::new(PersonKeys::open(&file, &secret)?))
            })
        })
        .await;
        let keys = match opened {
            Ok(keys) => keys,
            Err(error) if error.code == ErrorCode::WrongPassphrase => {
                let now = inner.options.clock.monotonic();
                lock(&inner.session).wrong_try(now);
                let mut note = Note::new(Kind::UnlockRefused).by(asker.id);
                note.person = Some(second.id);
                inner.log_or_tell(note).await;
                return Err(Error::new(
                    ErrorCode::WrongPassphrase,
                    "this is not the passphrase of the one who must agree",
                ));
            }
            Err(error) => return Err(error),
        };
        inner.still(&asker)?;
        let identity = keys.identity().clone();
        let name = String::from_utf8_lossy(&open_with(&identity, &second.name_self)?).into_owned();
        let agreeing = SignedIn { id: second.id, name, number: asker.number, color: second.color, keys };
        self.put_answer(&agreeing, identity, (ask, grant, row, wraps), true).await
    }

    async fn waiting(&self, id: AskId) -> Result<(AskRow, GrantRow, ClipRow, Wraps)> {
        let inner = &self.inner;
        let now = inner.now();
        let found = inner
            .db
            .read(move |tables| {
                let Some(ask) = tables.ask(id)? else { return Ok(None) };
                let clip = tables.clip(ask.clip)?;
                let wraps = tables.wraps(ask.clip)?;
                Ok(clip.map(|clip| (ask, clip, wraps)))
            })
            .await?;
        let (ask, clip, wraps) = found.ok_or_else(|| Error::not_found("this question"))?;
        if ask.agreed.is_some() {
            return Err(Error::invalid("this question was answered already"));
        }
        if ask.asked_us < now.minus(HOLDS) {
            return Err(Error::invalid("this question is older than a day: let it be asked again"));
        }
        let grant =
            lock(&inner.grants).iter().find(|grant| grant.id == ask.grant && in_force(grant, now)).cloned();
        let grant = grant.ok_or_else(|| Error::not_found("the grant of this question"))?;
        Ok((ask, grant, clip, wraps))
    }

    async fn put_answer(
        &self,
        by: &SignedIn,
        identity: Identity,
        (ask, grant, row, wraps): (AskRow, GrantRow, ClipRow, Wraps),
        agree: bool,
    ) -> Result<()> {
        let inner = &self.inner;
        let kind = if agree { Kind::Agreed } else { Kind::Declined };
        let mut note = Note::new(kind).by(by.id).camera(row.camera).clip(row.id);
        note.person = Some(grant.person);
        note.grant = Some(grant.id);
        note.refers_to = Some(ask.entry);
        let wrap = if agree {
            let wrap = wraps.into_iter().find(|(id, _)| *id == Some(grant.id)).map(|(_, wrap)| wrap);
            let wrap = wrap.ok_or_else(|| Error::not_found("a key for this clip"))?;
            let device = inner.logbook.device.clone();
            Some(blocking(move || Ok(ClipKey::agree(&wrap, device.broker(), &identity)?)).await?)
        } else {
            None
        };
        let now = inner.now();
        let writer = Arc::clone(inner);
        let keys = by.owner().cloned();
        let entry = inner
            .db
            .write(move |tables| {
                // Two answers at once: the first stands.
                if tables.ask(ask.id)?.is_none_or(|now| now.agreed.is_some()) {
                    return Err(Error::invalid("this question was answered already"));
                }
                let entry = writer.logbook.append(tables, &note, keys.as_deref())?;
                tables.answer_ask(ask.id, now, wrap.as_deref())?;
                Ok(entry)
            })
            .await?;
        inner.tell(Event::LogGrew(entry + 1));
        inner.tell(Event::GrantsChanged);
        Ok(())
    }
}

/// The grant through which `person` could open a clip if somebody agreed.
pub(super) fn asked_grant(inner: &Inner, person: &SignedIn, wraps: &Wraps) -> Option<GrantRow> {
    let now = inner.now();
    let has_wrap = |grant: &&GrantRow| wraps.iter().any(|(id, _)| *id == Some(grant.id));
    lock(&inner.grants)
        .iter()
        .filter(|grant| grant.person == person.id && grant.second.is_some() && !grant.is_used_up())
        .filter(|grant| in_force(grant, now))
        .find(has_wrap)
        .cloned()
}

/// The agreement for `grant` that was not used yet, if there is one.
pub(super) fn agreement(asks: &[AskRow], grant: GrantId, now: UnixMicros) -> Option<&AskRow> {
    asks.iter().find(|ask| {
        ask.grant == grant && ask.wrap.is_some() && ask.answered_us.is_some_and(|at| at >= now.minus(HOLDS))
    })
}

pub(super) fn ask_view(
    inner: &Inner,
    viewer: &SignedIn,
    ask: &AskRow,
    grant: &GrantRow,
    clip: &ClipRow,
) -> AskView {
    let text = |sealed: Option<&Vec<u8>>| {
        sealed
            .and_then(|sealed| open_with(viewer.keys.identity(), sealed).ok())
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .unwrap_or_default()
    };
    let name = |id, sealed: Option<&Vec<u8>>| {
        if viewer.owner().is_some() || viewer.id == id {
            inner.face_of(id, viewer).map(|face| face.name).unwrap_or_default()
        } else {
            text(sealed)
        }
    };
    AskView {
        id: ask.id,
        clip: clip.id,
        camera_name: lock(&inner.camera_rows)
            .get(&clip.camera)
            .map(|row| row.name.clone())
            .unwrap_or_default(),
        start_us: clip.start_us,
        duration_us: clip.duration_us,
        from: name(grant.person, grant.person_name.as_ref()),
        to: grant.second.map(|id| name(id, grant.second_name.as_ref())).unwrap_or_default(),
        mine: grant.second == Some(viewer.id),
        asked_us: ask.asked_us,
        agreed: ask.agreed,
        used: ask.agreed == Some(true) && ask.wrap.is_none(),
    }
}

impl Inner {
    /// Forgets old questions, and the wraps of agreements that nobody used in time.
    pub(crate) async fn forget_asks(&self) -> Result<()> {
        let now = self.now();
        let forgot = self
            .db
            .write(move |tables| {
                let mut forgot = tables.forget_asks(now.minus(SHOWN))?;
                for ask in tables.asks(now.minus(SHOWN))? {
                    if ask.wrap.is_some() && ask.answered_us.is_none_or(|at| at < now.minus(HOLDS)) {
                        tables.use_ask(ask.id)?;
                        forgot += 1;
                    }
                }
                Ok(forgot)
            })
            .await?;
        if forgot > 0 {
            self.db.run(|store| Ok(store.truncate_wal()?)).await?;
        }
        Ok(())
    }
}
