//! One camera of those that are played together: the clip that it shows, and the one that comes next.

use std::{sync::Arc, time::Duration};

use hausrecht_media::Order;
use hausrecht_model::{CameraId, ClipId, UnixMicros};
use hausrecht_store::ClipSpan;

use super::pace::Pace;
use crate::{
    player::Player,
    viewport::Viewport,
    wire::{Error, TogetherSeat},
};

/// So long a clip's last picture stands when the next clip does not follow to the microsecond, or opens late. Longer is a gap.
const HOLE_US: i64 = 700_000;
/// A clip is opened when its turn comes within this time.
pub(super) const AHEAD: Duration = Duration::from_millis(2_500);
/// A picture that was asked for is shown: no camera that is recorded sends fewer than one in this time.
const LONGEST_PICTURE_US: i64 = 4_000_000;

/// A clip that is open.
pub(super) struct Reel {
    /// Names its player in what it tells.
    pub(super) number: u64,
    pub(super) span: ClipSpan,
    pub(super) player: Arc<Player>,
    pub(super) shown_us: Option<UnixMicros>,
    /// The moment that it was told to show and does not show yet.
    pub(super) sought_us: Option<UnixMicros>,
}

/// A clip that is being opened.
#[derive(Clone, Copy)]
pub(super) struct Opening {
    pub(super) number: u64,
    pub(super) span: ClipSpan,
}

/// What the database said of the way from a moment on.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) from_us: UnixMicros,
    pub(super) forward: bool,
    pub(super) asked: Duration,
    /// The clip there, else the next in that direction.
    pub(super) next: Option<ClipSpan>,
}

pub(super) struct Seat {
    pub(super) camera: CameraId,
    pub(super) name: String,
    pub(super) port: Arc<Viewport>,
    pub(super) shown: Option<Reel>,
    pub(super) ahead: Option<Reel>,
    pub(super) opening: Option<Opening>,
    pub(super) asking: bool,
    pub(super) way: Option<Way>,
    /// What went wrong with which clip; it is not tried again by itself.
    pub(super) failed: Option<(ClipId, Error)>,
}

/// What a seat needs next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Need {
    Nothing,
    /// To know which clip is there, or next, from this moment on.
    Way(UnixMicros),
    /// This clip.
    Open(ClipSpan),
}

pub(super) fn covers(span: &ClipSpan, at_us: UnixMicros) -> bool {
    span.start_us <= at_us && at_us < span.end_us
}

impl Seat {
    pub(super) fn new(camera: CameraId, name: String, port: Arc<Viewport>) -> Self {
        Self {
            camera,
            name,
            port,
            shown: None,
            ahead: None,
            opening: None,
            asking: false,
            way: None,
            failed: None,
        }
    }

    /// The open clip of this number.
    pub(super) fn reel(&mut self, number: u64) -> Option<&mut Reel> {
        [&mut self.shown, &mut self.ahead].into_iter().flatten().find(|reel| reel.number == number)
    }

    /// Leaves the clip that is over, takes the one whose turn it is. Gives back what is to be closed, and whether another clip
    /// shows its pictures from now on.
    pub(super) fn turn(&mut self, at_us: UnixMicros, forward: bool) -> (Vec<Reel>, bool) {
        let mut closed = Vec::new();
        let stays = |reel: &mut Reel| {
            let span = reel.span;
            covers(&span, at_us)
                || (UnixMicros(span.start_us.0 - HOLE_US) <= at_us && at_us.0 < span.end_us.0 + HOLE_US)
        };
        let shown_covers = self.shown.as_ref().is_some_and(|reel| covers(&reel.span, at_us));
        let mut turned = false;
        if !shown_covers && self.ahead.as_ref().is_some_and(|reel| covers(&reel.span, at_us)) {
            closed.extend(self.shown.take());
            self.shown = self.ahead.take();
            turned = true;
        }
        if self.shown.as_mut().is_some_and(|reel| !stays(reel)) {
            closed.extend(self.shown.take());
        }
        let is_behind = |span: &ClipSpan| if forward { span.end_us <= at_us } else { span.start_us > at_us };
        if self.ahead.as_ref().is_some_and(|reel| is_behind(&reel.span)) {
            closed.extend(self.ahead.take());
        }
        (closed, turned)
    }

