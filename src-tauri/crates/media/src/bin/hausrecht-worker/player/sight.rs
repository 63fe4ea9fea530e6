//! Where a player's pictures go, and how much of them is shown.

use std::os::fd::OwnedFd;

use anyhow::Context;
use hausrecht_media::{Region, RingShape};

use super::{Decoder, Player};
use crate::view::Screen;

impl Player {
    /// Shows this part of the picture. One that stands is shown anew, unless it is on its way: whoever drags the picture would
    /// otherwise see nothing before the end.
    pub(super) fn show_region(&mut self, region: Region) -> anyhow::Result<()> {
        self.region = region.within();
        let Some(decoder) = &self.decoder else { return Ok(()) };
        decoder.show_region(self.region);
        if self.wanted_us.is_some() || (self.playing && !self.is_reversed()) {
            self.other_part = true;
            return Ok(());
        }
        self.restart_at(self.standing_us())
    }

    pub(super) fn look(&mut self, view: u32, ring: RingShape, descriptors: &[OwnedFd]) -> anyhow::Result<()> {
        let memfd = descriptors.first().context("no memory came with the order")?;
        self.screen = Some(Screen::open(memfd, ring, self.events.clone())?);
        if view != self.view {
            (self.view, self.region) = (view, Region::WHOLE);
        }
        match &self.decoder {
            Some(decoder) => {
                decoder.show_region(self.region);
                decoder.resize(ring);
            }
            None => {
                let inputs = self.inputs.clone();
                let decoder = Decoder::start(&self.clip.format, ring, move |input| {
                    // A player that has ended needs no picture.
                    let _ = inputs.send(input);
                })?;
                decoder.adjust(self.adjust);
                decoder.show_region(self.region);
                self.decoder = Some(decoder);
            }
        }
        if self.following {
            self.playing = true;
            return self.catch_up();
        }
        self.restart_at(self.standing_us())
    }
}
