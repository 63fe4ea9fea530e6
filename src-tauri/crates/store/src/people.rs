//! Table `people`: who can sign in. Names are sealed; the tag finds a name without storing it.

use hausrecht_model::{PersonId, UnixMicros};
use rusqlite::{OptionalExtension, Row, params};

use crate::{Result, Tables, row};

/// A person.
#[derive(Clone, Debug)]
pub struct PersonRow {
    /// Id.
    pub id: PersonId,
    /// The owner.
    pub owner: bool,
    /// Colour of the face.
    pub color: u8,
    /// Public key, `age1…`.
    pub recipient: String,
    /// HMAC of the name.
    pub name_tag: Vec<u8>,
    /// Name, sealed to the owner.
    pub name_owner: Vec<u8>,
    /// Name, sealed to the person.
    pub name_self: Vec<u8>,
    /// When added.
    pub added_us: UnixMicros,
    /// What they are here, "Family"; sealed to the owner.
    pub role: Option<Vec<u8>>,
    /// When they may sign in no more.
    pub until_us: Option<UnixMicros>,
    /// Their language; `None`: as everybody.
    pub language: Option<String>,
    /// When they were removed. The row stays, for the faces in the log.
    pub removed_us: Option<UnixMicros>,
}

impl PersonRow {
    /// Whether they may sign in at `now`.
    pub fn may_sign_in(&self, now: UnixMicros) -> bool {
        self.removed_us.is_none() && self.until_us.is_none_or(|until| now < until)
    }
}

const COLUMNS: &str = "id, owner, color, recipient, name_tag, name_owner, name_self, added_us, role, until_us, language, removed_us";

fn read(row: &Row<'_>) -> rusqlite::Result<PersonRow> {
    Ok(PersonRow {
        id: row::parsed(row, 0)?,
        owner: row.get(1)?,
        color: row.get(2)?,
        recipient: row.get(3)?,
        name_tag: row.get(4)?,
        name_owner: row.get(5)?,
        name_self: row.get(6)?,
        added_us: row::time(row, 7)?,
        role: row.get(8)?,
        until_us: row::time_opt(row, 9)?,
        language: row.get(10)?,
        removed_us: row::time_opt(row, 11)?,
    })
}

impl Tables<'_> {
    /// Adds a person.
    ///
    /// # Errors
    /// A failure of the database; a second person of the same name is one.
    pub fn insert_person(&self, person: &PersonRow) -> Result<()> {
        self.connection.execute(
            "INSERT INTO people (id, owner, color, recipient, name_tag, name_owner, name_self, added_us, role, until_us,
                                 language, removed_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                person.id.to_string(),
                person.owner,
                person.color,
                person.recipient,
                person.name_tag,
                person.name_owner,
                person.name_self,
                person.added_us.0,
                person.role,
                person.until_us.map(|time| time.0),
                person.language,
                person.removed_us.map(|time| time.0)
            ],
        )?;
        Ok(())
    }

    /// Changes everything of a person but the id and whether they own the vault.
    ///
    /// # Errors
    /// A failure of the database; a second person of the same name is one.
    pub fn update_person(&self, person: &PersonRow) -> Result<()> {
        self.connection.execute(
            "UPDATE people SET color = ?2, recipient = ?3, name_tag = ?4, name_owner = ?5, name_self = ?6, role = ?7,
                               until_us = ?8, language = ?9, removed_us = ?10
             WHERE id = ?1",
            params![
                person.id.to_string(),
                person.color,
                person.recipient,
                person.name_tag,
                person.name_owner,
                person.name_self,
                person.role,
                person.until_us.map(|time| time.0),
                person.language,
                person.removed_us.map(|time| time.0)
            ],
        )?;
        Ok(())
    }

    /// All people, the owner first, then as added.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn people(&self) -> Result<Vec<PersonRow>> {
        let sql = format!("SELECT {COLUMNS} FROM people ORDER BY owner DESC, added_us, id");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Forgets what the log's personal fields say of a person; the entries and their hashes stay.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn forget_words_about(&self, person: PersonId) -> Result<usize> {
        Ok(self
            .connection
            .execute("UPDATE entries SET personal = NULL WHERE person = ?1", [person.to_string()])?)
    }

    /// The person with this name tag.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn person_by_name_tag(&self, tag: &[u8]) -> Result<Option<PersonRow>> {
        let sql = format!("SELECT {COLUMNS} FROM people WHERE name_tag = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([tag], read).optional()?)
    }
}
