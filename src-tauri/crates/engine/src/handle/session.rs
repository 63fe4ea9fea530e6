//! Signing in and out, set-up, passphrases, settings.

use std::{sync::Arc, time::Duration};

use hausrecht_ledger::Kind;
use hausrecht_model::{PersonId, UnixMicros};
use hausrecht_store::PersonRow;
use hausrecht_vault::{ExposeSecret, OwnerKeys, PersonKeys, SecretString, passphrase, seal_to};
use qrcode::{EcLevel, QrCode, render::svg};

use super::Handle;
use crate::{
    Result,
    inner::{Inner, lock},
    logbook::Note,
    restore::typed,
    session::{Keys, SignedIn},
    wire::Event,
    wire::{
        CreateOwner, Error, ErrorCode, Language, PassphraseRating, RecoverySheet, Session, Settings,
        SheetTested, SuggestedPassphrase,
    },
};

/// The owner's key file.
pub(crate) const OWNER_FILE: &str = "owner.age";
/// When a recovery sheet was tested last.
const SHEET_TESTED: &str = "sheet_tested";
/// Lowest rating that is taken without a second question.
const ENOUGH: u8 = 3;
/// Longest name, in characters.
const NAME_MAX: usize = 80;

impl Handle {
    /// Who is signed in.
    pub fn session(&self) -> Session {
        self.inner.session_view()
    }

    /// Draws a passphrase of six words.
    pub fn suggest_passphrase(&self) -> SuggestedPassphrase {
        let suggested = passphrase::suggest(&mut rand::rng());
        #[expect(clippy::cast_possible_truncation, reason = "66 bits, for display")]
        let bits = suggested.bits as f32;
        SuggestedPassphrase { words: suggested.words.expose_secret().to_owned(), bits }
    }

    /// Rates a passphrase of one's own.
    pub fn rate_passphrase(&self, text: &str) -> PassphraseRating {
        let rating = passphrase::rate(text, &["hausrecht"]);
        #[expect(clippy::cast_possible_truncation, reason = "for display")]
        let guesses_log10 = rating.guesses_log10 as f32;
        PassphraseRating { score: rating.score, guesses_log10 }
    }

    /// Sets the vault up and signs the owner in.
    ///
    /// # Errors
    /// There is an owner, the name is empty or too long, the passphrase is weak.
    pub async fn create_owner(&self, request: CreateOwner) -> Result<RecoverySheet> {
        let inner = &self.inner;
        if lock(&inner.people).iter().any(|person| person.owner) {
            return Err(Error::new(ErrorCode::AlreadySetUp, "this vault has an owner: sign in"));
        }
        let name = checked_name(&request.name)?;
        check_passphrase(&request.passphrase, &name, request.accept_weak)?;
        let secret = SecretString::from(request.passphrase);
        let log_n = inner.options.log_n;
        let (keys, sealed) = blocking(move || {
            let keys = OwnerKeys::generate(&mut rand::rng());
            let sealed = keys.seal(&secret, log_n);
            Ok((keys, sealed))
        })
        .await?;
        let path = inner.options.data_folder.join(OWNER_FILE);
        if path.exists() {
            // Left by a set-up that did not come to its end; nothing was ever sealed to it, but it is not ours to delete.
            let aside =
                inner.options.data_folder.join(format!("owner.age.unused-{:08x}", rand::random::<u32>()));
            std::fs::rename(&path, aside)?;
        }
        write_new(&path, &sealed)?;
        let recipient = keys.recipient();
        let sealed_name = seal_to(std::slice::from_ref(&recipient), name.as_bytes())?;
        let row = PersonRow {
            id: PersonId::random(&mut rand::rng()),
            owner: true,
            color: 0,
            recipient: recipient.to_string(),
            name_tag: inner.logbook.name_tag(&name),
            name_owner: sealed_name.clone(),
            name_self: sealed_name,
            added_us: inner.now(),
            role: None,
            until_us: None,
            language: None,
            removed_us: None,
        };
        inner.logbook.owner_came(recipient.clone());
        let keys = Arc::new(keys);
        let note = Note::new(Kind::PersonAdded)
            .by(row.id)
            .fact("owner", true)
            .fact("recipient", recipient.to_string())
            .fact("signing_key", hex::encode(keys.signing().verifying_key().to_bytes()))
            .personal("name", name.clone());
        let (writer, person, signer) = (Arc::clone(inner), row.clone(), Arc::clone(&keys));
        let entered = inner
            .db
            .write(move |tables| {
                tables.set_meta("owner_recipient", &person.recipient)?;
                tables.set_meta(
                    "owner_signing_key",
                    &hex::encode(signer.signing().verifying_key().to_bytes()),
                )?;
                tables.insert_person(&person)?;
                let mut note = note;
                note.person = Some(person.id);
                writer.logbook.append(tables, &note, Some(&signer))
            })
            .await;
        if let Err(error) = entered {
            inner.logbook.owner_gone();
            std::fs::remove_file(&path)?;
            return Err(error);
        }
        lock(&inner.people).push(row.clone());
        let sheet = sheet_of(&keys, row.added_us)?;
        let me = SignedIn { id: row.id, name, number: 0, color: row.color, keys: Keys::Owner(keys) };
        self.open_session(me, None).await?;
        Ok(sheet)
    }

