//! What the desktop may be told, and the little that a notification shows.

use std::{sync::Arc, time::Duration};

use hausrecht_ledger::Kind;
use hausrecht_media::Picture;
use hausrecht_model::{CameraId, ClipId, StreamRole, UnixMicros};
use hausrecht_store::ClipFilter;

use super::Handle;
use crate::{
    Result,
    inner::{Inner, lock},
    logbook::Note,
    session::SignedIn,
    wire::{CameraKinds, Error, Event, NotifyRules},
};

/// The largest side of a small picture. Pixels.
const SIDE_MAX: u32 = 320;
/// How long a camera that nobody looks at may take to bring a picture.
const PICTURE_WITHIN: Duration = Duration::from_secs(4);

/// A small picture, only ever in memory.
#[derive(Clone, PartialEq, Eq)]
pub struct SmallPicture {
    /// Width. Pixels.
    pub width: u32,
    /// Height. Pixels.
    pub height: u32,
    /// Red, green, blue for each pixel, line by line.
    pub rgb: Vec<u8>,
}

impl std::fmt::Debug for SmallPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SmallPicture({} x {})", self.width, self.height)
    }
}

impl Handle {
    /// What the owner wants to be notified of, with all kinds of every camera.
    ///
    /// # Errors
    /// Only the owner.
    pub fn notify_rules(&self) -> Result<NotifyRules> {
        self.inner.signed_in()?.owner_keys()?;
        Ok(self.notify_rules_in_force())
    }

    /// The same for the shell, which notifies of what happens while nobody is signed in as well.
    pub fn notify_rules_in_force(&self) -> NotifyRules {
        let mut rules = lock(&self.inner.notify_rules).clone();
        let cameras: Vec<_> = lock(&self.inner.cameras).keys().copied().collect();
        rules.kinds.retain(|kinds| cameras.contains(&kinds.camera));
        for camera in cameras {
            if !rules.kinds.iter().any(|kinds| kinds.camera == camera) {
                rules.kinds.push(CameraKinds { camera, kinds: CameraKinds::USUAL.to_vec() });
            }
        }
        rules
    }

    /// Sets what the owner wants to be notified of.
    ///
    /// # Errors
    /// Only the owner; hours that do not exist.
    pub async fn set_notify_rules(&self, rules: NotifyRules) -> Result<NotifyRules> {
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        if rules.quiet.is_some_and(|quiet| quiet.from_min >= 1440 || quiet.to_min >= 1440) {
            return Err(Error::invalid("a day has the minutes 0 to 1439"));
        }
        if rules.kinds.len() > 1000 {
            return Err(Error::invalid("rules for up to 1000 cameras"));
        }
        let text = serde_json::to_string(&rules)?;
        let note = Note::new(Kind::SettingChanged)
            .by(person.id)
            .fact("setting", "notifications")
            .fact("to", if rules.enabled { "on" } else { "off" })
            .fact("pictures", rules.pictures);
        let inner = Arc::clone(&self.inner);
        let index = self
            .inner
            .db
            .run(move |store| {
                let index = store.write(|tables| {
                    tables.set_meta("notify_rules", &text)?;
                    inner.logbook.append(tables, &note, Some(&keys))
                })?;
                // On the database's thread, where changes follow one another.
                *lock(&inner.notify_rules) = rules;
                Ok(index)
            })
            .await?;
        self.inner.tell(Event::LogGrew(index + 1));
        self.notify_rules()
    }

    /// A small picture of what `camera` shows now, for a notification; `None` if none comes in time. That it is shown
    /// stands in the log before, as previewed, once per camera, day and session.
    ///
    /// # Errors
    /// Nobody is signed in, or the camera is not theirs to watch; the log cannot be written.
    pub async fn event_picture(&self, camera: CameraId) -> Result<Option<SmallPicture>> {
        let person = self.inner.signed_in()?;
        let task = lock(&self.inner.cameras).get(&camera).cloned();
        let task = task
            .filter(|_| self.inner.may_watch(&person, camera))
            .ok_or_else(|| Error::not_found("this camera"))?;
        self.inner.note_previewed(&person, camera).await?;
        let port = &task.port;
        let mut picture = port.newest_shown(small);
        if picture.is_none() {
            let stream = if task.row().sub_uri.is_none() { StreamRole::Main } else { StreamRole::Sub };
            // Whoever looks at this camera in the window is not to lose sight of it for a notification.
            if let Some(view) = port.view_if_none(stream, SIDE_MAX, SIDE_MAX * 9 / 16)?
                && let Some(mut changes) = view.changes()
            {
                let came = changes.wait_for(|sequence| *sequence > 0);
                if tokio::time::timeout(PICTURE_WITHIN, came).await.is_ok_and(|came| came.is_ok()) {
                    picture = view.newest(small);
                }
            }
        }
        self.inner.still(&person)?;
        Ok(picture.or_else(|| port.newest_shown(small)))
    }

    /// The finished clip of `camera` in which `at` lies. Its id alone says nothing to whoever may not open it.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn clip_at(&self, camera: CameraId, at: UnixMicros) -> Result<Option<ClipId>> {
        let filter = ClipFilter {
            cameras: vec![camera],
            span_us: Some((at, UnixMicros(at.0 + 1))),
            limit: Some(1),
            ..ClipFilter::default()
        };
        let clips = self.inner.db.read(move |tables| Ok(tables.clips(&filter)?)).await?;
        Ok(clips.first().map(|clip| clip.id))
    }
}

impl Inner {
    /// Writes down that `person` sees something of a camera: once per camera, day and session, and before it is shown.
    pub(super) async fn note_previewed(self: &Arc<Self>, person: &SignedIn, camera: CameraId) -> Result<()> {
        let day = self.now().0.div_euclid(86_400_000_000);
        if !lock(&self.session).previewed.contains(&(camera, day)) {
            let note =
                Note::new(Kind::Previewed).by(person.id).camera(camera).fact("day_us", day * 86_400_000_000);
            self.log(note).await.map_err(Error::log_unwritable)?;
            let mut session = lock(&self.session);
            if session.signed_in.as_ref().is_none_or(|now| now.number != person.number) {
                return Err(Error::locked());
            }
            session.previewed.insert((camera, day));
        }
        Ok(())
    }
}

/// Makes a picture small by leaving out pixels.
fn small(picture: Picture<'_>) -> SmallPicture {
    let largest = picture.width.max(picture.height).max(1);
    let step = largest.div_ceil(SIDE_MAX).max(1);
    let (width, height) = (picture.width / step, picture.height / step);
    let mut rgb = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        let line = (y * step * picture.stride) as usize;
        for x in 0..width {
            let pixel = line + (x * step * 4) as usize;
            if let Some([blue, green, red]) = picture.bgrx.get(pixel..pixel + 3) {
                rgb.extend([red, green, blue]);
            }
        }
    }
    SmallPicture { width, height, rgb }
}
