//! Tables `walls` and `view_settings`: what each person has arranged for themselves.

use hausrecht_model::{PersonId, UnixMicros, WallId};
use rusqlite::{OptionalExtension, params};

use crate::{Result, Tables, row};

/// A wall of one person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WallRow {
    /// Id.
    pub id: WallId,
    /// Whose.
    pub person: PersonId,
    /// Name.
    pub name: String,
    /// Grid and tiles, JSON.
    pub layout: String,
    /// When it was kept first.
    pub made_us: UnixMicros,
}

impl Tables<'_> {
    /// The walls of `person` in the order in which they were made.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn walls(&self, person: PersonId) -> Result<Vec<WallRow>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, person, name, layout, made_us FROM walls WHERE person = ?1 ORDER BY made_us, id",
        )?;
        let rows = statement.query_map([person.to_string()], |row| {
            Ok(WallRow {
                id: row::parsed(row, 0)?,
                person: row::parsed(row, 1)?,
                name: row.get(2)?,
                layout: row.get(3)?,
                made_us: row::time(row, 4)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps a wall; one of the same id and person gets another name and layout. Returns whether it was kept, which a wall
    /// of somebody else is not.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_wall(&self, wall: &WallRow) -> Result<bool> {
        let kept = self.connection.execute(
            "INSERT INTO walls VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET name = ?3, layout = ?4 WHERE person = ?2",
            params![wall.id.to_string(), wall.person.to_string(), wall.name, wall.layout, wall.made_us.0],
        )?;
        Ok(kept == 1)
    }

    /// Forgets a wall of `person`; returns whether there was one.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn delete_wall(&self, person: PersonId, id: WallId) -> Result<bool> {
        let gone = self.connection.execute(
            "DELETE FROM walls WHERE id = ?1 AND person = ?2",
            [id.to_string(), person.to_string()],
        )?;
        Ok(gone == 1)
    }

    /// How `person` likes the window, JSON.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn view_settings(&self, person: PersonId) -> Result<Option<String>> {
        Ok(self
            .connection
            .prepare_cached("SELECT settings FROM view_settings WHERE person = ?1")?
            .query_row([person.to_string()], |row| row.get(0))
            .optional()?)
    }

    /// Keeps how `person` likes the window.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_view_settings(&self, person: PersonId, settings: &str) -> Result<()> {
        self.connection.execute(
            "INSERT INTO view_settings VALUES (?1, ?2) ON CONFLICT (person) DO UPDATE SET settings = ?2",
            [person.to_string().as_str(), settings],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PersonRow, Store};

    fn person(tag: u8) -> PersonRow {
        PersonRow {
            id: format!("{tag:016x}").parse().unwrap(),
            owner: tag == 0,
            color: tag,
            recipient: format!("age1{tag}"),
            name_tag: vec![tag],
            name_owner: Vec::new(),
            name_self: Vec::new(),
            added_us: UnixMicros(i64::from(tag)),
            role: None,
            until_us: None,
            language: None,
            removed_us: None,
        }
    }

    #[test]
    fn walls_belong_to_one_person_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("hausrecht.db")).unwrap();
        let (one, other) = (person(0), person(1));
        let wall = WallRow {
            id: "00000000000000aa".parse().unwrap(),
            person: one.id,
            name: "Garden".into(),
            layout: "{}".into(),
            made_us: UnixMicros(5),
        };
        let theirs = WallRow { person: other.id, name: "Mine now".into(), ..wall.clone() };
        store
            .write(|tables| -> Result<()> {
                tables.insert_person(&one)?;
                tables.insert_person(&other)?;
                assert!(tables.put_wall(&wall)?);
                assert!(!tables.put_wall(&theirs)?);
                assert!(tables.put_wall(&WallRow { name: "Yard".into(), ..wall.clone() })?);
                assert!(!tables.delete_wall(other.id, wall.id)?);
                assert!(tables.walls(other.id)?.is_empty());
                assert_eq!(tables.walls(one.id)?, [WallRow { name: "Yard".into(), ..wall.clone() }]);
                assert!(tables.delete_wall(one.id, wall.id)?);
                assert!(tables.walls(one.id)?.is_empty());
                tables.put_view_settings(one.id, "1")?;
                tables.put_view_settings(one.id, "2")?;
                assert_eq!(tables.view_settings(one.id)?.as_deref(), Some("2"));
                assert_eq!(tables.view_settings(other.id)?, None);
                Ok(())
            })
            .unwrap();
    }
}
