//! Digital zoom: cuts a part out of the decoded picture before it is scaled, so that it is as sharp as the stream and costs no
//! more than the whole.

use anyhow::Context;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;
use hausrecht_media::Region;
use std::sync::{Arc, Mutex};

use crate::lock::lock;

/// An element that cuts, and what it is to leave.
#[derive(Debug)]
pub(crate) struct Crop {
    element: gst::Element,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    region: Region,
    /// Of the pictures that arrive; 0 before the first.
    width: u32,
    height: u32,
}

impl Crop {
    /// Makes it; it lets everything through.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let element = gst::ElementFactory::make("videocrop").build().context("making videocrop")?;
        let state = Arc::new(Mutex::new(State { region: Region::WHOLE, width: 0, height: 0 }));
        let sink = element.static_pad("sink").context("videocrop without a sink pad")?;
        let (sized, cropping) = (Arc::clone(&state), element.downgrade());
        // The decoder says how large its pictures are, and says so again when the stream changes.
        sink.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            if let Some(gst::EventView::Caps(caps)) = info.event().map(|event| event.view())
                && let Ok(video) = gst_video::VideoInfo::from_caps(caps.caps())
                && let Some(element) = cropping.upgrade()
            {
                let mut state = lock(&sized);
                (state.width, state.height) = (video.width(), video.height());
                apply(&element, *state);
            }
            gst::PadProbeReturn::Ok
        });
        Ok(Self { element, state })
    }

    /// The element, to be linked before what scales.
    pub(crate) fn element(&self) -> gst::Element {
        self.element.clone()
    }

    /// Leaves `region` from the next picture on.
    pub(crate) fn leave(&self, region: Region) {
        let mut state = lock(&self.state);
        state.region = region;
        apply(&self.element, *state);
    }
}

fn apply(element: &gst::Element, state: State) {
    let edges = edges(state.region, state.width, state.height);
    for (name, pixels) in ["left", "top", "right", "bottom"].into_iter().zip(edges) {
        element.set_property(name, pixels);
    }
}

/// Pixels to cut at the left, top, right and bottom: even numbers, for colours come in pairs of pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "pixels of a picture")]
fn edges(region: Region, width: u32, height: u32) -> [i32; 4] {
    let region = region.within_bounds();
    let even = |part: f32, of: u32| ((part * of as f32 / 2.0).round() as i32) * 2;
    let [left, top] = [even(region.left, width), even(region.top, height)];
    let right = even(1.0 - region.left - region.width, width);
    let bottom = even(1.0 - region.top - region.height, height);
    [left, top, right, bottom].map(|edge| edge.max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_even_and_leave_the_region() {
        let region = Region { left: 0.25, top: 0.5, width: 0.5, height: 0.25 };
        assert_eq!(edges(region, 1920, 1080), [480, 540, 480, 270]);
        assert_eq!(edges(Region::WHOLE, 1920, 1080), [0; 4]);
        let odd = edges(Region { left: 0.333, top: 0.111, width: 0.2, height: 0.2 }, 641, 359);
        assert!(odd.iter().all(|edge| edge % 2 == 0), "{odd:?}");
        assert_eq!(edges(region, 0, 0), [0; 4]);
    }
}
