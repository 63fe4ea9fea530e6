//! One RTSP stream, taken apart into access units. Only the video is set up; sound never leaves the camera.
//!
//! Two readers do it. Over plain TCP, which is what nearly every camera offers, [`interleaved`] reads with `retina`: RTSP and
//! RTP in safe Rust, with the pictures' own times, at a third of the cost. UDP, TLS, link-local addresses, and cameras that it does not
//! get along with go through GStreamer's [`rtspsrc`], which knows more dialects.

pub(crate) mod certificate;
mod challenge;
mod guard;
mod interleaved;
mod lateness;
mod rtspsrc;
mod tunnel;

use std::sync::Arc;

use hausrecht_media::{CameraOpen, FaultCode, Transport};

pub(crate) use self::{
    guard::{Account, guard},
    rtspsrc::{classify, format_of},
};
use crate::{fmp4::Format, recorder::AccessUnit, source::Address};

/// What an ingest tells its owner, from a thread of its own.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A picture.
    Unit(AccessUnit, Arc<Format>),
    /// It failed and delivers nothing more.
    Failed(FaultCode, String),
    /// It delivers nothing: there is no connection to the camera.
    Unreachable(FaultCode, String),
    /// It delivers nothing: the camera is there, and is silent over this transport.
    Silent(String),
    /// It delivers nothing more, because the camera speaks in a way that this reader does not take; the other one may.
    NotUnderstood(String),
}

/// Where an ingest tells it.
pub(crate) type Tell = Arc<dyn Fn(Incoming) + Send + Sync>;

/// Which of the two readers is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reader {
    /// The strict and cheap one.
    Interleaved,
    /// The patient one.
    Rtspsrc,
}

impl Reader {
    /// The first to try.
    pub(crate) fn first_for(address: &Address, transport: Transport) -> Self {
        // A URL, which is all that the cheap one takes, cannot name the network of a link-local address.
        if address.tls || address.link_local || matches!(transport, Transport::Udp | Transport::Http) {
            Self::Rtspsrc
        } else {
            Self::Interleaved
        }
    }
}

/// A running RTSP stream; it ends when it is dropped.
#[derive(Debug)]
pub(crate) enum Ingest {
    /// By `retina`.
    Interleaved(interleaved::Connection),
    /// By GStreamer.
    Rtspsrc(#[expect(dead_code, reason = "held for its end")] rtspsrc::Pipeline),
}

impl Ingest {
    /// Begins to fetch `address`.
    pub(crate) fn start(
        reader: Reader,
        address: &Address,
        open: &CameraOpen,
        transport: Transport,
        tell: Tell,
    ) -> anyhow::Result<Self> {
        match reader {
            Reader::Interleaved => interleaved::Connection::start(address, open, tell).map(Self::Interleaved),
            Reader::Rtspsrc => rtspsrc::Pipeline::start(address, open, transport, tell).map(Self::Rtspsrc),
        }
    }

    /// Says whether somebody looks at the pictures. Those that are only recorded may come in small groups, which saves most
    /// of the waking up.
    pub(crate) fn set_watched(&self, watched: bool) {
        match self {
            Self::Interleaved(connection) => connection.set_watched(watched),
            Self::Rtspsrc(_) => {}
        }
    }
}
