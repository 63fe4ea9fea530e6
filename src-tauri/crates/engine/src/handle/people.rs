//! People: who they are here, until when, and their passphrases. What they may view is a matter of grants.

use std::{path::Path, sync::Arc};

use hausrecht_ledger::Kind;
use hausrecht_model::{GrantId, PersonId, UnixMicros};
use hausrecht_store::{EntryFilter, GrantRow, PersonRow, Tables};
use hausrecht_vault::{OwnerKeys, PersonKeys, Recipient, SecretString, open_with, seal_to};

use super::{
    Handle,
    grants::end_one,
    session::{blocking, check_passphrase, checked_name, replace_file, write_new},
};
use crate::{
    Result,
    inner::{Inner, lock},
    logbook::Note,
    session::SignedIn,
    wire::{AddPerson, ChangePerson, Error, Event, Language, PersonView},
};

/// Colours in the theme's palette.
const COLORS: u8 = 8;
/// The longest role. Characters.
const ROLE_MAX: usize = 40;
/// People of one vault.
const PEOPLE_MAX: usize = 1_000;

impl Handle {
    /// Everybody, with what they may view. For members: themselves.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn people(&self) -> Result<Vec<PersonView>> {
        let person = self.inner.signed_in()?;
        let rows: Vec<_> = lock(&self.inner.people)
            .iter()
            .filter(|row| row.removed_us.is_none())
            .filter(|row| person.owner().is_some() || row.id == person.id)
            .cloned()
            .collect();
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let last: Vec<_> = self
            .inner
            .db
            .read(move |tables| ids.into_iter().map(|id| last_opened(tables, id)).collect::<Result<_>>())
            .await?;
        let mut views = Vec::new();
        for (row, last) in rows.iter().zip(last) {
            views.push(self.person_view(row, &person, last).await?);
        }
        Ok(views)
    }

    async fn person_view(
        &self,
        row: &PersonRow,
        viewer: &SignedIn,
        last_opened_us: Option<UnixMicros>,
    ) -> Result<PersonView> {
        let now = self.inner.now();
        let theirs: Vec<_> = lock(&self.inner.grants)
            .iter()
            .filter(|grant| grant.person == row.id && grant.holds(now))
            .cloned()
            .collect();
        let role = viewer.owner().zip(row.role.as_ref()).and_then(|(keys, sealed)| {
            let text = open_with(keys.identity(), sealed).ok()?;
            String::from_utf8(text.to_vec()).ok()
        });
        Ok(PersonView {
            face: self.inner.face(row, viewer),
            role: role.unwrap_or_default(),
            added_us: row.added_us,
            until_us: row.until_us,
            language: row.language.as_deref().and_then(Language::from_name),
            grants: self.grant_views(&theirs, viewer).await?,
            last_opened_us,
        })
    }

    /// Adds a person with a passphrase of their own, which the owner need not know.
    ///
    /// # Errors
    /// Only the owner; the name is taken; the passphrase is weak; an end that has passed.
    pub async fn add_person(&self, request: AddPerson) -> Result<PersonView> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let owner = person.owner_keys()?;
        let name = checked_name(&request.name)?;
        let role = checked_role(&request.role)?;
        let now = inner.now();
        check_end(request.until_us, now)?;
        check_passphrase(&request.passphrase, &name, request.accept_weak)?;
        let name_tag = inner.logbook.name_tag(&name);
        self.check_free(&name, &name_tag, None)?;
        if lock(&inner.people).len() >= PEOPLE_MAX {
            return Err(Error::invalid(format!("{PEOPLE_MAX} people at most")));
        }
        let (keys, sealed) = self.new_keys(request.passphrase).await?;
        let count = u8::try_from(lock(&inner.people).len() % usize::from(COLORS)).unwrap_or(0);
        let row = PersonRow {
            id: PersonId::random(&mut rand::rng()),
            owner: false,
            color: count,
            recipient: keys.recipient().to_string(),
            name_tag,
            name_owner: seal_to(&[owner.recipient()], name.as_bytes())?,
            name_self: seal_to(&[keys.recipient()], name.as_bytes())?,
            added_us: now,
            role: seal_role(&role, &owner)?,
            until_us: request.until_us,
            language: None,
            removed_us: None,
        };
        let path = inner.key_file(&row);
        write_new(&path, &sealed)?;
        let mut note = Note::new(Kind::PersonAdded)
            .by(person.id)
            .fact("recipient", row.recipient.clone())
            .personal("name", name);
        if !role.is_empty() {
            note = note.personal("role", role);
        }
        if let Some(until) = row.until_us {
            note = note.fact("until_us", until.0);
        }
        note.person = Some(row.id);
        let (writer, stored) = (Arc::clone(inner), row.clone());
        let entered = inner
            .db
            .write(move |tables| {
                tables.insert_person(&stored)?;
                writer.logbook.append(tables, &note, Some(&owner))
            })
            .await;
        let entry = match entered {
            Ok(entry) => entry,
            Err(error) => {
                // A key file without its person would only be litter.
                let _ = std::fs::remove_file(&path);
                return Err(error);
            }
        };
        lock(&inner.people).push(row.clone());
        inner.tell(Event::LogGrew(entry + 1));
        self.person_view(&row, &person, None).await
    }

    /// Changes what a person is here: name, role, colour, end, language. The owner's own end cannot be set.
    ///
    /// # Errors
    /// Only the owner; no such person; the name is taken.
    pub async fn change_person(&self, request: ChangePerson) -> Result<PersonView> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let owner = person.owner_keys()?;
        let old = self.person_row(request.person)?;
        let name = checked_name(&request.name)?;
        let role = checked_role(&request.role)?;
        if request.color >= COLORS {
            return Err(Error::invalid(format!("there are {COLORS} colours")));
        }
        if request.until_us != old.until_us {
            if old.owner {
                return Err(Error::invalid("the owner of a vault has no end"));
            }
            check_end(request.until_us, inner.now())?;
        }
        let name_tag = inner.logbook.name_tag(&name);
        self.check_free(&name, &name_tag, Some(old.id))?;
        let reader: Recipient = old.recipient.parse().map_err(Error::internal)?;
        let row = PersonRow {
            color: request.color,
            name_tag,
            name_owner: seal_to(&[owner.recipient()], name.as_bytes())?,
            name_self: seal_to(&[reader], name.as_bytes())?,
            role: seal_role(&role, &owner)?,
            until_us: request.until_us,
            language: request.language.map(|language| language.name().to_owned()),
            ..old
        };
        let mut note = Note::new(Kind::PersonChanged)
            .by(person.id)
            .fact("what", "details")
            .fact("until_us", row.until_us.map(|until| until.0))
            .personal("name", name.clone())
            .personal("role", role);
        note.person = Some(row.id);
        let names = self.names_again(&row, &owner)?;
        let (writer, stored) = (Arc::clone(inner), row.clone());
        let again = names.clone();
        let entry = inner
            .db
            .write(move |tables| {
                tables.update_person(&stored)?;
                for grant in &again {
                    tables.put_grant_names(grant)?;
                }
                writer.logbook.append(tables, &note, Some(&owner))
            })
            .await?;
        self.changed(&row, names);
        if row.id == person.id
            && let Some(me) = &mut lock(&inner.session).signed_in
        {
            me.name = name;
            me.color = row.color;
        }
        inner.tell(Event::LogGrew(entry + 1));
        inner.tell(Event::Session(inner.session_view()));
        let id = row.id;
        let last = inner.db.read(move |tables| last_opened(tables, id)).await?;
        self.person_view(&row, &person, last).await
    }

    /// Gives a person another passphrase without knowing the old one: a new key, to which all that is granted to them is
    /// wrapped again. Their old key opens nothing any more.
    ///
    /// # Errors
    /// Only the owner; no such person; the passphrase is weak.
    pub async fn give_passphrase(&self, id: PersonId, passphrase: String, accept_weak: bool) -> Result<()> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let owner = person.owner_keys()?;
        let old = self.person_row(id)?;
        if old.owner {
            return Err(Error::invalid("an owner changes the passphrase with the one before"));
        }
        let name = open_with(owner.identity(), &old.name_owner)?;
        let name = String::from_utf8_lossy(&name).into_owned();
        check_passphrase(&passphrase, &name, accept_weak)?;
        let (keys, sealed) = self.new_keys(passphrase).await?;
        inner.still(&person)?;
        let row = PersonRow {
            recipient: keys.recipient().to_string(),
            name_self: seal_to(&[keys.recipient()], name.as_bytes())?,
            ..old
        };
        // Beside the old file until the new key stands in the database: a start after a crash finds which of the two is meant.
        let (path, beside) = (inner.key_file(&row), inner.key_file_beside(&row));
        let _ = std::fs::remove_file(&beside);
        write_new(&beside, &sealed)?;
        let mut names = self.names_again(&row, &owner)?;
        for grant in &mut names {
            grant.pending = true;
        }
        let notes = self.notes_again(&row, &owner).await?;
        let mut note = Note::new(Kind::PersonChanged)
            .by(person.id)
            .fact("what", "passphrase")
            .fact("recipient", row.recipient.clone());
        note.person = Some(row.id);
        let (writer, stored, again) = (Arc::clone(inner), row.clone(), names.clone());
        let entry = inner
            .db
            .write(move |tables| {
                tables.update_person(&stored)?;
                for grant in &again {
                    tables.drop_wraps(grant.id)?;
                    tables.set_grant_pending(grant.id, true)?;
                    tables.put_grant_names(grant)?;
                }
                for bookmark in &notes {
                    tables.put_bookmark(bookmark)?;
                }
                writer.logbook.append(tables, &note, Some(&owner))
            })
            .await
            .inspect_err(|_| drop(std::fs::remove_file(&beside)))?;
        replace_file(&beside, &path)?;
        self.changed(&row, names);
        self.forget_wraps().await?;
        inner.wrap_soon();
        inner.tell(Event::LogGrew(entry + 1));
        Ok(())
    }

    /// Gives oneself another passphrase; the key stays the same, and so does all that is granted.
    ///
    /// # Errors
    /// Nobody is signed in; the old passphrase is wrong; the new one is weak.
    pub async fn change_passphrase(&self, old: String, new: String, accept_weak: bool) -> Result<()> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let row = self.person_row(person.id)?;
        check_passphrase(&new, &person.name, accept_weak)?;
        let path = inner.key_file(&row);
        let file = std::fs::read(&path)?;
        let (old, new) = (SecretString::from(old), SecretString::from(new));
        let log_n = inner.options.log_n;
        let is_owner = row.owner;
        let sealed = {
            let _one = inner.trying.lock().await;
            blocking(move || {
                Ok(if is_owner {
                    OwnerKeys::open(&file, &old)?.seal(&new, log_n)
                } else {
                    PersonKeys::open(&file, &old)?.seal(&new, log_n)
                })
            })
            .await?
        };
        inner.still(&person)?;
        let mut note = Note::new(Kind::PersonChanged).by(person.id).fact("what", "own_passphrase");
        note.person = Some(person.id);
        let keys = person.owner().cloned();
        let writer = Arc::clone(inner);
        // Log first: a passphrase that changed unseen would be worse than an entry for a change that failed.
        let entry =
            inner.db.write(move |tables| writer.logbook.append(tables, &note, keys.as_deref())).await?;
        let beside = path.with_extension("age.new");
        let _ = std::fs::remove_file(&beside);
        write_new(&beside, &sealed)?;
        replace_file(&beside, &path)?;
        inner.tell(Event::LogGrew(entry + 1));
        Ok(())
    }

    /// Removes a person: all that was granted to them is taken back, and their key file goes. Their name stays in the log for the
    /// owner, unless it is to be forgotten: then the log knows only that there was somebody.
    ///
    /// # Errors
    /// Only the owner; no such person; somebody else's openings need them to agree.
    pub async fn remove_person(&self, id: PersonId, forget: bool) -> Result<()> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let owner = person.owner_keys()?;
        let old = self.person_row(id)?;
        if old.owner {
            return Err(Error::invalid("the owner of a vault cannot be removed"));
        }
        let now = inner.now();
        let grants = lock(&inner.grants).clone();
        let needed = grants.iter().filter(|grant| grant.second == Some(id) && grant.holds(now)).count();
        if needed > 0 {
            return Err(Error::invalid(format!(
                "this person must agree to the openings of {needed} grants: change or take back those first"
            )));
        }
        let theirs: Vec<_> =
            grants.into_iter().filter(|grant| grant.person == id && grant.ended_us.is_none()).collect();
        let mut note = Note::new(Kind::PersonRemoved)
            .by(person.id)
            .fact("grants", theirs.len())
            .fact("forgotten", forget);
        note.person = Some(id);
        // The name is free again; the tag must be unique and find nobody.
        let mut row =
            PersonRow { removed_us: Some(now), name_tag: rand::random::<[u8; 32]>().to_vec(), ..old };
        if forget {
            row = PersonRow { name_owner: Vec::new(), name_self: Vec::new(), role: None, ..row };
        }
        let (writer, stored, ending) = (Arc::clone(inner), row.clone(), theirs.clone());
        let by = person.id;
        inner
            .db
            .write(move |tables| {
                for grant in &ending {
                    end_one(&writer, tables, grant, by, "person_removed", now, &owner)?;
                }
                tables.update_person(&stored)?;
                if forget {
                    tables.forget_words_about(stored.id)?;
                }
                writer.logbook.append(tables, &note, Some(&owner))
            })
            .await?;
        match std::fs::remove_file(inner.key_file(&row)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!("the key file of a removed person is left, and opens nothing: {error}");
            }
            Ok(()) | Err(_) => {}
        }
        self.changed(&row, Vec::new());
        self.ended(&theirs.iter().map(|grant| grant.id).collect::<Vec<GrantId>>(), now).await
    }

    /// A new person's key, and the file of it under their passphrase.
    async fn new_keys(&self, passphrase: String) -> Result<(PersonKeys, Vec<u8>)> {
        let (secret, log_n) = (SecretString::from(passphrase), self.inner.options.log_n);
        blocking(move || {
            let keys = PersonKeys::generate();
            let sealed = keys.seal(&secret, log_n);
            Ok((keys, sealed))
        })
        .await
    }

    fn person_row(&self, id: PersonId) -> Result<PersonRow> {
        let row =
            lock(&self.inner.people).iter().find(|row| row.id == id && row.removed_us.is_none()).cloned();
        row.ok_or_else(|| Error::not_found("this person"))
    }

    fn check_free(&self, name: &str, tag: &[u8], but: Option<PersonId>) -> Result<()> {
        let taken = lock(&self.inner.people).iter().any(|row| row.name_tag == tag && Some(row.id) != but);
        if taken {
            return Err(Error::invalid(format!("somebody is called {name} already: take another name")));
        }
        Ok(())
    }

    /// The grants that name `person`, with the names in them sealed again.
    fn names_again(&self, person: &PersonRow, owner: &OwnerKeys) -> Result<Vec<GrantRow>> {
        let people = lock(&self.inner.people).clone();
        let mut rows: Vec<_> = lock(&self.inner.grants)
            .iter()
            .filter(|grant| grant.ended_us.is_none())
            .filter(|grant| grant.person == person.id || grant.second == Some(person.id))
            .cloned()
            .collect();
        let row_of = |id: PersonId| {
            if id == person.id { Some(person) } else { people.iter().find(|row| row.id == id) }
        };
        for row in &mut rows {
            let (Some(of), Some(second)) = (row_of(row.person), row.second.and_then(row_of)) else {
                continue;
            };
            let name = |named: &PersonRow, reader: &PersonRow| -> Result<Vec<u8>> {
                let name = open_with(owner.identity(), &named.name_owner)?;
                let reader: Recipient = reader.recipient.parse().map_err(Error::internal)?;
                Ok(seal_to(&[reader], &name)?)
            };
            row.second_name = Some(name(second, of)?);
            row.person_name = Some(name(of, second)?);
        }
        Ok(rows)
    }

    /// The bookmarks of `person`, with their notes sealed to the key that they have now.
    async fn notes_again(
        &self,
        person: &PersonRow,
        owner: &OwnerKeys,
    ) -> Result<Vec<hausrecht_store::BookmarkRow>> {
        let rows = self.inner.db.read(|tables| Ok(tables.bookmarks()?)).await?;
        let reader: Recipient = person.recipient.parse().map_err(Error::internal)?;
        rows.into_iter()
            .filter(|row| row.person == person.id)
            .map(|mut row| {
                row.note = row
                    .note
                    .map(|sealed| -> Result<Vec<u8>> {
                        let text = open_with(owner.identity(), &sealed)?;
                        Ok(seal_to(&[reader.clone(), owner.recipient()], &text)?)
                    })
                    .transpose()?;
                Ok(row)
            })
            .collect()
    }

    fn changed(&self, row: &PersonRow, grants: Vec<GrantRow>) {
        let inner = &self.inner;
        if let Some(one) = lock(&inner.people).iter_mut().find(|one| one.id == row.id) {
            *one = row.clone();
        }
        {
            let mut known = lock(&inner.grants);
            for grant in grants {
                if let Some(one) = known.iter_mut().find(|one| one.id == grant.id) {
                    *one = grant;
                }
            }
        }
        inner.tell(Event::Cameras(inner.cameras_view()));
        inner.tell(Event::GrantsChanged);
    }
}

