//! Turning and zooming.
//!
//! Speeds and distances are -1 to 1 here, whatever scale the camera has. Only axes that the camera has are sent, and a
//! space is named where the camera's configuration names no default.

mod node;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use self::node::{Axis, Motion};
pub use self::node::{PtzAbilities, PtzNode};
use super::{
    Camera, Profile,
    read::{iso_duration, listed, number_attribute, text, token},
    services::Part,
};
use crate::{
    Error,
    xml::{Element, escape},
};

/// A direction, a distance or a place on the three axes, each -1 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct PtzVector {
    /// To the right; negative to the left.
    pub pan: f32,
    /// Up; negative down.
    pub tilt: f32,
    /// Closer; negative farther.
    pub zoom: f32,
}

/// Where a camera looks, on the scale of its own spaces mapped to -1 to 1 (zoom 0 to 1).
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct PtzStatus {
    /// The place; `None` if the camera does not say.
    pub position: Option<PtzVector>,
    /// Whether it moves; `None` if it does not say.
    pub is_moving: Option<bool>,
}

/// A place that the camera remembers.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct Preset {
    /// The camera's id of it.
    pub token: String,
    /// Its name; the token if it has none.
    pub name: String,
}

/// The motors of one stream's camera. Cheap to clone; all clones know of each other's moves.
#[derive(Clone, Debug)]
pub struct Ptz {
    camera: Camera,
    profile: String,
    node: Arc<PtzNode>,
    moves: Arc<Moves>,
}

/// What is known of moves on their way.
#[derive(Debug, Default)]
struct Moves {
    on_their_way: AtomicUsize,
    /// Set when a move was given up before its answer came: it may still reach the camera.
    was_dropped: AtomicBool,
    /// Set once the camera has refused a time limit.
    without_timeout: AtomicBool,
    settled: Notify,
}

/// A move on its way.
struct OnItsWay<'a> {
    moves: &'a Moves,
    is_answered: bool,
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.moves.was_dropped.store(true, Ordering::SeqCst);
        }
        self.moves.on_their_way.fetch_sub(1, Ordering::SeqCst);
        self.moves.settled.notify_waiters();
    }
}

impl Camera {
    /// Finds the motors behind `profile`. It reads what really is there: the profile's PTZ configuration, or the first
    /// of the camera where the profile does not say, and the node behind it.
    ///
    /// # Errors
    /// [`Error::NotOffered`] for a camera that has no motors, though it may have announced the service.
    pub async fn ptz(&self, profile: &Profile) -> Result<Ptz, Error> {
        let node = node::read(self, profile).await?;
        Ok(Ptz {
            camera: self.clone(),
            profile: profile.token.clone(),
            node: Arc::new(node),
            moves: Arc::default(),
        })
    }
}

impl Ptz {
    /// What these motors can do.
    pub fn abilities(&self) -> &PtzAbilities {
        &self.node.abilities
    }

    /// The node behind them, with the camera's own names.
    pub fn node(&self) -> &PtzNode {
        &self.node
    }