    /// The recovery sheet again, against the passphrase.
    ///
    /// # Errors
    /// Only the owner; the passphrase is wrong.
    pub async fn recovery_sheet(&self, passphrase: String) -> Result<RecoverySheet> {
        let person = self.inner.signed_in()?;
        person.owner_keys()?;
        let file = std::fs::read(self.inner.options.data_folder.join(OWNER_FILE))?;
        let secret = SecretString::from(passphrase);
        let _one = self.inner.trying.lock().await;
        let keys = blocking(move || Ok(OwnerKeys::open(&file, &secret)?)).await?;
        let made_us = lock(&self.inner.people)
            .iter()
            .find(|row| row.owner)
            .map(|row| row.added_us)
            .ok_or_else(|| Error::internal("there is no owner"))?;
        sheet_of(&keys, made_us)
    }

    /// The owner says that the sheet is printed or written down.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn recovery_done(&self) -> Result<()> {
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        let writer = Arc::clone(&self.inner);
        let note = Note::new(Kind::SettingChanged)
            .by(person.id)
            .fact("setting", "recovery_sheet")
            .fact("to", "made");
        self.inner
            .db
            .write(move |tables| {
                tables.set_meta("recovery_made", "1")?;
                writer.logbook.append(tables, &note, Some(&keys))
            })
            .await?;
        self.inner.recovery_made.store(true, std::sync::atomic::Ordering::Relaxed);
        self.inner.tell(Event::Session(self.inner.session_view()));
        Ok(())
    }

    /// Tests a recovery sheet: whether its identity opens this vault. It is said in the log.
    ///
    /// # Errors
    /// Only the owner; the text is no identity; the log cannot be written.
    pub async fn test_sheet(&self, identity: String) -> Result<SheetTested> {
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        let read = typed(&identity)?;
        let fits = read.recipient() == keys.recipient();
        let holders = self.onions().await?.map(|onions| onions.holders(&keys)).unwrap_or_default();
        let share_of =
            holders.into_iter().find(|holder| holder.recipient == read.recipient()).map(|holder| holder.name);
        let writer = Arc::clone(&self.inner);
        let now = self.inner.now();
        let note =
            Note::new(Kind::SheetTested).by(person.id).fact("fits", fits).fact("share", share_of.is_some());
        let tested = self
            .inner
            .db
            .write(move |tables| {
                let entry = writer.logbook.append(tables, &note, Some(&keys))?;
                if fits {
                    tables.set_meta(SHEET_TESTED, &now.0.to_string())?;
                    // Whoever has one that fits has made one.
                    tables.set_meta("recovery_made", "1")?;
                }
                Ok((entry, tables.meta(SHEET_TESTED)?))
            })
            .await?;
        self.inner.tell(Event::LogGrew(tested.0 + 1));
        if fits {
            self.inner.recovery_made.store(true, std::sync::atomic::Ordering::Relaxed);
            self.inner.tell(Event::Session(self.inner.session_view()));
        }
        Ok(SheetTested {
            fits,
            share_of,
            tested_us: tested.1.and_then(|text| text.parse().ok()).map(UnixMicros),
        })
    }

    /// When a recovery sheet that fits was tested last.
    ///
    /// # Errors
    /// Only the owner.
    pub async fn sheet_tested(&self) -> Result<Option<UnixMicros>> {
        self.inner.signed_in()?.owner_keys()?;
        let text = self.inner.db.read(|tables| Ok(tables.meta(SHEET_TESTED)?)).await?;
        Ok(text.and_then(|text| text.parse().ok()).map(UnixMicros))
    }

    /// Signs a person in. A wrong name and a wrong passphrase are not told apart, and each makes the next try wait.
    ///
    /// # Errors
    /// [`ErrorCode::WrongPassphrase`].
    pub async fn unlock(&self, name: &str, passphrase: String) -> Result<Session> {
        let tag = self.inner.logbook.name_tag(name);
        let row = self.inner.db.read(move |tables| Ok(tables.person_by_name_tag(&tag)?)).await?;
        self.try_sign_in(row, passphrase).await
    }

    /// Signs the owner in without a name, for the command line.
    ///
    /// # Errors
    /// [`ErrorCode::WrongPassphrase`].
    pub async fn unlock_owner(&self, passphrase: String) -> Result<Session> {
        let row = lock(&self.inner.people).iter().find(|row| row.owner).cloned();
        self.try_sign_in(row, passphrase).await
    }

    async fn try_sign_in(&self, row: Option<PersonRow>, passphrase: String) -> Result<Session> {
        let inner = &self.inner;
        // One try at a time: neither the wait nor the memory of scrypt can be multiplied by calling in parallel.
        let _one = inner.trying.lock().await;
        let wait = lock(&inner.session).next_try.saturating_sub(inner.options.clock.monotonic());
        tokio::time::sleep(wait.min(Duration::from_secs(30))).await;
        let secret = SecretString::from(passphrase);
        let opened = match &row {
            Some(row) => {
                let file = std::fs::read(inner.key_file(row))?;
                let owner = row.owner;
                blocking(move || {
                    Ok(if owner {
                        Keys::Owner(Arc::new(OwnerKeys::open(&file, &secret)?))
                    } else {
                        Keys::Person(Arc::new(PersonKeys::open(&file, &secret)?))
                    })
                })
                .await
            }
            None => {
                // The same work as for a name that exists, so that time tells nobody who has an account here.
                let log_n = inner.options.log_n;
                blocking(move || {
                    let _ = PersonKeys::generate().seal(&secret, log_n);
                    Err(Error::new(ErrorCode::WrongPassphrase, "the passphrase is wrong"))
                })
                .await
            }
        };
        match (opened, row) {
            (Ok(keys), Some(row)) => self.sign_in_with(keys, row, None).await,
            (Err(error), row) if error.code == ErrorCode::WrongPassphrase => {
                let now = inner.options.clock.monotonic();
                lock(&inner.session).wrong_try(now);
                let mut note = Note::new(Kind::UnlockRefused);
                note.person = row.map(|row| row.id);
                inner.log_or_tell(note).await;
                inner.tell(Event::Session(inner.session_view()));
                Err(Error::new(ErrorCode::WrongPassphrase, "name and passphrase do not belong together"))
            }
            (Err(error), _) => Err(error),
            (Ok(_), None) => Err(Error::internal("keys without a person")),
        }
    }

    /// Signs somebody in whose keys are here; `how`, if not by the passphrase.
    pub(super) async fn sign_in_with(
        &self,
        keys: Keys,
        row: PersonRow,
        how: Option<&'static str>,
    ) -> Result<Session> {
        let inner = &self.inner;
        if !row.may_sign_in(inner.now()) {
            let mut note = Note::new(Kind::UnlockRefused).fact("why", "ended");
            note.person = Some(row.id);
            inner.log_or_tell(note).await;
            return Err(Error::new(
                ErrorCode::NotAllowed,
                "the time of this guest is over: ask the owner for another end",
            ));
        }
        let name = hausrecht_vault::open_with(keys.identity(), &row.name_self)?;
        let name = String::from_utf8_lossy(&name).into_owned();
        self.open_session(SignedIn { id: row.id, name, number: 0, color: row.color, keys }, how).await?;
        Ok(self.session())
    }

    async fn open_session(&self, mut person: SignedIn, how: Option<&'static str>) -> Result<()> {
        // Nothing that the person before had open may stay open for this one.
        self.inner.lock_session("switched").await;
        let mut note = Note::new(Kind::Unlocked).by(person.id);
        if let Some(how) = how {
            note = note.fact("how", how);
        }
        self.inner.log(note).await?;
        {
            let mut session = lock(&self.inner.session);
            session.close();
            session.count += 1;
            person.number = session.count;
            session.signed_in = Some(person);
            session.touched = self.inner.options.clock.monotonic();
            session.wrong_tries = 0;
            session.next_try = Duration::ZERO;
        }
        self.tell_all();
        self.inner.tell_kept_notices();
        // What was left undone for want of the owner's key.
        self.inner.wrap_soon();
        Ok(())
    }

    /// Signs out. Recording goes on.
    pub async fn lock(&self) {
        self.inner.lock_session("asked").await;
    }

    /// Signs out because the desktop was locked or falls asleep, unless the owner has set that it should not.
    pub async fn lock_with_desktop(&self) {
        if lock(&self.inner.settings).lock_with_desktop {
            self.inner.lock_session("desktop").await;
        }
    }

    /// A sign of life: the idle lock starts counting anew.
    pub fn touch(&self) {
        lock(&self.inner.session).touched = self.inner.options.clock.monotonic();
        self.inner.tell(Event::Session(self.inner.session_view()));
    }

    fn tell_all(&self) {
        self.inner.tell(Event::Session(self.inner.session_view()));
        self.inner.tell(Event::Cameras(self.inner.cameras_view()));
        self.inner.tell(Event::Tiles(self.inner.tiles_view()));
    }

    /// The settings, in the language of whoever is signed in. Anybody may read them: they hold nothing personal but the owner's
    /// reason, which others do not get.
    pub fn settings(&self) -> Settings {
        let mut settings = lock(&self.inner.settings).clone();
        if let Ok(person) = self.inner.signed_in() {
            settings.language = self.inner.language_of(person.id).unwrap_or(settings.language);
        }
        if self.inner.signed_in().ok().is_none_or(|person| person.owner().is_none()) {
            settings.kept_reason = String::new();
        }
        settings
    }

    /// Changes settings. Members may change language and theme.
    ///
    /// # Errors
    /// A value out of range, or one that only the owner may change.
    pub async fn set_settings(&self, settings: Settings) -> Result<Settings> {
        let mut old = lock(&self.inner.settings).clone();
        let common = old.language;
        let person = match self.inner.signed_in() {
            Ok(person) => Some(person),
            // Before there is an owner, language and theme can be chosen on the welcome screen.
            Err(_) if matches!(self.session(), Session::Empty) => None,
            Err(error) => return Err(error),
        };
        let owner = person.as_ref().is_some_and(|person| person.owner().is_some());
        // A language belongs to a person: the owner's is that of the lock screen, and of whoever has none of their own.
        let own = person.as_ref().and_then(|person| self.inner.person_of(person.id));
        old.language = own.as_ref().and_then(|row| self.inner.language_of(row.id)).unwrap_or(common);
        let settings = if owner {
            settings
        } else {
            Settings { language: settings.language, theme: settings.theme, ..old.clone() }
        };
        check_settings(&settings)?;
        let mut notes = Vec::new();
        if let Some(person) = &person {
            for (name, from, to) in changes(&old, &settings) {
                notes.push(
                    Note::new(Kind::SettingChanged)
                        .by(person.id)
                        .fact("setting", name)
                        .fact("from", from)
                        .fact("to", to),
                );
            }
            if old.kept_reason != settings.kept_reason {
                notes.push(
                    Note::new(Kind::SettingChanged)
                        .by(person.id)
                        .fact("setting", "kept_reason")
                        .personal("reason", settings.kept_reason.clone()),
                );
            }
        }
        let writer = Arc::clone(&self.inner);
        let keys = person.as_ref().and_then(|person| person.owner().cloned());
        let language = settings.language;
        let kept = Settings {
            language: if own.is_some() && !owner { common } else { language },
            ..settings.clone()
        };
        let own = own.filter(|_| language != old.language).map(|mut row| {
            row.language = (!owner).then(|| language.name().to_owned());
            row
        });
        let text = serde_json::to_string(&kept)?;
        let row = own.clone();
        self.inner
            .db
            .write(move |tables| {
                tables.set_meta("settings", &text)?;
                if let Some(row) = &row {
                    tables.update_person(row)?;
                }
                for note in &notes {
                    writer.logbook.append(tables, note, keys.as_deref())?;
                }
                Ok(())
            })
            .await?;
        *lock(&self.inner.settings) = kept;
        if let Some(own) = own
            && let Some(row) = lock(&self.inner.people).iter_mut().find(|row| row.id == own.id)
        {
            row.language = own.language;
        }
        if settings.kept_hours < old.kept_hours {
            crate::retention::erase_old(&self.inner).await?;
        }
        self.inner.tell(Event::Session(self.inner.session_view()));
        Ok(settings)
    }
}

