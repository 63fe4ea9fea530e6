//! The ways to a stream, one after the other: inside the RTSP connection, as datagrams, and through HTTP.

use std::{sync::Arc, thread};

use anyhow::Context;
use hausrecht_media::{FaultCode, Stream, Transport};
use hausrecht_model::Clock;

use super::{Camera, End, Input, rate::Rate, steady::Steady, still::Still};
use crate::ingest::{Incoming, Ingest, Reader, Tell};

impl Camera {
    /// Begins to fetch `stream` in the way that has worked before.
    pub(super) fn connect_again(&mut self, stream: Stream) -> Result<(), End> {
        let begins_with = self.source(stream).map_or(Transport::Tcp, |source| source.begins_with);
        if self.open.transport == Transport::Http && begins_with != Transport::Http {
            return self.tunnel(stream, FaultCode::Refused, "no RTSP through HTTP".into(), true);
        }
        self.connect(stream, begins_with)
    }

    /// Begins to fetch `stream`, after a first connection on a thread of its own has shown that somebody listens.
    pub(super) fn connect(&mut self, stream: Stream, transport: Transport) -> Result<(), End> {
        let now = self.clock.monotonic();
        let transport = if self.open.transport == Transport::Udp { Transport::Udp } else { transport };
        let (inputs, open) = (self.inputs.clone(), self.open.clone());
        let Some(source) = self.source(stream) else { return Ok(()) };
        source.stop();
        source.transport = transport;
        source.started = now;
        source.last_unit = now;
        source.rate = Rate::default();
        source.delay.begin_anew();
        source.still = Still::default();
        source.steady = Steady::default();
        let attempt = source.attempt;
        if transport != Transport::Http {
            source.here.clone_from(&source.address);
        }
        let address = source.here.clone();
        let reader = source
            .reader
            .filter(|_| transport != Transport::Http)
            .unwrap_or_else(|| Reader::first_for(&address, transport));
        let probe_inputs = inputs.clone();
        let probe_address = address.clone();
        let probed = thread::Builder::new().name("probe".into()).spawn(move || {
            if let Err((code, text)) = probe_address.probe() {
                // A camera worker that has ended needs no answer.
                let what = Incoming::Unreachable(code, text);
                let _ = probe_inputs.send(Input::Stream { stream, attempt, what });
            }
        });
        let tell: Tell = Arc::new(move |what| {
            // As above.
            let _ = inputs.send(Input::Stream { stream, attempt, what });
        });
        let started = probed
            .context("starting a thread")
            .and_then(|_| Ingest::start(reader, &address, &open, transport, tell));
        match started {
            Ok(ingest) => {
                source.ingest = Some(ingest);
                self.tell_watched();
                Ok(())
            }
            Err(error) => self.fail(stream, FaultCode::Internal, format!("{error:#}")),
        }
    }

    /// Goes on with the other reader.
    pub(super) fn read_otherwise(&mut self, stream: Stream, text: &str) -> Result<(), End> {
        let Some(source) = self.source(stream) else { return Ok(()) };
        tracing::info!("{stream:?} goes on through rtspsrc: {text}");
        source.reader = Some(Reader::Rtspsrc);
        self.fetch_anew(stream)
    }

    /// Fetches a stream over a new connection. What is being recorded ends here, for the two do not count time from the same
    /// zero.
    pub(super) fn fetch_anew(&mut self, stream: Stream) -> Result<(), End> {
        if stream == Stream::Main {
            self.recorder.finish();
            self.keeping.forget();
        }
        self.views_clock_changed(stream);
        self.motion_clock_changed(stream);
        let Some(source) = self.source(stream) else { return Ok(()) };
        let transport = source.transport;
        self.connect(stream, transport)
    }

    /// A stream failed: once more over UDP if the camera has no TCP, else as [`Camera::fail`] says.
    pub(super) fn failed(&mut self, stream: Stream, code: FaultCode, text: String) -> Result<(), End> {
        let auto = self.open.transport == Transport::Auto;
        let Some(source) = self.source(stream) else { return Ok(()) };
        let untried = auto && source.transport == Transport::Tcp && source.first_unit.is_none();
        // The other reader is needed for UDP in any case.
        let about_transport = ["nsupported transport", "nsupported Transport", "461", "protocols"]
            .iter()
            .any(|sign| text.contains(sign));
        // What TLS protects does not go out in clear because the camera asks for that.
        if untried && about_transport && !source.address.tls {
            return self.connect(stream, Transport::Udp);
        }
        let connected = source.first_unit.is_some();
        if !connected && matches!(code, FaultCode::Timeout | FaultCode::Lost) {
            return self.silent(stream, code, text);
        }
        if !connected && source.transport == Transport::Http && code == FaultCode::Refused {
            return self.tunnel(stream, code, text, true);
        }
        let lost = connected && matches!(code, FaultCode::Internal | FaultCode::Timeout | FaultCode::Refused);
        self.fail(stream, if lost { FaultCode::Lost } else { code }, text)
    }

    /// The camera is there, and what it sends in this way may not get through.
    pub(super) fn silent(&mut self, stream: Stream, code: FaultCode, text: String) -> Result<(), End> {
        // What TLS protects does not go out in clear because it is slow to come.
        let over_tcp = self
            .source(stream)
            .is_some_and(|source| source.transport == Transport::Tcp && !source.address.tls);
        if self.open.transport == Transport::Auto && over_tcp {
            tracing::info!("{stream:?} is tried over UDP: {text}");
            return self.connect(stream, Transport::Udp);
        }
        self.tunnel(stream, code, text, true)
    }

    /// Nobody answers at the port of RTSP.
    pub(super) fn unreachable(&mut self, stream: Stream, code: FaultCode, text: String) -> Result<(), End> {
        self.tunnel(stream, code, text, false)
    }

    /// Tries the next way through HTTP. If none is left, the stream fails as it did at first: that there is no tunnel
    /// either tells nobody anything. `port_answers` says whether somebody answers at the port of RTSP.
    pub(super) fn tunnel(
        &mut self,
        stream: Stream,
        code: FaultCode,
        text: String,
        port_answers: bool,
    ) -> Result<(), End> {
        let allowed = matches!(self.open.transport, Transport::Auto | Transport::Http);
        let Some(source) = self.source(stream) else { return Ok(()) };
        if source.transport != Transport::Http {
            source.tunnels = if allowed { source.address.tunnels(port_answers) } else { Vec::new() };
            source.tunnels.reverse();
            source.failed_before = Some((code, text.clone()));
        }
        match source.tunnels.pop() {
            Some(address) => {
                tracing::info!("{stream:?} is tried through HTTP at port {}: {text}", address.port);
                source.here = address;
                self.connect(stream, Transport::Http)
            }
            None => {
                let (code, text) = source.failed_before.take().unwrap_or((code, text));
                self.fail(stream, code, text)
            }
        }
    }
}
