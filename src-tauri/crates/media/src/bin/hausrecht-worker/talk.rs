//! The talk worker: from this computer's microphone to the camera's loudspeaker, by the ONVIF back channel (ONVIF Streaming
//! Specification, 5.3). It is a process of its own, so that what listens in this room never runs beside what decodes a
//! camera's pictures; it is started for one talk and ends with it. Of the camera's own streams none is set up unless the
//! camera insists, and then it is thrown away unread. The microphone is opened only after the camera has agreed.

mod channel;
mod sound;

use std::{process, sync::mpsc, time::Duration};

use hausrecht_media::{Event, FaultCode, Order, Stream, TalkOpen, TalkSound, Transport};
use hausrecht_model::{Clock, clock::SystemClock};

use self::{
    channel::{BackChannel, Streams},
    sound::Sound,
};
use crate::{
    channel::{Channel, follow_orders, tell_fault},
    sandbox::{self, Needs},
    source::Address,
};

/// How long the camera may take to agree.
const AGREE_LIMIT: Duration = Duration::from_secs(10);
/// How long a sound server may take to give the first sound.
const SOUND_LIMIT: Duration = Duration::from_secs(5);
const TELL_EVERY: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(100);

/// What reaches the owning thread.
#[derive(Debug)]
enum Input {
    End,
    Camera { attempt: usize, what: FromCamera },
    Sound(FromSound),
}

/// What the back channel tells.
#[derive(Debug)]
enum FromCamera {
    /// The camera waits for sound of this kind.
    Agreed(channel::Offer),
    /// It does not.
    Failed { code: FaultCode, text: String },
}

/// What the microphone tells.
#[derive(Debug)]
enum FromSound {
    /// A packet, and how loud it is, 0 to 32 767.
    Packet(gstreamer::Sample, u16),
    /// There is no sound, or no more.
    Failed(String),
}

/// Runs the talk worker until the engine orders its end, its time is over, or something fails.
pub(crate) fn run(channel: Channel, open: TalkOpen) -> anyhow::Result<()> {
    let Channel { events, orders } = channel;
    let fault = |code, text: &str| tell_fault(&events, Stream::Main, code, text);
    let Some(address) = Address::parse(&open.uri) else {
        fault(FaultCode::NotFound, "the talk's address is not an RTSP address");
        anyhow::bail!("the talk's address is not an RTSP address");
    };
    sound::load_elements(open.sound);
    let server = sound::server();
    let sandbox = sandbox::restrict(&Needs {
        connect_ports: vec![address.port],
        names: address.named,
        tls: address.tls,
        udp: open.transport != Transport::Tcp,
        unix_sockets: open.sound == TalkSound::Microphone,
        fonts: false,
    });
    events.send(&Event::Ready { sandbox })?;

    let (inputs, incoming) = mpsc::channel();
    let ending = inputs.clone();
    follow_orders(orders, move |order, _| {
        if !matches!(order, Order::Shutdown) {
            tracing::warn!("not an order for a talk: {order:?}");
            return true;
        }
        // A talk that has ended needs no order.
        ending.send(Input::End).is_ok()
    })?;
    let mut talk = Talk { events: &events, inputs, clock: SystemClock::new(), address, open, server };
    let ended = talk.work(&incoming);
    if let Err((code, text)) = ended {
        fault(code, &text);
        process::exit(1);
    }
    process::exit(0)
}

type Failure = (FaultCode, String);

struct Talk<'a> {
    events: &'a hausrecht_media::Sender<Event>,
    inputs: mpsc::Sender<Input>,
    clock: SystemClock,
    address: Address,
    open: TalkOpen,
    server: Option<String>,
}