impl Inner {
    pub(crate) fn person_of(&self, id: PersonId) -> Option<PersonRow> {
        lock(&self.people).iter().find(|row| row.id == id).cloned()
    }

    /// The language of a person's own.
    pub(crate) fn language_of(&self, id: PersonId) -> Option<Language> {
        self.person_of(id)?.language.as_deref().and_then(Language::from_name)
    }

    pub(crate) async fn lock_session(self: &Arc<Self>, why: &'static str) {
        let Some(person) = lock(&self.session).close() else { return };
        self.revoke_views();
        self.stop_moves();
        self.end_talk();
        self.log_or_tell(Note::new(Kind::Locked).by(person.id).fact("why", why)).await;
        self.tell(Event::Session(self.session_view()));
        self.tell(Event::Cameras(Vec::new()));
        self.tell(Event::Tiles(Vec::new()));
    }

    /// Locks what nobody uses. An export is use: it was ordered by the owner, who was told that the vault stays open for it. It
    /// cannot go on behind a lock, for a locked vault holds no key that opens a clip.
    pub(crate) async fn lock_if_idle(self: &Arc<Self>) {
        if self.exports.is_any_open() {
            lock(&self.session).touched = self.options.clock.monotonic();
            self.tell(Event::Session(self.session_view()));
            return;
        }
        let limit = Duration::from_secs(u64::from(lock(&self.settings).lock_after_minutes) * 60);
        let idle = {
            let session = lock(&self.session);
            session.signed_in.is_some()
                && self.options.clock.monotonic().saturating_sub(session.touched) >= limit
        };
        if idle {
            self.lock_session("idle").await;
        }
    }
}

