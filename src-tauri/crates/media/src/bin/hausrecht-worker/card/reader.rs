//! Reads the card from a time on, on a thread of its own: a session, its packets, and the pictures in them with their times. It
//! reads no further than its owner takes pictures, and TCP lets the camera wait meanwhile.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use anyhow::Context;
use hausrecht_media::FaultCode;
use hausrecht_model::{Clock, clock::SystemClock};

use super::{
    Failure,
    connection::{Account, Came},
    depay::{Depay, Unit},
    packet,
    session::{Opened, Session},
    times::PictureClock,
};
use crate::{fmp4::Format, source::Address};

/// How much lies between this and its owner at most; a picture that is larger goes alone.
const AHEAD_BYTES: usize = 4 * 1024 * 1024;
/// What a picture counts beside its bytes.
const UNIT_BYTES: usize = 4096;
const TICK: Duration = Duration::from_millis(250);
/// How long a camera that was read may give no picture.
const SILENCE_LIMIT: Duration = Duration::from_secs(15);
/// After this long without a picture it is asked whether it is there.
const SILENCE_ASKED: Duration = Duration::from_secs(5);
/// How long more is waited for after the camera has said that it ends.
const GOODBYE: Duration = Duration::from_secs(1);
/// So many packets in a row that are none, and the camera is not understood.
const MAX_WRONG: u32 = 1_000;
/// More bytes than this make no picture. What has come of one is kept until it is whole.
const MAX_PICTURE_BYTES: usize = 32 * 1024 * 1024;
/// RFC 3550, 6.6: the camera ends its stream.
const RTCP_BYE: u8 = 203;

/// A picture of the card.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    /// When it was taken by the camera's clock, in microseconds since 1970.
    pub(super) at_us: i64,
    /// Whether the camera says that others were taken, or none, between the one before and this one.
    pub(super) discontinuous: bool,
    /// Whether decoding can begin here.
    pub(super) key: bool,
    /// Its bytes, with length prefixes.
    pub(super) data: Arc<[u8]>,
    /// What a decoder must know.
    pub(super) format: Arc<Format>,
}

impl Picture {
    /// What [`Reader::taken`] is told.
    pub(super) fn weight(&self) -> usize {
        self.data.len() + UNIT_BYTES
    }
}

/// What a reader tells, from its thread.
#[derive(Debug)]
pub(super) enum FromCard {
    /// A picture.
    Picture(Picture),
    /// The camera has nothing more from there on.
    Ended,
    /// It failed and tells nothing more.
    Failed(Failure),
}

/// A running reader; it gives its session back when it is dropped.
#[derive(Debug)]
pub(super) struct Reader {
    taken: mpsc::Sender<usize>,
    /// Gets nothing, and ends with the thread.
    ended: mpsc::Receiver<()>,
}

impl Reader {
    /// Begins to read from `from_us` on, by the camera's clock.
    pub(super) fn start(
        address: &Address,
        account: Account,
        from_us: i64,
        until_us: i64,
        tell: impl Fn(FromCard) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let address = address.clone();
        let (taken, being_taken) = mpsc::channel();
        let (ending, ended) = mpsc::channel();
        thread::Builder::new().name("card".into()).spawn(move || {
            let _ending: mpsc::Sender<()> = ending;
            match Session::open(&address, account, from_us, until_us) {
                Ok(Opened::Playing(session)) => read(*session, &being_taken, &tell),
                Ok(Opened::NothingThere) => tell(FromCard::Ended),
                Err(failure) => tell(FromCard::Failed(failure)),
            }
        })?;
        Ok(Self { taken, ended })
    }

    /// Says that pictures of this weight are done with.
    pub(super) fn taken(&self, bytes: usize) {
        // A reader that has ended reads no further anyway.
        let _ = self.taken.send(bytes);
    }

    /// Ends it and waits a moment, so that the camera hears of it before the process is gone.
    pub(super) fn end(self, patience: Duration) {
        drop(self.taken);
        let _ = self.ended.recv_timeout(patience);
    }
}