    /// What is to be done so that this seat shows what it has of `pace`.
    pub(super) fn need(&self, pace: &Pace, boot: Duration, fresh: Duration) -> Need {
        if self.opening.is_some() || self.asking {
            return Need::Nothing;
        }
        let at_us = pace.shown(boot);
        let forward = !pace.is_reversed();
        // From where on the next clip is looked for.
        let from_us = match &self.shown {
            Some(reel) if covers(&reel.span, at_us) => {
                let edge_us = if forward { reel.span.end_us } else { reel.span.start_us };
                let is_near = pace.until(boot, edge_us).is_some_and(|until| until <= AHEAD);
                if !pace.is_running() || !is_near || self.ahead.is_some() {
                    return Need::Nothing;
                }
                if forward { edge_us } else { UnixMicros(edge_us.0 - 1) }
            }
            Some(_) | None => at_us,
        };
        let Some(way) = self.way.filter(|way| way.leads_from(from_us, forward, boot, fresh)) else {
            return Need::Way(from_us);
        };
        let Some(next) = way.next else { return Need::Nothing };
        let is_open = |reel: &Option<Reel>| reel.as_ref().is_some_and(|reel| reel.span.id == next.id);
        if is_open(&self.shown)
            || is_open(&self.ahead)
            || self.failed.as_ref().is_some_and(|(clip, _)| *clip == next.id)
        {
            return Need::Nothing;
        }
        let edge_us = if forward { next.start_us } else { UnixMicros(next.end_us.0 - 1) };
        let comes = pace.is_running() && pace.until(boot, edge_us).is_some_and(|until| until <= AHEAD);
        if covers(&next, at_us) || comes { Need::Open(next) } else { Need::Nothing }
    }

    /// Whether this seat shows what it can of the moment at which all wait.
    pub(super) fn is_ready(&self, at_us: UnixMicros) -> bool {
        if self.asking || self.opening.is_some() {
            return false;
        }
        match &self.shown {
            Some(reel) => reel.sought_us.is_none(),
            None => match self.way.and_then(|way| way.next) {
                Some(next) => {
                    !covers(&next, at_us) || self.failed.as_ref().is_some_and(|(clip, _)| *clip == next.id)
                }
                None => self.way.is_some(),
            },
        }
    }

    /// Where the next clip begins, or the one before ends, as far as it is known.
    pub(super) fn next_us(&self, at_us: UnixMicros) -> Option<UnixMicros> {
        let way = self.way?;
        let next = way.next.filter(|next| !covers(next, at_us))?;
        let next_us = if way.forward { next.start_us } else { UnixMicros(next.end_us.0 - 1) };
        ((next_us > at_us) == way.forward).then_some(next_us)
    }

    pub(super) fn view(&self, at_us: UnixMicros) -> TogetherSeat {
        let failed = self.failed.as_ref().filter(|(clip, _)| {
            self.way.and_then(|way| way.next).is_some_and(|next| next.id == *clip && covers(&next, at_us))
        });
        TogetherSeat {
            camera: self.camera,
            camera_name: self.name.clone(),
            clip: self.shown.as_ref().map(|reel| reel.span.id),
            shown_us: self.shown.as_ref().and_then(|reel| reel.shown_us),
            error: failed.map(|(_, error)| error.clone()),
        }
    }
}

impl Way {
    /// Whether it says what comes from another moment on.
    fn leads_from(&self, from_us: UnixMicros, forward: bool, boot: Duration, fresh: Duration) -> bool {
        if forward != self.forward {
            return false;
        }
        let is_new = boot.saturating_sub(self.asked) < fresh;
        match (self.next, forward) {
            (Some(next), true) => self.from_us <= from_us && from_us < next.end_us,
            (Some(next), false) => from_us <= self.from_us && next.start_us <= from_us,
            // What is recorded goes on while it is played.
            (None, true) => is_new && self.from_us <= from_us,
            (None, false) => from_us <= self.from_us,
        }
    }
}

impl Reel {
    /// Has it follow the clock, or stand where the clock stands.
    pub(super) fn direct(&mut self, pace: &Pace, boot: Duration) {
        let orders = if pace.is_running() {
            let (at_boot_us, at_us) = pace.anchor();
            let clip_us = at_us.0.saturating_sub(self.span.start_us.0);
            self.sought_us = None;
            vec![Order::Follow { at_boot_us, clip_us, factor: pace.speed() }]
        } else {
            let at_us = pace.shown(boot).clamp(self.span.start_us, self.span.end_us);
            let to_us = u64::try_from(at_us.0 - self.span.start_us.0).unwrap_or(0);
            self.sought_us = Some(at_us);
            // Which pictures are made ready beside the one that stands depends on the direction.
            vec![Order::Pause, Order::Speed { factor: pace.speed() }, Order::Seek { to_us, accurate: true }]
        };
        for order in orders {
            if let Err(error) = self.player.tell_worker(&order) {
                // Its end is told beside this.
                tracing::debug!("a player took no order: {}", error.message);
            }
        }
    }

    /// Takes note of the picture that is shown, so far into the clip.
    pub(super) fn shows(&mut self, position_us: i64) {
        let shown_us = UnixMicros(self.span.start_us.0 + position_us);
        self.shown_us = Some(shown_us);
        if self.sought_us.is_some_and(|sought| {
            // A picture stands until the next one: what was sought is never before it.
            shown_us <= sought && sought.0 - shown_us.0 < LONGEST_PICTURE_US
        }) {
            self.sought_us = None;
        }
    }
}
