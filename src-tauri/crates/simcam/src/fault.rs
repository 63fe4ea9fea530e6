//! Failures that a test asks for: at the start by `--fault`, later over `/control`.

use std::{
    str::FromStr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// A failure to begin with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Pictures stop this long after the first was sent; connections stay.
    FreezeAfter(Duration),
    /// Connections are closed, once, this long after the first picture was sent.
    DropAfter(Duration),
    /// Only pictures that need a key frame are sent, and never one.
    NoKeyframe,
    /// Streams are refused with 503.
    RefuseStream,
}

/// A text that names no fault.
#[derive(Debug, thiserror::Error)]
#[error("expected freeze-after=SECONDS, drop-after=SECONDS, no-keyframe or refuse-stream")]
pub struct ParseFaultError;

impl FromStr for Fault {
    type Err = ParseFaultError;

    fn from_str(text: &str) -> Result<Self, ParseFaultError> {
        let seconds = |text: &str| {
            let seconds = text.parse::<f64>().map_err(|_| ParseFaultError)?;
            Duration::try_from_secs_f64(seconds).map_err(|_| ParseFaultError)
        };
        match text.split_once('=') {
            Some(("freeze-after", span)) => Ok(Self::FreezeAfter(seconds(span)?)),
            Some(("drop-after", span)) => Ok(Self::DropAfter(seconds(span)?)),
            None if text == "no-keyframe" => Ok(Self::NoKeyframe),
            None if text == "refuse-stream" => Ok(Self::RefuseStream),
            Some(_) | None => Err(ParseFaultError),
        }
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
        for wrong in ["", "freeze-after", "freeze-after=", "freeze-after=-1", "no-keyframe=1", "explode"] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }
}
