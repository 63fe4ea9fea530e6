//! A head that turns: a position that moves with the time that is passed in. Time is counted from the camera's start.

use std::{collections::BTreeMap, time::Duration};

/// The way from end to end takes this long at full speed, in seconds.
const END_TO_END_SECONDS: f64 = 4.0;
/// A continuous move without a time of its own ends after this.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// Presets that fit.
pub const MOST_PRESETS: usize = 32;

/// Three axes: pan and tilt from -1.0 to 1.0, zoom from 0.0 to 1.0; or speeds along them, each from -1.0 to 1.0.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Axes {
    /// Left to right.
    pub pan: f64,
    /// Down to up.
    pub tilt: f64,
    /// Wide to tele.
    pub zoom: f64,
}

impl Axes {
    fn each(self, other: Self, apply: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            pan: apply(self.pan, other.pan),
            tilt: apply(self.tilt, other.tilt),
            zoom: apply(self.zoom, other.zoom),
        }
    }

    /// This place and `way` from it, as far as the head can turn.
    #[must_use]
    pub fn moved(self, way: Self) -> Self {
        let there = self.each(way, |here, way| here + way);
        Self {
            pan: there.pan.clamp(-1.0, 1.0),
            tilt: there.tilt.clamp(-1.0, 1.0),
            zoom: there.zoom.clamp(0.0, 1.0),
        }
    }
}

/// A preset.
#[derive(Clone, PartialEq, Debug)]
pub struct Preset {
    /// What a person calls it.
    pub name: String,
    /// Where it is.
    pub place: Axes,
}

#[derive(Clone, Copy, Debug)]
enum Movement {
    None,
    Continuous { speed: Axes, until: Duration },
    To { place: Axes, speed: Axes },
}

/// The head: where it was last known to be, and how it moves since.
#[derive(Debug)]
pub struct Ptz {
    place: Axes,
    at: Duration,
    movement: Movement,
    /// Places with a name, by token.
    pub presets: BTreeMap<String, Preset>,
    /// Where home is.
    pub home: Axes,
    next_preset: u32,
    /// The last auxiliary command.
    pub auxiliary: Option<String>,
    /// How often it was told to stop.
    pub stops: u64,
}

impl Default for Ptz {
    fn default() -> Self {
        let door = Preset { name: "Door".to_owned(), place: Axes { pan: -0.4, tilt: -0.1, zoom: 0.3 } };
        Self {
            place: Axes::default(),
            at: Duration::ZERO,
            movement: Movement::None,
            presets: BTreeMap::from([("1".to_owned(), door)]),
            home: Axes::default(),
            next_preset: 2,
            auxiliary: None,
            stops: 0,
        }
    }
}

impl Ptz {
    /// Where the head is at `now`.
    pub fn place(&self, now: Duration) -> Axes {
        let since = now.saturating_sub(self.at);
        match self.movement {
            Movement::None => self.place,
            Movement::Continuous { speed, until } => {
                let seconds = since.min(until.saturating_sub(self.at)).as_secs_f64();
                self.place.moved(travel(speed, seconds))
            }
            Movement::To { place, speed } => {
                let most = travel(speed, since.as_secs_f64());
                let here = self.place;
                Axes {
                    pan: towards(here.pan, place.pan, most.pan),
                    tilt: towards(here.tilt, place.tilt, most.tilt),
                    zoom: towards(here.zoom, place.zoom, most.zoom),
                }
            }
        }
    }

    /// Whether pan or tilt moves at `now`, and whether the zoom does.
    pub fn moving(&self, now: Duration) -> (bool, bool) {
        let here = self.place(now);
        let turns = |pan: f64, tilt: f64| pan.abs() + tilt.abs() > f64::EPSILON;
        match self.movement {
            Movement::None => (false, false),
            Movement::Continuous { speed, until } => {
                let ahead = here.moved(travel(speed, 0.001)).each(here, |there, here| there - here);
                (now < until && turns(ahead.pan, ahead.tilt), now < until && ahead.zoom.abs() > f64::EPSILON)
            }
            Movement::To { place, .. } => {
                let left = place.each(here, |there, here| there - here);
                (turns(left.pan, left.tilt), left.zoom.abs() > f64::EPSILON)
            }
        }
    }

    /// Moves at `speed` until stopped, for `span` at most.
    pub fn go_on(&mut self, now: Duration, speed: Axes, span: Duration) {
        self.settle(now);
        self.movement = Movement::Continuous { speed, until: now + span };
    }

