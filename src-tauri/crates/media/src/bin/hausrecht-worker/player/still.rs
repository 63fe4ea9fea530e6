//! The picture that stands, whole and as it was recorded: it is decoded anew from the clip.

use std::{os::fd::OwnedFd, sync::Arc};

use hausrecht_media::SnapshotFormat;

use super::Player;
use crate::snapshot::{self, Group};

impl Player {
    /// Encodes the picture that is shown into the memory that came with the order.
    pub(super) fn give_still(
        &mut self,
        id: u32,
        format: SnapshotFormat,
        descriptors: Vec<OwnedFd>,
    ) -> anyhow::Result<()> {
        let group = self.group_shown()?;
        let video = Arc::new(self.clip.format.clone());
        snapshot::make(id, format, group, Some(video), descriptors, self.events.clone());
        Ok(())
    }

    /// What it was decoded from; `None` before the first.
    fn group_shown(&mut self) -> anyhow::Result<Option<Group>> {
        let Some(shown_us) = self.shown_us else { return Ok(None) };
        let mut units = Vec::new();
        for index in self.timeline.group_of(shown_us).. {
            let Some(picture) = self.clip.pictures.get(index).copied() else { return Ok(None) };
            units.push((picture.pts_us, picture.key, Arc::from(self.clip.picture(&picture)?)));
            if picture.pts_us == shown_us {
                break;
            }
        }
        Ok(Some(Group { shown_us, units }))
    }
}