fn read(session: Session, taken: &mpsc::Receiver<usize>, tell: &dyn Fn(FromCard)) {
    let mut reading = match Reading::new(session) {
        Ok(reading) => reading,
        Err(error) => return tell(FromCard::Failed((FaultCode::Internal, format!("{error:#}")))),
    };
    let end = reading.run(taken, tell);
    reading.session.end();
    if let Some(end) = end {
        tell(end);
    }
}

struct Reading {
    session: Session,
    depay: Depay,
    times: PictureClock,
    clock: SystemClock,
    /// Weight of what its owner has and is not done with.
    ahead: usize,
    alive_shown: Duration,
    alive_heard: Duration,
    /// When the last picture came, or when one could come first.
    last: Duration,
    pictures: u64,
    packets: u64,
    wrong: u32,
    /// What came since the last picture.
    gathered_bytes: usize,
    goodbye: Option<Duration>,
    /// Times of pictures that are on their way and do not follow the one before them.
    discontinuous: Vec<i64>,
}

impl Reading {
    fn new(session: Session) -> anyhow::Result<Self> {
        let depay = Depay::new(&session.video).context("taking the recording apart")?;
        let times = PictureClock::new(session.video.clock_rate, session.begins);
        let clock = SystemClock::new();
        let now = clock.monotonic();
        Ok(Self {
            session,
            depay,
            times,
            clock,
            ahead: 0,
            alive_shown: now,
            alive_heard: now,
            last: now,
            pictures: 0,
            packets: 0,
            wrong: 0,
            gathered_bytes: 0,
            goodbye: None,
            discontinuous: Vec::new(),
        })
    }

    /// Reads to the end; nothing to tell if it is the owner who wants no more.
    fn run(&mut self, taken: &mpsc::Receiver<usize>, tell: &dyn Fn(FromCard)) -> Option<FromCard> {
        loop {
            if !self.wait_for_room(taken) {
                return None;
            }
            match self.step(tell) {
                Ok(false) => {}
                Ok(true) => {
                    let rest = self.depay.finish();
                    self.deliver(rest, tell);
                    return Some(FromCard::Ended);
                }
                Err(failure) => return Some(FromCard::Failed(failure)),
            }
        }
    }

