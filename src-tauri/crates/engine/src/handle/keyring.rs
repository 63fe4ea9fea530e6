//! Unlocking by the desktop's keyring: each person's own choice, weaker than a passphrase, since whoever can use their account on this
//! computer can then open what they may open. The keyring itself is the shell's: here is what it keeps, and who chose it.

use std::{collections::BTreeSet, fmt, sync::Arc};

use hausrecht_ledger::Kind;
use hausrecht_model::PersonId;
use hausrecht_vault::{ExposeSecret, OwnerKeys, PersonKeys, SecretString};

use super::{Handle, session::blocking};
use crate::{
    Result,
    inner::lock,
    logbook::Note,
    session::Keys,
    wire::{Error, ErrorCode, Event, Session},
};

/// Where the choices are kept.
pub(crate) const KEYRING_KEY: &str = "keyring_people";

/// A person's keys, for a keyring and nothing else.
pub struct KeptKeys {
    /// Whose.
    pub person: PersonId,
    /// The keys as an identity file.
    pub text: SecretString,
}

impl fmt::Debug for KeptKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptKeys(of {})", self.person)
    }
}

impl Handle {
    /// Whether whoever is signed in has chosen to be unlocked by the keyring.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub fn is_kept(&self) -> Result<bool> {
        let person = self.inner.signed_in()?;
        Ok(lock(&self.inner.kept).contains(&person.id))
    }

    /// The keys of whoever is signed in, against the passphrase.
    ///
    /// # Errors
    /// Nobody is signed in; the passphrase is wrong.
    pub async fn keys_to_keep(&self, passphrase: String) -> Result<KeptKeys> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let row = inner.person_of(person.id).ok_or_else(|| Error::not_found("this person"))?;
        let file = std::fs::read(inner.key_file(&row))?;
        let secret = SecretString::from(passphrase);
        let _one = inner.trying.lock().await;
        let text = blocking(move || {
            Ok(if row.owner {
                OwnerKeys::open(&file, &secret)?.to_identity_file()
            } else {
                PersonKeys::open(&file, &secret)?.to_identity_file()
            })
        })
        .await?;
        inner.still(&person)?;
        Ok(KeptKeys { person: person.id, text })
    }

    /// Notes that the keyring keeps the keys of whoever is signed in, or does not any more. Logged.
    ///
    /// # Errors
    /// Nobody is signed in; the log cannot be written.
    pub async fn set_kept(&self, kept: bool) -> Result<()> {
        let person = self.inner.signed_in()?;
        let mut all = lock(&self.inner.kept).clone();
        if kept {
            all.insert(person.id);
        } else {
            all.remove(&person.id);
        }
        let note = Note::new(Kind::SettingChanged)
            .by(person.id)
            .fact("setting", "keyring")
            .fact("to", if kept { "on" } else { "off" });
        self.keep_people(all, Some(note)).await
    }

    /// Whose keys to fetch: of who has this name, or of the only one who chose it.
    ///
    /// # Errors
    /// Nobody chose it; several did, and none of them has this name.
    pub async fn kept_person(&self, name: &str) -> Result<PersonId> {
        let all = lock(&self.inner.kept).clone();
        let not_chosen = || {
            Error::new(
                ErrorCode::NotFound,
                "nobody of this name chose to be unlocked by this computer's keyring",
            )
        };
        if name.trim().is_empty() {
            return match all.iter().collect::<Vec<_>>()[..] {
                [only] => Ok(*only),
                _ => Err(Error::invalid(
                    "several people are unlocked by this computer's keyring: type your name",
                )),
            };
        }
        let tag = self.inner.logbook.name_tag(name);
        let row = self.inner.db.read(move |tables| Ok(tables.person_by_name_tag(&tag)?)).await?;
        row.map(|row| row.id).filter(|id| all.contains(id)).ok_or_else(not_chosen)
    }

    /// Signs a person in with keys that a keyring kept. Keys that are not theirs any more are not asked for again.
    ///
    /// # Errors
    /// They are another's, or of before; the person may not sign in.
    pub async fn unlock_by_keys(&self, kept: KeptKeys) -> Result<Session> {
        let row = self.inner.person_of(kept.person).filter(|row| row.removed_us.is_none());
        let text = kept.text.expose_secret();
        let keys = match &row {
            Some(row) if row.owner => {
                OwnerKeys::from_identity_file(text).map(|keys| Keys::Owner(Arc::new(keys)))
            }
            Some(_) | None => PersonKeys::from_identity_file(text).map(|keys| Keys::Person(Arc::new(keys))),
        };
        match (keys, row) {
            (Ok(keys), Some(row)) if keys.identity().recipient().to_string() == row.recipient => {
                let _one = self.inner.trying.lock().await;
                self.sign_in_with(keys, row, Some("keyring")).await
            }
            (_, _) => {
                self.forget_kept(kept.person).await?;
                Err(Error::new(
                    ErrorCode::WrongPassphrase,
                    "what the keyring keeps does not fit any more: sign in with the passphrase, and choose it again",
                ))
            }
        }
    }

    /// A person's keys are in no keyring any more.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn forget_kept(&self, person: PersonId) -> Result<()> {
        let mut all = lock(&self.inner.kept).clone();
        if all.remove(&person) { self.keep_people(all, None).await } else { Ok(()) }
    }

    async fn keep_people(&self, all: BTreeSet<PersonId>, note: Option<Note>) -> Result<()> {
        let text = serde_json::to_string(&all)?;
        let writer = Arc::clone(&self.inner);
        let keys = self.inner.signed_in().ok().and_then(|person| person.owner().cloned());
        let entry = self
            .inner
            .db
            .write(move |tables| {
                tables.set_meta(KEYRING_KEY, &text)?;
                note.map(|note| writer.logbook.append(tables, &note, keys.as_deref())).transpose()
            })
            .await?;
        *lock(&self.inner.kept) = all;
        if let Some(entry) = entry {
            self.inner.tell(Event::LogGrew(entry + 1));
        }
        self.inner.tell(Event::Session(self.inner.session_view()));
        Ok(())
    }
}