/// Runs work that takes long, such as scrypt, beside the runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

/// Writes a key file that must not replace another.
pub(super) fn write_new(path: &std::path::Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    if let Some(folder) = path.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Lets a file that [`write_new`] wrote take the place of another, durably.
pub(super) fn replace_file(from: &std::path::Path, to: &std::path::Path) -> Result<()> {
    std::fs::rename(from, to)?;
    if let Some(folder) = to.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

pub(super) fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        return Err(Error::invalid(format!("a name has 1 to {NAME_MAX} characters")));
    }
    Ok(name.to_owned())
}

pub(super) fn check_passphrase(text: &str, name: &str, accept_weak: bool) -> Result<()> {
    if text.is_empty() {
        return Err(Error::invalid("a passphrase is needed"));
    }
    let score = passphrase::rate(text, &[name]).score;
    if score < ENOUGH && !accept_weak {
        return Err(Error::invalid(format!(
            "this passphrase rates {score} of 4: take a longer one, or accept it as it is"
        )));
    }
    Ok(())
}

fn check_settings(settings: &Settings) -> Result<()> {
    if !(1..=8784).contains(&settings.kept_hours) {
        return Err(Error::invalid("clips are kept 1 to 8784 hours"));
    }
    if settings.kept_hours > 72 && settings.kept_reason.trim().is_empty() {
        return Err(Error::invalid("keeping clips longer than 72 hours needs a reason"));
    }
    if !(1..=240).contains(&settings.lock_after_minutes) {
        return Err(Error::invalid("the window locks itself after 1 to 240 minutes"));
    }
    Ok(())
}

