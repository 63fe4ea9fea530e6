//! Failures that a test asks for: at the start by `--fault`, later over `/control`.

use std::{
    str::FromStr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Where `bad-xaddr` points to by default: an address for documentation (RFC 5737), which nobody has.
const NOWHERE: &str = "192.0.2.1";
/// When `pull-closes-early` closes by default.
const EARLY: Duration = Duration::from_secs(2);
/// How long `sleep` lasts by default.
const ASLEEP: Duration = Duration::from_secs(10);

/// A failure to begin with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Pictures stop this long after the first was sent; connections stay.
    FreezeAfter(Duration),
    /// Connections are closed, once, this long after the first picture was sent.
    DropAfter(Duration),
    /// Only pictures that need a key frame are sent, and never one.
    NoKeyframe,
    /// Streams are refused with 503.
    RefuseStream,
    /// RTSP over TCP is refused with 461.
    UdpOnly,
    /// RTP over UDP is refused with 461.
    TcpOnly,
    /// The clock that is told is not the one that tokens are checked by.
    WrongClock,
    /// The clock is told without UTC.
    NoUtc,
    /// The clock is told to those with a password alone.
    ClockNeedsPassword,
    /// WS-UsernameToken is not understood.
    DigestOnly,
    /// HTTP digest is neither understood nor asked for.
    TokenOnly,
    /// Answers name this host, with a port or without.
    BadXaddr(String),
    /// `Renew` is a fault.
    RenewRefused,
    /// A pull that waits longer than this is closed without an answer.
    PullClosesEarly(Duration),
    /// Subscriptions are refused.
    NoEvents,
    /// This many reports a second.
    EventFlood(u32),
    /// On the network and off it in turn, this long each.
    Sleep(Duration),
    /// Answers come a byte a second.
    Trickle,
    /// Answers are 100 MiB long.
    HugeAnswer,
    /// Answers are documents whose entities grow.
    Bomb,
}

/// A text that names no fault.
#[derive(Debug, thiserror::Error)]
#[error("no such fault; --help lists them")]
pub struct ParseFaultError;

impl FromStr for Fault {
    type Err = ParseFaultError;

    fn from_str(text: &str) -> Result<Self, ParseFaultError> {
        let seconds = |text: &str| {
            let seconds = text.parse::<f64>().map_err(|_| ParseFaultError)?;
            Duration::try_from_secs_f64(seconds).map_err(|_| ParseFaultError)
        };
        if let Some((name, value)) = text.split_once('=') {
            return match name {
                "freeze-after" => Ok(Self::FreezeAfter(seconds(value)?)),
                "drop-after" => Ok(Self::DropAfter(seconds(value)?)),
                "pull-closes-early" => Ok(Self::PullClosesEarly(seconds(value)?)),
                "sleep" => Ok(Self::Sleep(seconds(value)?.max(Duration::from_millis(100)))),
                "event-flood" => match value.parse() {
                    Ok(number @ 1..=100_000) => Ok(Self::EventFlood(number)),
                    Ok(_) | Err(_) => Err(ParseFaultError),
                },
                "bad-xaddr" if value.parse::<axum::http::uri::Authority>().is_ok() => {
                    Ok(Self::BadXaddr(value.to_owned()))
                }
                _ => Err(ParseFaultError),
            };
        }
        Ok(match text {
            "no-keyframe" => Self::NoKeyframe,
            "refuse-stream" => Self::RefuseStream,
            "udp-only" => Self::UdpOnly,
            "tcp-only" => Self::TcpOnly,
            "wrong-clock" => Self::WrongClock,
            "no-utc" => Self::NoUtc,
            "clock-needs-password" => Self::ClockNeedsPassword,
            "digest-only" => Self::DigestOnly,
            "token-only" => Self::TokenOnly,
            "bad-xaddr" => Self::BadXaddr(NOWHERE.to_owned()),
            "renew-refused" => Self::RenewRefused,
            "pull-closes-early" => Self::PullClosesEarly(EARLY),
            "no-events" => Self::NoEvents,
            "sleep" => Self::Sleep(ASLEEP),
            "trickle" => Self::Trickle,
            "huge-answer" => Self::HugeAnswer,
            "bomb" => Self::Bomb,
            _ => return Err(ParseFaultError),
        })
    }
}

/// What is failing now.
#[derive(Debug, Default)]
pub struct Faults {
    /// No picture is sent; connections stay.
    pub frozen: Switch,
    /// New streams are refused.
    pub refusing: Switch,
    /// Key frames are left out.
    pub no_keyframe: Switch,
}

/// Something that is on or off, seen by all threads.
#[derive(Debug, Default)]
pub struct Switch(AtomicBool);

impl Switch {
    /// Turns it on or off.
    pub fn set(&self, on: bool) {
        self.0.store(on, Ordering::SeqCst);
    }

    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_the_command_line() {
        assert_eq!(
            "freeze-after=2.5".parse::<Fault>().unwrap(),
            Fault::FreezeAfter(Duration::from_millis(2500))
        );
        assert_eq!("drop-after=3".parse::<Fault>().unwrap(), Fault::DropAfter(Duration::from_secs(3)));
        assert_eq!("no-keyframe".parse::<Fault>().unwrap(), Fault::NoKeyframe);
        assert_eq!("refuse-stream".parse::<Fault>().unwrap(), Fault::RefuseStream);
        assert_eq!(
            "bad-xaddr=10.0.0.7:81".parse::<Fault>().unwrap(),
            Fault::BadXaddr("10.0.0.7:81".to_owned())
        );
        assert_eq!("event-flood=10000".parse::<Fault>().unwrap(), Fault::EventFlood(10_000));
        assert_eq!("sleep=0.5".parse::<Fault>().unwrap(), Fault::Sleep(Duration::from_millis(500)));
        for wrong in ["event-flood=0", "event-flood", "bad-xaddr=a b", "trickle=1"] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
        for wrong in ["", "freeze-after", "freeze-after=", "freeze-after=-1", "no-keyframe=1", "explode"] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }
}
