//! What the motors of a camera can do, from its PTZ nodes and configurations, in which real cameras leave out much.

use crate::{
    Error,
    camera::{
        Camera, Profile,
        read::{Range, count, flag, flag_attribute, listed, text, texts, token},
        services::Part,
    },
    xml::{Element, escape},
};

/// What motors can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct PtzAbilities {
    /// Turning until stopped.
    pub can_pan_tilt: bool,
    /// Zooming until stopped.
    pub can_zoom: bool,
    /// Turning or zooming by a distance.
    pub can_move_by: bool,
    /// Turning or zooming to a place.
    pub can_move_to: bool,
    /// How many places it can remember; zero if none or not said.
    pub presets_most: u32,
    /// Whether it has a home position.
    pub has_home: bool,
    /// Whether the home position cannot be changed; `None` if not said.
    pub is_home_fixed: Option<bool>,
    /// Further commands: a wiper, a lamp.
    pub auxiliary_commands: Vec<String>,
}

/// The motors as the camera describes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PtzNode {
    /// The camera's id of the node; empty if it describes none.
    pub token: String,
    /// The camera's name of it.
    pub name: String,
    /// The configuration in use.
    pub configuration: String,
    /// What it can do.
    pub abilities: PtzAbilities,
    spaces: Vec<Space>,
}

/// A kind of motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motion {
    Continuous,
    Relative,
    Absolute,
}

/// A pair of motors, or the lens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    PanTilt,
    Zoom,
}

/// A coordinate space.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Space {
    motion: Motion,
    axis: Axis,
    uri: String,
    /// Whether the camera takes it when none is named.
    is_default: bool,
    pub(super) x: Scale,
    pub(super) y: Option<Scale>,
}

impl Space {
    /// The attribute that names the space, empty where it is the default.
    pub(super) fn attribute(&self) -> String {
        if self.is_default || self.uri.is_empty() {
            String::new()
        } else {
            format!(" space=\"{}\"", escape(&self.uri))
        }
    }
}

/// The camera's own scale of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale(Range);

impl Scale {
    const USUAL: Self = Self(Range { min: -1.0, max: 1.0 });
    const ZOOM_PLACES: Self = Self(Range { min: 0.0, max: 1.0 });

    /// From -1..1, or 0..1 where the scale has no negative side, to the camera's own.
    pub(super) fn scale(self, value: f32) -> f32 {
        let Range { min, max } = self.0;
        let value = value.clamp(-1.0, 1.0);
        let scaled = if min < 0.0 && max > 0.0 {
            // Zero stays zero, even on a lopsided scale: it means standstill.
            if value < 0.0 { -value * min } else { value * max }
        } else {
            min + value.max(0.0) * (max - min)
        };
        (scaled * 10_000.0).round() / 10_000.0
    }

    /// The other way round.
    pub(super) fn unscale(self, value: f32) -> f32 {
        let Range { min, max } = self.0;
        let unscaled = if min < 0.0 && max > 0.0 {
            if value < 0.0 { -value / min } else { value / max }
        } else if max > min {
            (value - min) / (max - min)
        } else {
            0.0
        };
        unscaled.clamp(-1.0, 1.0)
    }
}

impl PtzNode {
    pub(super) fn space(&self, motion: Motion, axis: Axis) -> Option<&Space> {
        self.spaces.iter().find(|space| space.motion == motion && space.axis == axis)
    }
}

/// The names of spaces in a node, and of the defaults in a configuration.
const SPACES: [(Motion, Axis, &str, &str); 6] = [
    (
        Motion::Continuous,
        Axis::PanTilt,
        "ContinuousPanTiltVelocitySpace",
        "DefaultContinuousPanTiltVelocitySpace",
    ),
    (Motion::Continuous, Axis::Zoom, "ContinuousZoomVelocitySpace", "DefaultContinuousZoomVelocitySpace"),
    (
        Motion::Relative,
        Axis::PanTilt,
        "RelativePanTiltTranslationSpace",
        "DefaultRelativePanTiltTranslationSpace",
    ),
    (Motion::Relative, Axis::Zoom, "RelativeZoomTranslationSpace", "DefaultRelativeZoomTranslationSpace"),
    // The misspelling is the standard's own; newer cameras spell it right.
    (Motion::Absolute, Axis::PanTilt, "AbsolutePanTiltPositionSpace", "DefaultAbsolutePantTiltPositionSpace"),
    (Motion::Absolute, Axis::Zoom, "AbsoluteZoomPositionSpace", "DefaultAbsoluteZoomPositionSpace"),
];

