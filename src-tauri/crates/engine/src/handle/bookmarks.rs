//! Bookmarks: moments marked by whoever may view them, with a note; their clips stay until the marks are gone.

use std::sync::Arc;

use hausrecht_ledger::Kind;
use hausrecht_model::{BookmarkId, CameraId, ClipId, UnixMicros};
use hausrecht_store::{BookmarkRow, StoreError, Tables};
use hausrecht_vault::{open_with, seal_to};

use super::{Handle, clips::visible_grants};
use crate::{
    Result,
    inner::{Inner, lock},
    logbook::Note,
    session::{Keys, SignedIn},
    wire::{BookmarkView, Error, Event, GiveBookmark},
};

/// The longest note. Characters.
const NOTE_MAX: usize = 500;
/// How many one person may have: each keeps a clip on the disk.
const BOOKMARKS_MAX: usize = 1_000;

impl Handle {
    /// The bookmarks that whoever is signed in may see, the latest moment first: their own, and for the owner all.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn bookmarks(&self) -> Result<Vec<BookmarkView>> {
        let person = self.inner.signed_in()?;
        let (viewer, grants) = (person.clone(), visible_grants(&self.inner, &person));
        let rows = self
            .inner
            .db
            .read(move |tables| {
                let mut rows = tables.bookmarks()?;
                if let Some(grants) = grants {
                    rows.retain(|row| row.person == viewer.id);
                    let mut theirs = Vec::new();
                    for row in rows {
                        let wraps = tables.wraps(row.clip)?;
                        if wraps.iter().any(|(id, _)| id.is_some_and(|id| grants.contains(&id))) {
                            theirs.push(row);
                        }
                    }
                    rows = theirs;
                }
                Ok(rows)
            })
            .await?;
        Ok(rows.into_iter().filter_map(|row| bookmark_view(&self.inner, &person, row)).collect())
    }

    /// Marks a moment: its clip stays until the mark is removed.
    ///
    /// # Errors
    /// This person may view no clip of that moment; too long a note; too many bookmarks.
    pub async fn give_bookmark(&self, given: GiveBookmark) -> Result<BookmarkView> {
        let person = self.inner.signed_in()?;
        let GiveBookmark { camera, at_us, note } = given;
        let moment_end = UnixMicros(at_us.0.saturating_add(1));
        let place = self.clip_in(camera, at_us, moment_end).await?;
        let clip = place.ok_or_else(|| Error::not_found("a clip of that moment"))?.clip;
        let row = BookmarkRow {
            id: BookmarkId::random(&mut rand::rng()),
            clip,
            camera,
            person: person.id,
            at_us,
            note: None,
            made_us: self.inner.now(),
            entry: 0,
        };
        self.keep_bookmark(&person, row, note, Kind::Bookmarked).await
    }

    /// Changes the note of one's own bookmark.
    ///
    /// # Errors
    /// There is no such bookmark of this person; too long a note.
    pub async fn change_bookmark(&self, id: BookmarkId, note: String) -> Result<BookmarkView> {
        let person = self.inner.signed_in()?;
        let row = self.visible_bookmark(&person, id).await?;
        if row.person != person.id {
            return Err(Error::invalid("a note is changed by whoever wrote it"));
        }
        self.keep_bookmark(&person, row, note, Kind::BookmarkChanged).await
    }

    /// Removes a bookmark: one's own, or as the owner any. Its clip is erased when its time is over.
    ///
    /// # Errors
    /// There is no such bookmark for this person.
    pub async fn remove_bookmark(&self, id: BookmarkId) -> Result<()> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let row = self.visible_bookmark(&person, id).await?;
        let mut note = note_of(Kind::BookmarkRemoved, &person, &row);
        note.refers_to = Some(row.entry);
        let writer = Arc::clone(inner);
        let keys = person.owner().cloned();
        let index = inner
            .db
            .write(move |tables| {
                tables.bookmark(id)?.ok_or_else(|| Error::not_found("this bookmark"))?;
                tables.delete_bookmark(id)?;
                writer.logbook.append(tables, &note, keys.as_deref())
            })
            .await?;
        inner.tell(Event::LogGrew(index + 1));
        inner.clips_changed();
        Ok(())
    }

    async fn visible_bookmark(&self, person: &SignedIn, id: BookmarkId) -> Result<BookmarkRow> {
        let row = self.inner.db.read(move |tables| Ok(tables.bookmark(id)?)).await?;
        let theirs = |row: &BookmarkRow| person.owner().is_some() || row.person == person.id;
        row.filter(theirs).ok_or_else(|| Error::not_found("this bookmark"))
    }

    /// Entry and row in one transaction.
    async fn keep_bookmark(
        &self,
        person: &SignedIn,
        mut row: BookmarkRow,
        text: String,
        kind: Kind,
    ) -> Result<BookmarkView> {
        let inner = &self.inner;
        let text = text.trim().to_owned();
        if text.chars().count() > NOTE_MAX {
            return Err(Error::invalid(format!("a note has up to {NOTE_MAX} characters")));
        }
        let mut note = note_of(kind, person, &row);
        note.refers_to = (kind == Kind::BookmarkChanged).then_some(row.entry);
        row.note = None;
        if !text.is_empty() {
            let mut readers = match &person.keys {
                Keys::Owner(keys) => vec![keys.recipient()],
                Keys::Person(keys) => vec![keys.recipient()],
            };
            if person.owner().is_none() {
                readers.extend(inner.logbook.owner());
            }
            row.note = Some(seal_to(&readers, text.as_bytes())?);
            note = note.personal("note", text);
        }
        let (writer, keys) = (Arc::clone(inner), person.owner().cloned());
        let grants = visible_grants(inner, person);
        let (row, index) = inner
            .db
            .write(move |tables| {
                // What was true before the entry may not be true any more: erased, taken back, removed.
                if !is_open_to(tables, row.clip, grants.as_deref())? {
                    return Err(Error::not_found("this clip"));
                }
                let all = tables.bookmarks()?;
                let is_known = all.iter().any(|known| known.id == row.id);
                if kind == Kind::BookmarkChanged && !is_known {
                    return Err(Error::not_found("this bookmark"));
                }
                let own = all.iter().filter(|known| known.person == row.person).count();
                if !is_known && own >= BOOKMARKS_MAX {
                    return Err(Error::invalid(format!(
                        "{BOOKMARKS_MAX} bookmarks at most: remove some first"
                    )));
                }
                let index = writer.logbook.append(tables, &note, keys.as_deref())?;
                if !is_known {
                    row.entry = index;
                }
                tables.put_bookmark(&row)?;
                Ok((row, index))
            })
            .await?;
        inner.tell(Event::LogGrew(index + 1));
        inner.clips_changed();
        bookmark_view(inner, person, row).ok_or_else(|| Error::not_found("this bookmark"))
    }
}