    /// Waits until the owner has taken enough; false if it wants no more.
    fn wait_for_room(&mut self, taken: &mpsc::Receiver<usize>) -> bool {
        loop {
            let full = self.ahead >= AHEAD_BYTES;
            let came = if full {
                taken.recv_timeout(TICK)
            } else {
                taken.try_recv().map_err(|error| match error {
                    mpsc::TryRecvError::Empty => mpsc::RecvTimeoutError::Timeout,
                    mpsc::TryRecvError::Disconnected => mpsc::RecvTimeoutError::Disconnected,
                })
            };
            match came {
                Ok(bytes) => self.ahead = self.ahead.saturating_sub(bytes),
                Err(mpsc::RecvTimeoutError::Disconnected) => return false,
                Err(mpsc::RecvTimeoutError::Timeout) if !full => return true,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if full {
                // What does not come because nobody takes it is no silence.
                self.last = self.clock.monotonic();
                // A camera that cannot be told now is asked again when it is read.
                let _ = self.show_alive();
            }
        }
    }

    /// Reads on; true at the end.
    fn step(&mut self, tell: &dyn Fn(FromCard)) -> Result<bool, Failure> {
        self.show_alive()?;
        match self.session.connection.read(TICK)? {
            Came::Packet(channel, bytes) if channel == self.session.channel => {
                let units = self.take_packet(bytes)?;
                self.deliver(units, tell);
            }
            Came::Packet(channel, bytes) => {
                if channel == self.session.channel.saturating_add(1) && says_goodbye(&bytes) {
                    self.goodbye.get_or_insert(self.clock.monotonic());
                }
            }
            Came::Answer(answer) => {
                self.alive_heard = self.clock.monotonic();
                self.session.heard(&answer)?;
            }
            Came::Ended if self.goodbye.is_some() => return Ok(true),
            Came::Ended => return Err((FaultCode::Lost, "the camera ended the connection".into())),
            Came::Nothing => {}
        }
        self.silence()
    }

    fn take_packet(&mut self, bytes: Vec<u8>) -> Result<Vec<Unit>, Failure> {
        self.packets += 1;
        let packet = packet::read(&bytes);
        let Some(packet) = packet.filter(|packet| packet.payload_type == self.session.video.payload_type)
        else {
            self.wrong += 1;
            if self.wrong > MAX_WRONG {
                return Err((
                    FaultCode::Internal,
                    "the camera sends packets that are not of its recording".into(),
                ));
            }
            return Ok(Vec::new());
        };
        self.wrong = 0;
        self.gathered_bytes += bytes.len();
        if self.gathered_bytes > MAX_PICTURE_BYTES {
            return Err((FaultCode::Internal, "the camera sends a picture without end".into()));
        }
        let Some(at_us) = self.times.time_of(&packet).filter(|at_us| (0..i64::MAX / 2000).contains(at_us))
        else {
            return Err((FaultCode::Refused, "the camera does not say when its pictures were taken".into()));
        };
        if let Some(replay) = packet.replay {
            if replay.discontinuous
                && self.discontinuous.last() != Some(&at_us)
                && self.discontinuous.len() < 1_000
            {
                self.discontinuous.push(at_us);
            }
            if replay.last {
                self.goodbye = Some(self.clock.monotonic());
            }
        }
        self.depay
            .push(bytes, at_us.unsigned_abs())
            .map_err(|error| (FaultCode::Internal, format!("the recording cannot be taken apart: {error}")))
    }

    fn deliver(&mut self, units: Vec<Unit>, tell: &dyn Fn(FromCard)) {
        for unit in units {
            self.last = self.clock.monotonic();
            self.pictures += 1;
            self.gathered_bytes = 0;
            let at_us = unit.at_us.cast_signed();
            let marked = self.discontinuous.iter().position(|marked| *marked == at_us);
            if let Some(marked) = marked {
                self.discontinuous.drain(..=marked);
            }
            let picture = Picture {
                at_us,
                discontinuous: marked.is_some(),
                key: unit.key,
                data: unit.data,
                format: unit.format,
            };
            self.ahead += picture.weight();
            tell(FromCard::Picture(picture));
        }
    }

    fn show_alive(&mut self) -> Result<(), Failure> {
        let now = self.clock.monotonic();
        let silent = now.saturating_sub(self.last) > SILENCE_ASKED && self.alive_shown < self.last;
        if silent || now.saturating_sub(self.alive_shown) >= self.session.alive_every {
            self.alive_shown = now;
            self.session.show_alive()?;
        }
        Ok(())
    }

    /// Whether the camera has ended, or fails, by saying nothing.
    fn silence(&mut self) -> Result<bool, Failure> {
        let now = self.clock.monotonic();
        let silent = now.saturating_sub(self.last);
        if let Some(goodbye) = self.goodbye {
            return Ok(now.saturating_sub(goodbye.max(self.last)) > GOODBYE);
        }
        if silent <= SILENCE_LIMIT {
            return Ok(false);
        }
        match (self.pictures, self.packets) {
            (0, 0) => Err((FaultCode::Timeout, "connected, but no picture of the card came".into())),
            (0, _) => Err((FaultCode::NoKeyFrame, "nothing came that decoding could begin with".into())),
            // It is there and answers; what is on its card has been sent.
            _ if self.alive_heard > self.last => Ok(true),
            _ => Err((FaultCode::Lost, "the camera has become silent".into())),
        }
    }
}

/// Whether a report ends the stream. Reports stand one behind the other. RFC 3550, 6.1.
fn says_goodbye(mut bytes: &[u8]) -> bool {
    while let Some((&[_, kind, high, low], _)) = bytes.split_first_chunk::<4>() {
        if kind == RTCP_BYE {
            return true;
        }
        let length = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
        bytes = bytes.get(length..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goodbye_is_found_behind_other_reports() {
        assert!(!says_goodbye(&[]));
        assert!(!says_goodbye(&[0x80, 200, 0, 1, 0, 0, 0, 0]));
        assert!(says_goodbye(&[0x80, 200, 0, 1, 0, 0, 0, 0, 0x81, RTCP_BYE, 0, 1, 0, 0, 0, 0]));
        assert!(!says_goodbye(&[0x80, 200, 255, 255, 0, 0]));
    }
}