/// Reads the configuration of `profile` and the node behind it.
pub(super) async fn read(camera: &Camera, profile: &Profile) -> Result<PtzNode, Error> {
    let body = camera.ask(Part::Ptz, "GetConfigurations", "").await?;
    let mut configurations = listed(&body, &["PTZConfiguration", "PTZConfigurations"]);
    let configuration = match &profile.ptz {
        Some(wanted) => configurations.find(|known| token(known).as_deref() == Some(wanted)),
        // A profile that lacks its PTZ configuration, as in Media2 with a type left out, still moves on many cameras.
        None => configurations.next(),
    };
    let configuration = configuration.ok_or_else(|| camera.lacks(Part::Ptz.words()))?;
    let nodes = match camera.ask(Part::Ptz, "GetNodes", "").await {
        Ok(body) => body,
        Err(error @ (Error::Fault { .. } | Error::Status { .. } | Error::Unreadable { .. })) => {
            tracing::debug!(%error, "no PTZ nodes");
            Element::default()
        }
        Err(error) => return Err(error),
    };
    let wanted = configuration.text_at(&["NodeToken"]);
    let all = || listed(&nodes, &["PTZNode", "PTZNodes"]);
    let node = all().find(|node| token(node).as_deref() == wanted).or_else(|| all().next());
    let read = assemble(configuration, node);
    let abilities = &read.abilities;
    let is_empty =
        !(abilities.can_pan_tilt || abilities.can_zoom || abilities.can_move_by || abilities.can_move_to);
    if is_empty { Err(camera.lacks(Part::Ptz.words())) } else { Ok(read) }
}

fn assemble(configuration: &Element, node: Option<&Element>) -> PtzNode {
    let supported = node.and_then(|node| node.child("SupportedPTZSpaces"));
    let mut spaces = Vec::new();
    for (motion, axis, in_node, in_configuration) in SPACES {
        let right = in_configuration.replace("Pantilt", "PanTilt").replace("PantTilt", "PanTilt");
        let default = configuration.text_at(&[in_configuration]).or_else(|| configuration.text_at(&[&right]));
        let mut listed = supported.into_iter().flat_map(|supported| supported.children(in_node));
        let uri_of = |space: &Element| space.text_at(&["URI"]).map(str::to_owned);
        let first = supported.and_then(|supported| supported.child(in_node));
        let described = listed.find(|space| uri_of(space).as_deref() == default).or(first);
        let uri = match (described, default) {
            (Some(space), _) => uri_of(space).unwrap_or_default(),
            // Without a node only the configuration tells.
            (None, Some(default)) if supported.is_none() => default.to_owned(),
            (None, _) => continue,
        };
        let scale = |name| described.and_then(|space| Range::read(space.child(name))).map(Scale);
        let usual =
            if (motion, axis) == (Motion::Absolute, Axis::Zoom) { Scale::ZOOM_PLACES } else { Scale::USUAL };
        spaces.push(Space {
            motion,
            axis,
            is_default: default == Some(&uri),
            uri,
            x: scale("XRange").unwrap_or(usual),
            y: scale("YRange"),
        });
    }
    let has = |motion, axis| spaces.iter().any(|space: &Space| space.motion == motion && space.axis == axis);
    let abilities = PtzAbilities {
        can_pan_tilt: has(Motion::Continuous, Axis::PanTilt),
        can_zoom: has(Motion::Continuous, Axis::Zoom),
        can_move_by: spaces.iter().any(|space| space.motion == Motion::Relative),
        can_move_to: spaces.iter().any(|space| space.motion == Motion::Absolute),
        presets_most: node.and_then(|node| count(node, &["MaximumNumberOfPresets"])).unwrap_or(0),
        has_home: node.and_then(|node| flag(node, &["HomeSupported"])).unwrap_or(false),
        is_home_fixed: node.and_then(|node| flag_attribute(node, "FixedHomePosition")),
        auxiliary_commands: node.map(|node| texts(node, "AuxiliaryCommands")).unwrap_or_default(),
    };
    PtzNode {
        token: node.and_then(token).unwrap_or_default(),
        name: node.and_then(|node| text(node, &["Name"])).unwrap_or_default(),
        configuration: token(configuration).unwrap_or_default(),
        abilities,
        spaces,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_keeps_standstill_at_zero() {
        let lopsided = Scale(Range { min: -50.0, max: 100.0 });
        assert_eq!([-1.0, 0.0, 0.5, 2.0].map(|value| lopsided.scale(value)), [-50.0, 0.0, 50.0, 100.0]);
        assert_eq!(lopsided.unscale(-25.0), -0.5);
        let zoom = Scale(Range { min: 1.0, max: 31.0 });
        assert_eq!([-1.0, 0.0, 0.5].map(|value| zoom.scale(value)), [1.0, 1.0, 16.0]);
        assert_eq!(zoom.unscale(16.0), 0.5);
    }
}