fn note_of(kind: Kind, person: &SignedIn, row: &BookmarkRow) -> Note {
    Note::new(kind).by(person.id).camera(row.camera).clip(row.clip).fact("at_us", row.at_us.0)
}

/// Whether a clip is there, and open to whoever has `grants` (`None`: the owner).
fn is_open_to(
    tables: &Tables<'_>,
    clip: ClipId,
    grants: Option<&[hausrecht_model::GrantId]>,
) -> Result<bool, StoreError> {
    let Some(_) = tables.clip(clip)? else { return Ok(false) };
    let Some(grants) = grants else { return Ok(true) };
    Ok(tables.wraps(clip)?.iter().any(|(id, _)| id.is_some_and(|id| grants.contains(&id))))
}

/// A bookmark as `viewer` may see it; `None` for one of somebody who is gone.
pub(super) fn bookmark_view(inner: &Inner, viewer: &SignedIn, row: BookmarkRow) -> Option<BookmarkView> {
    let by = inner.face_of(row.person, viewer)?;
    let camera_name = |camera: CameraId| {
        lock(&inner.camera_rows).get(&camera).map(|row| row.name.clone()).unwrap_or_default()
    };
    let text = row.note.as_ref().and_then(|sealed| {
        let plain = open_with(viewer.keys.identity(), sealed).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    });
    Some(BookmarkView {
        id: row.id,
        clip: row.clip,
        camera: row.camera,
        camera_name: camera_name(row.camera),
        at_us: row.at_us,
        note: text.unwrap_or_default(),
        mine: row.person == viewer.id,
        by,
        made_us: row.made_us,
        entry: row.entry,
    })
}