/// Names, old and new values of what changed, for the log.
fn changes(old: &Settings, new: &Settings) -> Vec<(&'static str, serde_json::Value, serde_json::Value)> {
    fn value(setting: impl serde::Serialize) -> serde_json::Value {
        serde_json::to_value(setting).unwrap_or_default()
    }
    [
        ("language", value(old.language), value(new.language)),
        ("theme", value(old.theme), value(new.theme)),
        ("presenter", value(old.presenter), value(new.presenter)),
        ("kept_hours", value(old.kept_hours), value(new.kept_hours)),
        ("lock_after_minutes", value(old.lock_after_minutes), value(new.lock_after_minutes)),
        ("lock_with_desktop", value(old.lock_with_desktop), value(new.lock_with_desktop)),
    ]
    .into_iter()
    .filter(|(_, from, to)| from != to)
    .collect()
}

fn sheet_of(keys: &OwnerKeys, made_us: hausrecht_model::UnixMicros) -> Result<RecoverySheet> {
    let secret = keys.identity().to_secret_text();
    let text = secret.expose_secret();
    let qr_svg = qr_svg(text)?;
    Ok(RecoverySheet { identity: text.to_owned(), qr_svg, recipient: keys.recipient().to_string(), made_us })
}

/// A text as a QR code.
pub(crate) fn qr_svg(text: &str) -> Result<String> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).map_err(Error::internal)?;
    Ok(code.render::<svg::Color<'_>>().min_dimensions(240, 240).quiet_zone(true).build())
}