    /// Moves until [`Ptz::stop`], or until `at_most` has passed: the camera stops by itself then, so that it does not
    /// turn for ever when this computer is gone. Repeat the move to go on for longer. A camera that refuses a limit is
    /// moved without one.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] if it has none of these axes.
    pub async fn move_on(&self, speed: PtzVector, at_most: Duration) -> Result<(), Error> {
        let velocity = self.vector(Motion::Continuous, speed)?;
        let velocity = format!("<Velocity>{velocity}</Velocity>");
        if !self.moves.without_timeout.load(Ordering::Relaxed) {
            let limit = format!("<Timeout>{}</Timeout>", iso_duration(at_most));
            match self.moving("ContinuousMove", &format!("{velocity}{limit}")).await {
                Err(Error::Fault { .. }) => {}
                result => return result,
            }
        }
        self.moving("ContinuousMove", &velocity).await?;
        self.moves.without_timeout.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Moves by a distance.
    ///
    /// # Errors
    /// As [`Ptz::move_on`].
    pub async fn move_by(&self, distance: PtzVector) -> Result<(), Error> {
        let vector = self.vector(Motion::Relative, distance)?;
        self.moving("RelativeMove", &format!("<Translation>{vector}</Translation>")).await
    }

    /// Moves to a place.
    ///
    /// # Errors
    /// As [`Ptz::move_on`].
    pub async fn move_to(&self, place: PtzVector) -> Result<(), Error> {
        let vector = self.vector(Motion::Absolute, place)?;
        self.moving("AbsoluteMove", &format!("<Position>{vector}</Position>")).await
    }

    /// Stops all axes, at once and even while a move is still on its way to the camera. Since that move may reach the
    /// camera after the stop, a second stop follows when it has been answered. A move whose future was dropped counts
    /// as on its way too, so it is right to drop a move and then stop.
    ///
    /// # Errors
    /// What the camera answers instead. The caller should stop again after an error: the camera may be moving.
    pub async fn stop(&self) -> Result<(), Error> {
        let was_dropped = self.moves.was_dropped.swap(false, Ordering::SeqCst);
        let was_moving = self.moves.on_their_way.load(Ordering::SeqCst) > 0;
        let first = self.stop_once().await;
        if !was_dropped && !was_moving {
            return first;
        }
        let settled = async {
            loop {
                let next = self.moves.settled.notified();
                if self.moves.on_their_way.load(Ordering::SeqCst) == 0 {
                    return;
                }
                next.await;
            }
        };
        let patience = self.camera.0.session.settings.call_timeout;
        if tokio::time::timeout(patience, settled).await.is_err() {
            tracing::debug!("a move is still unanswered, stopping once more all the same");
        }
        self.moves.was_dropped.store(false, Ordering::SeqCst);
        self.stop_once().await
    }

    async fn stop_once(&self) -> Result<(), Error> {
        let content = self.content("<PanTilt>true</PanTilt><Zoom>true</Zoom>");
        match self.camera.ask(Part::Ptz, "Stop", &content).await {
            // Some cameras have no Stop for both at once, or none at all, but know the speed zero.
            Err(Error::Fault { .. }) => {
                let still = self.vector(Motion::Continuous, PtzVector::default())?;
                let content = self.content(&format!("<Velocity>{still}</Velocity>"));
                self.camera.ask(Part::Ptz, "ContinuousMove", &content).await.map(drop)
            }
            result => result.map(drop),
        }
    }

    /// Asks where the camera looks.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn status(&self) -> Result<PtzStatus, Error> {
        let body = self.camera.ask(Part::Ptz, "GetStatus", &self.content("")).await?;
        Ok(self.read_status(body.child("PTZStatus").unwrap_or(&body)))
    }

