//! Table `grants`: who may view what, within which bounds.

use hausrecht_model::{CameraId, ClipId, GrantId, Hours, PersonId, Right, Rights, UnixMicros};
use rusqlite::{OptionalExtension, Row, params};

use crate::{Result, Tables, row};

/// What a grant covers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ScopeRow {
    /// One clip.
    Clip(ClipId),
    /// Clips that overlap a span.
    Span {
        /// From.
        from_us: UnixMicros,
        /// To.
        to_us: UnixMicros,
    },
    /// A camera: live, and its clips.
    Camera,
}

/// A grant.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// Id.
    pub id: GrantId,
    /// Who.
    pub person: PersonId,
    /// Of which camera.
    pub camera: CameraId,
    /// What.
    pub scope: ScopeRow,
    /// What it allows.
    pub rights: Rights,
    /// Of a camera: clips that ended no longer ago than this. `None`: from the grant on.
    pub back_us: Option<i64>,
    /// In which hours it holds.
    pub hours: Option<Hours>,
    /// How many openings it allows.
    pub opens: Option<u32>,
    /// Openings so far.
    pub opened: u32,
    /// Who must agree to each opening.
    pub second: Option<PersonId>,
    /// Their name, sealed to the person of the grant.
    pub second_name: Option<Vec<u8>>,
    /// The name of the person of the grant, sealed to the one who must agree.
    pub person_name: Option<Vec<u8>>,
    /// When given.
    pub given_us: UnixMicros,
    /// Until when.
    pub until_us: Option<UnixMicros>,
    /// Why, sealed to the owner.
    pub reason: Vec<u8>,
    /// Entry in the log.
    pub entry: u64,
    /// When it was taken back or ended.
    pub ended_us: Option<UnixMicros>,
    /// Wraps of clips that exist are still to be made.
    pub pending: bool,
}

impl GrantRow {
    /// Whether it stands at `now`: neither taken back nor past its end. Its hours and the number of its openings are another
    /// matter.
    pub fn holds(&self, now: UnixMicros) -> bool {
        self.ended_us.is_none() && self.until_us.is_none_or(|until| now < until)
    }

    /// Whether all openings that it allows were used.
    pub fn is_used_up(&self) -> bool {
        self.opens.is_some_and(|opens| self.opened >= opens)
    }

    /// Whether a clip of its camera, from `start_us` to `end_us`, is among those that it covers at `now`.
    pub fn covers(&self, clip: ClipId, start_us: UnixMicros, end_us: UnixMicros, now: UnixMicros) -> bool {
        self.rights.has(Right::Playback)
            && match (self.scope, self.back_us) {
                (ScopeRow::Clip(one), _) => one == clip,
                (ScopeRow::Span { from_us, to_us }, _) => start_us < to_us && end_us > from_us,
                (ScopeRow::Camera, Some(back_us)) => end_us.0 >= now.0.saturating_sub(back_us),
                (ScopeRow::Camera, None) => start_us >= self.given_us,
            }
    }
}

/// A clip for which wraps are to be made, with the owner's wrap.
#[derive(Clone, Debug)]
pub struct Unwrapped {
    /// The clip.
    pub clip: ClipId,
    /// When it begins.
    pub start_us: UnixMicros,
    /// When it ends.
    pub end_us: UnixMicros,
    /// `age(owner, clip key)`.
    pub owner_wrap: Vec<u8>,
    /// Grants that have a wrap already.
    pub wrapped: Vec<GrantId>,
}

const COLUMNS: &str = "id, person, camera, scope, clip, from_us, to_us, given_us, until_us, reason, entry, ended_us, rights, \
                       back_us, hours, opens, opened, second, second_name, person_name, pending";

