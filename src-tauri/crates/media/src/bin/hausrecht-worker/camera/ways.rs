//! The ways to a stream, one after the other: inside the RTSP connection, as datagrams, and through HTTP.

use hausrecht_media::{FaultCode, Stream, Transport};

use super::{Camera, End};

impl Camera {
    /// The camera is there, and what it sends in this way may not get through.
    pub(super) fn silent(&mut self, stream: Stream, code: FaultCode, text: String) -> Result<(), End> {
        let over_tcp = self.source(stream).is_some_and(|source| source.transport == Transport::Tcp);
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