impl Inner {
    /// Where the key file of a person lies.
    pub(crate) fn key_file(&self, row: &PersonRow) -> std::path::PathBuf {
        let folder = &self.options.data_folder;
        if row.owner {
            folder.join("owner.age")
        } else {
            folder.join("people").join(format!("{}.age", row.id))
        }
    }

    /// Where a key file lies that is to take the place of another; it bears the end of its public key.
    fn key_file_beside(&self, row: &PersonRow) -> std::path::PathBuf {
        let end = row.recipient.get(row.recipient.len().saturating_sub(16)..).unwrap_or_default();
        self.options.data_folder.join("people").join(format!("{}.age.{end}", row.id))
    }

    /// Takes key files into use whose keys stand in the database, where an earlier run did not come to it.
    pub(crate) fn finish_key_files(&self) {
        for row in lock(&self.people).iter().filter(|row| !row.owner && row.removed_us.is_none()) {
            let (path, beside) = (self.key_file(row), self.key_file_beside(row));
            if beside.exists()
                && let Err(error) = replace_file(Path::new(&beside), &path)
            {
                tracing::error!("a new key file cannot take its place: {error}");
            }
        }
    }
}

fn last_opened(tables: &Tables<'_>, id: PersonId) -> Result<Option<UnixMicros>> {
    let filter = EntryFilter {
        kinds: vec![Kind::Opened.as_str().to_owned()],
        person: Some(id),
        ..EntryFilter::default()
    };
    Ok(tables.entries(&filter, 0, 1)?.first().map(|entry| entry.at_us))
}

fn checked_role(role: &str) -> Result<String> {
    let role = role.trim();
    if role.chars().count() > ROLE_MAX || role.chars().any(char::is_control) {
        return Err(Error::invalid(format!("a role has up to {ROLE_MAX} characters")));
    }
    Ok(role.to_owned())
}

fn seal_role(role: &str, owner: &OwnerKeys) -> Result<Option<Vec<u8>>> {
    if role.is_empty() {
        return Ok(None);
    }
    Ok(Some(seal_to(&[owner.recipient()], role.as_bytes())?))
}

fn check_end(until_us: Option<UnixMicros>, now: UnixMicros) -> Result<()> {
    match until_us {
        Some(until) if until <= now || until.0 >= 1 << 53 => {
            Err(Error::invalid("the end of a guest lies in the future, and before the year 2255"))
        }
        Some(_) | None => Ok(()),
    }
}