    /// Moves to `place` at `speed`.
    pub fn go_to(&mut self, now: Duration, place: Axes, speed: Axes) {
        self.settle(now);
        self.movement = Movement::To { place: place.moved(Axes::default()), speed };
    }

    /// Stops pan and tilt, the zoom, or both.
    pub fn stop(&mut self, now: Duration, pan_tilt: bool, zoom: bool) {
        self.stops += 1;
        self.settle(now);
        let halt = |speed: &mut Axes| {
            if pan_tilt {
                (speed.pan, speed.tilt) = (0.0, 0.0);
            }
            if zoom {
                speed.zoom = 0.0;
            }
        };
        match &mut self.movement {
            Movement::None => {}
            Movement::Continuous { speed, .. } => halt(speed),
            Movement::To { place, .. } => {
                if pan_tilt {
                    (place.pan, place.tilt) = (self.place.pan, self.place.tilt);
                }
                if zoom {
                    place.zoom = self.place.zoom;
                }
            }
        }
    }

    /// Keeps the place at `now` as preset `token`, or as a new one; gives its token. None if the camera is full or there is no
    /// preset `token`.
    pub fn keep(&mut self, now: Duration, token: Option<&str>, name: Option<&str>) -> Option<String> {
        let place = self.place(now);
        if let Some(token) = token {
            let preset = self.presets.get_mut(token)?;
            preset.place = place;
            if let Some(name) = name {
                name.clone_into(&mut preset.name);
            }
            return Some(token.to_owned());
        }
        if self.presets.len() >= MOST_PRESETS {
            return None;
        }
        let token = self.next_preset.to_string();
        self.next_preset += 1;
        let name = name.map_or_else(|| format!("Preset {token}"), ToOwned::to_owned);
        self.presets.insert(token.clone(), Preset { name, place });
        Some(token)
    }

    fn settle(&mut self, now: Duration) {
        self.place = self.place(now);
        self.at = now;
    }
}

/// From `here` to `there`, by `most` at the most; exactly there in the end, which the sum of a way and its begin is not.
fn towards(here: f64, there: f64, most: f64) -> f64 {
    let (way, most) = (there - here, most.abs());
    if way.abs() <= most { there } else { here + way.clamp(-most, most) }
}

/// How far `speed` leads in `seconds`.
fn travel(speed: Axes, seconds: f64) -> Axes {
    Axes {
        pan: speed.pan * seconds * 2.0 / END_TO_END_SECONDS,
        tilt: speed.tilt * seconds * 2.0 / END_TO_END_SECONDS,
        zoom: speed.zoom * seconds / END_TO_END_SECONDS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Axes = Axes { pan: 1.0, tilt: 1.0, zoom: 1.0 };

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_continuous_move_ends_by_itself_and_at_the_end_of_the_way() {
        let mut ptz = Ptz::default();
        ptz.go_on(at(10.0), Axes { pan: -0.5, ..Axes::default() }, at(2.0));
        assert_eq!(ptz.place(at(11.0)).pan, -0.25);
        assert_eq!(ptz.moving(at(11.0)), (true, false));
        assert_eq!(ptz.place(at(60.0)).pan, -0.5);
        assert_eq!(ptz.moving(at(60.0)), (false, false));
        ptz.go_on(at(60.0), FULL, at(60.0));
        assert_eq!(ptz.place(at(100.0)), FULL);
        assert_eq!(ptz.moving(at(100.0)), (false, false), "it has come to the end");
    }

    #[test]
    fn a_stop_stops_what_it_names() {
        let mut ptz = Ptz::default();
        ptz.go_on(at(0.0), FULL, at(60.0));
        ptz.stop(at(1.0), true, false);
        assert_eq!(ptz.place(at(2.0)), Axes { pan: 0.5, tilt: 0.5, zoom: 0.5 });
        ptz.stop(at(2.0), true, true);
        assert_eq!(ptz.place(at(9.0)).zoom, 0.5);
    }

    #[test]
    fn presets_are_kept_and_gone_to() {
        let mut ptz = Ptz::default();
        ptz.go_to(at(0.0), Axes { pan: 0.5, ..Axes::default() }, FULL);
        assert_eq!(ptz.moving(at(0.5)), (true, false));
        let token = ptz.keep(at(3.0), None, Some("Gate")).unwrap();
        assert_eq!(ptz.presets[&token].place.pan, 0.5);
        assert_eq!(ptz.keep(at(3.0), Some("none"), None), None);
    }
}