fn read(row: &Row<'_>) -> rusqlite::Result<GrantRow> {
    let scope: String = row.get(3)?;
    let scope = match scope.as_str() {
        "clip" => ScopeRow::Clip(row::parsed(row, 4)?),
        "span" => ScopeRow::Span { from_us: row::time(row, 5)?, to_us: row::time(row, 6)? },
        "camera" => ScopeRow::Camera,
        other => return Err(row::conversion(3, format!("“{other}” is not the scope of a grant"))),
    };
    let bits: u8 = row.get(12)?;
    let rights =
        Rights::from_bits(bits).ok_or_else(|| row::conversion(12, format!("{bits} is no set of rights")))?;
    let hours: Option<String> = row.get(14)?;
    let hours = hours.map(|text| serde_json::from_str(&text)).transpose();
    Ok(GrantRow {
        id: row::parsed(row, 0)?,
        person: row::parsed(row, 1)?,
        camera: row::parsed(row, 2)?,
        scope,
        rights,
        back_us: row.get(13)?,
        hours: hours.map_err(|error| row::conversion(14, error.to_string()))?,
        opens: row.get(15)?,
        opened: row.get(16)?,
        second: row::parsed_opt(row, 17)?,
        second_name: row.get(18)?,
        person_name: row.get(19)?,
        given_us: row::time(row, 7)?,
        until_us: row::time_opt(row, 8)?,
        reason: row.get(9)?,
        entry: row::unsigned(row, 10)?,
        ended_us: row::time_opt(row, 11)?,
        pending: row.get(20)?,
    })
}

fn unwrapped(row: &Row<'_>) -> rusqlite::Result<Unwrapped> {
    Ok(Unwrapped {
        clip: row::parsed(row, 0)?,
        start_us: row::time(row, 1)?,
        end_us: row::time(row, 2)?,
        owner_wrap: row.get(3)?,
        wrapped: Vec::new(),
    })
}