    /// Asks for the places that the camera remembers.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn presets(&self) -> Result<Vec<Preset>, Error> {
        let body = self.camera.ask(Part::Ptz, "GetPresets", &self.content("")).await?;
        let presets = listed(&body, &["Preset", "Presets"]).filter_map(|preset| {
            let token = token(preset).filter(|token| !token.is_empty())?;
            Some(Preset { name: text(preset, &["Name"]).unwrap_or_else(|| token.clone()), token })
        });
        Ok(presets.collect())
    }

    /// Remembers where the camera looks now, under a new token or, with `token`, in place of an old one. Returns the
    /// token.
    ///
    /// # Errors
    /// [`Error::Fault`] with the camera's own words, for example when there are too many.
    pub async fn set_preset(&self, name: &str, token: Option<&str>) -> Result<String, Error> {
        let known = token.map(|token| format!("<PresetToken>{}</PresetToken>", escape(token)));
        let content = format!("<PresetName>{}</PresetName>{}", escape(name), known.unwrap_or_default());
        let body = self.camera.ask(Part::Ptz, "SetPreset", &self.content(&content)).await?;
        let given = text(&body, &["PresetToken"]).or_else(|| token.map(str::to_owned));
        given.ok_or_else(|| self.camera.unreadable("SetPreset", "it names no token"))
    }

    /// Moves to a place that the camera remembers.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn go_to_preset(&self, token: &str) -> Result<(), Error> {
        self.moving("GotoPreset", &format!("<PresetToken>{}</PresetToken>", escape(token))).await
    }

    /// Forgets a place.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn remove_preset(&self, token: &str) -> Result<(), Error> {
        let content = self.content(&format!("<PresetToken>{}</PresetToken>", escape(token)));
        self.camera.ask(Part::Ptz, "RemovePreset", &content).await.map(drop)
    }

    /// Moves to the home position.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn go_home(&self) -> Result<(), Error> {
        self.moving("GotoHomePosition", "").await
    }

    /// Makes where the camera looks now its home position.
    ///
    /// # Errors
    /// [`Error::Fault`] if it is fixed.
    pub async fn set_home(&self) -> Result<(), Error> {
        self.camera.ask(Part::Ptz, "SetHomePosition", &self.content("")).await.map(drop)
    }

    /// Sends one of [`PtzAbilities::auxiliary_commands`]: a wiper, a lamp.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn auxiliary(&self, command: &str) -> Result<(), Error> {
        let content = self.content(&format!("<AuxiliaryData>{}</AuxiliaryData>", escape(command)));
        self.camera.ask(Part::Ptz, "SendAuxiliaryCommand", &content).await.map(drop)
    }

    async fn moving(&self, name: &'static str, content: &str) -> Result<(), Error> {
        self.moves.on_their_way.fetch_add(1, Ordering::SeqCst);
        let mut on_its_way = OnItsWay { moves: &self.moves, is_answered: false };
        let result = self.camera.ask(Part::Ptz, name, &self.content(content)).await;
        // A move that timed out may have been obeyed.
        on_its_way.is_answered = !matches!(result, Err(Error::TimedOut { .. } | Error::ClosedEarly { .. }));
        result.map(drop)
    }

    fn content(&self, content: &str) -> String {
        format!("<ProfileToken>{}</ProfileToken>{content}", escape(&self.profile))
    }

    /// Writes the axes that the camera has for this kind of motion, on its own scale.
    fn vector(&self, motion: Motion, vector: PtzVector) -> Result<String, Error> {
        let mut out = String::new();
        if let Some(space) = self.node.space(motion, Axis::PanTilt) {
            let (x, y) = (space.x.scale(vector.pan), space.y.unwrap_or(space.x).scale(vector.tilt));
            out.push_str(&format!("<tt:PanTilt x=\"{x}\" y=\"{y}\"{}/>", space.attribute()));
        }
        if let Some(space) = self.node.space(motion, Axis::Zoom) {
            out.push_str(&format!("<tt:Zoom x=\"{}\"{}/>", space.x.scale(vector.zoom), space.attribute()));
        }
        if out.is_empty() { Err(self.camera.lacks(Part::Ptz.words())) } else { Ok(out) }
    }

    fn read_status(&self, status: &Element) -> PtzStatus {
        let place = status.child("Position");
        let axis = |name: &str, attribute: &str, axis: Axis, is_second: bool| {
            let said = number_attribute(place?.child(name)?, attribute)?;
            let space = self.node.space(Motion::Absolute, axis);
            let scale = space.map(|space| if is_second { space.y.unwrap_or(space.x) } else { space.x });
            Some(scale.map_or(said, |scale| scale.unscale(said)))
        };
        let pan = axis("PanTilt", "x", Axis::PanTilt, false);
        let tilt = axis("PanTilt", "y", Axis::PanTilt, true);
        let zoom = axis("Zoom", "x", Axis::Zoom, false);
        let moving = ["PanTilt", "Zoom"].map(|name| status.text_at(&["MoveStatus", name]));
        let is_moving = moving.iter().flatten().map(|state| state.eq_ignore_ascii_case("MOVING"));
        PtzStatus {
            position: (pan.is_some() || zoom.is_some()).then(|| PtzVector {
                pan: pan.unwrap_or(0.0),
                tilt: tilt.unwrap_or(0.0),
                zoom: zoom.unwrap_or(0.0),
            }),
            is_moving: is_moving.reduce(|a, b| a || b),
        }
    }
}
