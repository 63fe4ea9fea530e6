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
    let (left, right, top, bottom) = state.region.margins(state.width, state.height);
    for (name, pixels) in [("left", left), ("right", right), ("top", top), ("bottom", bottom)] {
        element.set_property(name, pixels.cast_signed());
    }
}
