//! What a camera can do beyond sending pictures and reporting motion. Each scene has a choice of its own, so that a row of demo
//! cameras shows variety; the command line adds and removes.

use std::collections::BTreeSet;

use crate::footage::Scene;

/// Something that some cameras can do and others cannot. What a camera lacks, it neither announces nor answers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, clap::ValueEnum)]
pub enum Feature {
    /// Moves and zooms: a simulated position, the pictures stay as they are.
    Ptz,
    /// A relay output that opens a door for three seconds, and one that stays as it is put.
    Relay,
    /// A digital input.
    Input,
    /// A loudspeaker: the ONVIF back channel with G.711 mu-law.
    Talk,
    /// Brightness, exposure and the like; kept and given back, the pictures stay as they are.
    Imaging,
    /// Text over the picture; kept and given back, the pictures stay as they are.
    Osd,
    /// Areas that are made black; kept and given back, the pictures stay as they are.
    Mask,
    /// A card that holds the last 24 hours with gaps: ONVIF Profile G.
    Card,
    /// The newer media service.
    Media2,
    /// A third profile, small and in JPEG pictures; made from the footage at the start.
    Mjpeg,
    /// One more profile, small and in H.265; made from the footage at the start. Media2 only, as in most cameras.
    H265,
}

impl Feature {
    /// What a camera of `scene` can do when nobody says otherwise.
    pub fn of(scene: Scene) -> BTreeSet<Self> {
        let own: &[Self] = match scene {
            Scene::Front => {
                &[Self::Ptz, Self::Talk, Self::Imaging, Self::Osd, Self::Mask, Self::Card, Self::Media2]
            }
            Scene::Garage => &[Self::Relay, Self::Input, Self::Imaging, Self::Card, Self::Media2],
            Scene::Shop => &[Self::Osd, Self::Mask, Self::Card, Self::Media2],
        };
        own.iter().copied().collect()
    }
}