impl Tables<'_> {
    /// Adds a grant.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn insert_grant(&self, grant: &GrantRow) -> Result<()> {
        let (scope, clip, from_us, to_us) = match grant.scope {
            ScopeRow::Clip(clip) => ("clip", Some(clip.to_string()), None, None),
            ScopeRow::Span { from_us, to_us } => ("span", None, Some(from_us.0), Some(to_us.0)),
            ScopeRow::Camera => ("camera", None, None, None),
        };
        let hours = grant.hours.map(|hours| serde_json::to_string(&hours)).transpose();
        self.connection
            .prepare_cached(&format!(
                "INSERT INTO grants ({COLUMNS})
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)"
            ))?
            .execute(params![
                grant.id.to_string(),
                grant.person.to_string(),
                grant.camera.to_string(),
                scope,
                clip,
                from_us,
                to_us,
                grant.given_us.0,
                grant.until_us.map(|time| time.0),
                grant.reason,
                row::signed(grant.entry),
                grant.ended_us.map(|time| time.0),
                grant.rights.bits(),
                grant.back_us,
                hours.map_err(|error| row::conversion(14, error.to_string()))?,
                grant.opens,
                grant.opened,
                grant.second.map(|id| id.to_string()),
                grant.second_name,
                grant.person_name,
                grant.pending
            ])?;
        Ok(())
    }

    /// All grants, newest first, ended ones among them.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn grants(&self) -> Result<Vec<GrantRow>> {
        let sql = format!("SELECT {COLUMNS} FROM grants ORDER BY given_us DESC, id");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The grants of a camera that have not ended.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn grants_of_camera(&self, camera: CameraId) -> Result<Vec<GrantRow>> {
        let sql = format!("SELECT {COLUMNS} FROM grants WHERE camera = ?1 AND ended_us IS NULL");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([camera.to_string()], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Marks a grant as ended, and deletes its wraps and what was asked about it.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn end_grant(&self, id: GrantId, at_us: UnixMicros) -> Result<()> {
        self.drop_wraps(id)?;
        self.connection.execute(
            "UPDATE grants SET ended_us = ?2, pending = 0 WHERE id = ?1",
            params![id.to_string(), at_us.0],
        )?;
        Ok(())
    }

    /// Deletes the wraps of a grant, and the agreements under it.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn drop_wraps(&self, id: GrantId) -> Result<()> {
        self.connection.execute("DELETE FROM wraps WHERE grant_id = ?1", [id.to_string()])?;
        self.connection.execute("DELETE FROM asks WHERE grant_id = ?1", [id.to_string()])?;
        Ok(())
    }

    /// Gives the wraps of one grant to another of the same person, which covers no less.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn move_wraps(&self, from: GrantId, to: GrantId) -> Result<()> {
        self.connection.execute(
            "UPDATE wraps SET grant_id = ?2 WHERE grant_id = ?1",
            [from.to_string(), to.to_string()],
        )?;
        Ok(())
    }

    /// Notes whether wraps of clips that exist are still to be made for a grant.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn set_grant_pending(&self, id: GrantId, pending: bool) -> Result<()> {
        self.connection
            .execute("UPDATE grants SET pending = ?2 WHERE id = ?1", params![id.to_string(), pending])?;
        Ok(())
    }

    /// Changes the sealed names of a grant.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn put_grant_names(&self, grant: &GrantRow) -> Result<()> {
        self.connection.execute(
            "UPDATE grants SET second_name = ?2, person_name = ?3 WHERE id = ?1",
            params![grant.id.to_string(), grant.second_name, grant.person_name],
        )?;
        Ok(())
    }

    /// Counts an opening.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn count_opening(&self, id: GrantId) -> Result<u32> {
        Ok(self
            .connection
            .prepare_cached("UPDATE grants SET opened = opened + 1 WHERE id = ?1 RETURNING opened")?
            .query_row([id.to_string()], |row| row.get(0))?)
    }

    /// Clips that have a wrap of a grant, were never opened by its person, and are not imported.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn never_opened(&self, id: GrantId) -> Result<Vec<ClipId>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT clips.id FROM wraps
             JOIN grants ON grants.id = wraps.grant_id
             JOIN clips ON clips.id = wraps.clip
             JOIN cameras ON cameras.id = clips.camera AND NOT cameras.imported
             WHERE wraps.grant_id = ?1 AND NOT clips.erasing AND NOT EXISTS (
                 SELECT 1 FROM entries WHERE entries.clip = clips.id AND entries.kind IN ('opened', 'copy_made')
                 AND entries.actor = grants.person)
             ORDER BY clips.start_us, clips.id",
        )?;
        let rows = statement.query_map([id.to_string()], |row| row::parsed(row, 0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Deletes the wraps of a grant of `camera` for clips that begin from `from_us` on and ended before `to_us`; says how many. Goes by the
    /// clips of that span, so that it costs nothing where there are none, however many wraps there are.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn drop_wraps_between(
        &self,
        id: GrantId,
        camera: CameraId,
        from_us: UnixMicros,
        to_us: UnixMicros,
    ) -> Result<usize> {
        Ok(self
            .connection
            .prepare_cached(
                "DELETE FROM wraps WHERE ifnull(grant_id, '') = ?1 AND clip IN (
                     SELECT id FROM clips WHERE camera = ?2 AND start_us >= ?3 AND start_us < ?4
                     AND start_us + duration_us < ?4)",
            )?
            .execute(params![id.to_string(), camera.to_string(), from_us.0, to_us.0])?)
    }

    /// Clips of a camera, newest first, from behind the clip `after` on, with who has a wrap of each.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn clips_to_wrap(
        &self,
        camera: CameraId,
        after: Option<(UnixMicros, ClipId)>,
        limit: u32,
    ) -> Result<Vec<Unwrapped>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT clips.id, clips.start_us, clips.start_us + clips.duration_us, wraps.wrap
             FROM clips JOIN wraps ON wraps.clip = clips.id AND ifnull(wraps.grant_id, '') = ''
             WHERE clips.camera = ?1 AND clips.start_us <= ?2 AND (clips.start_us, clips.id) < (?2, ?3)
               AND NOT clips.erasing
             ORDER BY clips.start_us DESC, clips.id DESC LIMIT ?4",
        )?;
        let (start_us, id) = after.map_or((i64::MAX, String::new()), |(at, id)| (at.0, id.to_string()));
        let rows = statement.query_map(params![camera.to_string(), start_us, id, limit], unwrapped)?;
        self.with_wrapped(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The same of one clip; `None` if it is not there any more.
    ///
    /// # Errors
    /// A failure of the database.
    pub fn clip_to_wrap(&self, clip: ClipId) -> Result<Option<Unwrapped>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT clips.id, clips.start_us, clips.start_us + clips.duration_us, wraps.wrap
             FROM clips JOIN wraps ON wraps.clip = clips.id AND ifnull(wraps.grant_id, '') = ''
             WHERE clips.id = ?1 AND NOT clips.erasing",
        )?;
        let row = statement.query_row([clip.to_string()], unwrapped).optional()?;
        Ok(self.with_wrapped(row.into_iter().collect())?.pop())
    }

    fn with_wrapped(&self, mut clips: Vec<Unwrapped>) -> Result<Vec<Unwrapped>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT grant_id FROM wraps WHERE clip = ?1 AND grant_id IS NOT NULL")?;
        for clip in &mut clips {
            let rows = statement.query_map([clip.clip.to_string()], |row| row::parsed(row, 0))?;
            clip.wrapped = rows.collect::<rusqlite::Result<_>>()?;
        }
        Ok(clips)
    }
}
