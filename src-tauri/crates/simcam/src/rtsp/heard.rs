//! What the loudspeaker was given over the back channel: counted, and the last second kept, so that a test can ask.

use std::{collections::VecDeque, sync::Mutex};

use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks};

use crate::lock::lock;

/// G.711 has this many bytes a second.
const SECOND_BYTES: usize = 8000;

/// The end of the back channel in the media of a connection: takes RTP with G.711 mu-law. The server looks for the name
/// `depay_backchannel`.
pub(super) const LAUNCH: &str = "( capsfilter name=depay_backchannel caps=\"application/x-rtp, media=audio, payload=0, clock-rate=8000, encoding-name=PCMU\" \
     ! rtppcmudepay ! appsink name=heard sync=false async=false )";

/// Sound that came in, of all connections together.
#[derive(Debug, Default)]
pub struct Heard(Mutex<Sound>);

/// Sound that came in.
#[derive(Clone, Debug, Default)]
pub struct Sound {
    /// RTP packets.
    pub packets: u64,
    /// Bytes of G.711 mu-law, 8000 a second.
    pub bytes: u64,
    /// The last of them, a second at most.
    pub last: VecDeque<u8>,
}

impl Sound {
    /// How loud the last second was: the mean of the samples' absolute values, 0 to 32767.
    pub fn loudness(&self) -> u32 {
        let sum: u64 = self.last.iter().map(|&byte| u64::from(linear(byte).unsigned_abs())).sum();
        u32::try_from(sum.checked_div(self.last.len() as u64).unwrap_or(0)).unwrap_or(u32::MAX)
    }
}

impl Heard {
    /// What came in so far.
    pub fn sound(&self) -> Sound {
        lock(&self.0).clone()
    }

    fn take(&self, bytes: &[u8]) {
        let mut sound = lock(&self.0);
        sound.packets += 1;
        sound.bytes += bytes.len() as u64;
        sound.last.extend(bytes);
        let over = sound.last.len().saturating_sub(SECOND_BYTES);
        sound.last.drain(..over);
    }
}

/// Lets `heard` have what comes out of `sink`.
pub(super) fn listen(sink: &AppSink, heard: std::sync::Arc<Heard>) {
    let callbacks = AppSinkCallbacks::builder().new_sample(move |sink| {
        let sample = sink.pull_sample().map_err(|_| gstreamer::FlowError::Eos)?;
        if let Some(bytes) = sample.buffer().and_then(|buffer| buffer.map_readable().ok()) {
            heard.take(&bytes);
        }
        Ok(gstreamer::FlowSuccess::Ok)
    });
    sink.set_callbacks(callbacks.build());
    sink.set_property("emit-signals", false);
}

/// One sample of G.711 mu-law as a number. ITU-T G.711, table 2a.
fn linear(byte: u8) -> i32 {
    let byte = !byte;
    let magnitude = ((i32::from(byte & 0x0f) << 3) + 0x84) << ((byte & 0x70) >> 4);
    if byte & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_second_is_kept_and_measured() {
        let heard = Heard::default();
        heard.take(&[0x00; 4000]);
        heard.take(&[0xff; 8000]);
        let sound = heard.sound();
        assert_eq!((sound.packets, sound.bytes, sound.last.len()), (2, 12_000, SECOND_BYTES));
        assert_eq!(sound.loudness(), 0, "the loud part is more than a second ago");
        assert_eq!((linear(0x00), linear(0x80), linear(0xff)), (-32124, 32124, 0));
    }
}