impl Talk<'_> {
    fn work(&mut self, incoming: &mpsc::Receiver<Input>) -> Result<(), Failure> {
        let limit = Duration::from_millis(u64::from(self.open.limit_ms.min(TalkOpen::MAX_LIMIT_MS)));
        let until = self.clock.monotonic() + limit;
        self.address.probe()?;
        let Some((attempt, channel, offer)) = self.agree(incoming, until)? else { return Ok(()) };
        let inputs = self.inputs.clone();
        let sound = Sound::start(self.open.sound, self.server.as_deref(), &offer, move |what| {
            // A talk that has ended needs no sound.
            let _ = inputs.send(Input::Sound(what));
        })
        .map_err(|error| (FaultCode::NoMicrophone, format!("{error:#}")))?;
        let spoken = self.speak(incoming, until, attempt, |packet| channel.give(&offer, packet));
        // First the microphone, then the camera.
        drop(sound);
        drop(channel);
        spoken
    }

    /// Asks the camera for its back channel, in each way that it may want to be asked. `None` if the talk ends before.
    fn agree(
        &self,
        incoming: &mpsc::Receiver<Input>,
        until: Duration,
    ) -> Result<Option<(usize, BackChannel, channel::Offer)>, Failure> {
        let mut ways = vec![(Transport::Tcp, Streams::BackChannel), (Transport::Tcp, Streams::All)];
        match self.open.transport {
            Transport::Tcp | Transport::Http => {}
            Transport::Udp => {
                ways = vec![(Transport::Udp, Streams::BackChannel), (Transport::Udp, Streams::All)]
            }
            Transport::Auto => ways.push((Transport::Udp, Streams::BackChannel)),
        }
        let mut first_failure = None;
        for (attempt, (transport, streams)) in ways.into_iter().enumerate() {
            let inputs = self.inputs.clone();
            let tell = move |what| {
                // As above.
                let _ = inputs.send(Input::Camera { attempt, what });
            };
            let channel = BackChannel::open(&self.address, &self.open, transport, streams, tell)
                .map_err(|error| (FaultCode::Internal, format!("{error:#}")))?;
            let patience = until.min(self.clock.monotonic() + AGREE_LIMIT);
            let failure = loop {
                let now = self.clock.monotonic();
                match incoming.recv_timeout(patience.saturating_sub(now)) {
                    Ok(Input::Camera { attempt: of, what }) if of == attempt => match what {
                        FromCamera::Agreed(offer) => return Ok(Some((attempt, channel, offer))),
                        FromCamera::Failed { code, text } => break (code, text),
                    },
                    Ok(Input::Camera { .. } | Input::Sound(_)) => {}
                    Ok(Input::End) | Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(None),
                    Err(mpsc::RecvTimeoutError::Timeout) if patience >= until => return Ok(None),
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        break (FaultCode::Timeout, "the camera did not agree in time".into());
                    }
                }
            };
            let final_codes = [
                FaultCode::NotAuthorized,
                FaultCode::PasswordUnprotected,
                FaultCode::NotFound,
                FaultCode::NoBackChannel,
                FaultCode::Timeout,
            ];
            let is_final = final_codes.contains(&failure.0);
            let failure = first_failure.get_or_insert(failure).clone();
            if is_final {
                return Err(failure);
            }
        }
        Err(first_failure.unwrap_or((FaultCode::Internal, "no way to ask".into())))
    }

    fn speak(
        &self,
        incoming: &mpsc::Receiver<Input>,
        until: Duration,
        attempt: usize,
        give: impl Fn(&gstreamer::Sample) -> bool,
    ) -> Result<(), Failure> {
        let began = self.clock.monotonic();
        let (mut packets, mut loudness, mut told) = (0_u64, 0_u16, None::<Duration>);
        loop {
            let now = self.clock.monotonic();
            if now >= until {
                return Ok(());
            }
            if packets == 0 && now.saturating_sub(began) > SOUND_LIMIT {
                return Err((FaultCode::NoMicrophone, "the sound server gives no sound".into()));
            }
            match incoming.recv_timeout(TICK.min(until.saturating_sub(now))) {
                Ok(Input::End) | Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
                Ok(Input::Sound(FromSound::Packet(packet, loud))) => {
                    if !give(&packet) {
                        return Err((FaultCode::Lost, "the camera takes no more sound".into()));
                    }
                    packets += 1;
                    loudness = loudness.max(loud);
                }
                Ok(Input::Sound(FromSound::Failed(text))) => return Err((FaultCode::NoMicrophone, text)),
                Ok(Input::Camera { attempt: of, what: FromCamera::Failed { code, text } })
                    if of == attempt =>
                {
                    let signing_in =
                        matches!(code, FaultCode::NotAuthorized | FaultCode::PasswordUnprotected);
                    let code = if signing_in { code } else { FaultCode::Lost };
                    return Err((code, text));
                }
                Ok(Input::Camera { .. }) | Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if packets > 0 && told.is_none_or(|told| now.saturating_sub(told) >= TELL_EVERY) {
                told = Some(now);
                // The next one follows soon.
                let _ = self.events.try_send(&Event::Talking { packets, loudness });
                loudness = 0;
            }
        }
    }
}
