//! Privacy masks that the camera itself puts onto the picture, before it encodes it: what is covered never leaves the
//! camera. Only Media2 has them.

use super::{
    Camera, Profile,
    coordinates::Point,
    read::{count, flag, flag_attribute, listed, text, texts, token},
    services::Part,
};
use crate::{
    Error,
    soap::ns,
    xml::{Element, escape},
};

/// More corners than any camera accepts.
const CORNERS_MAX: usize = 256;

/// A covered part of the picture.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct Mask {
    /// The camera's id of it; empty for a new one.
    pub token: String,
    /// The video source configuration whose picture it covers, [`Profile::source_configuration`].
    pub source_configuration: String,
    /// The corners, in the picture's coordinates.
    pub corners: Vec<Point>,
    /// `Color`, `Pixelated` or `Blurred`; see [`MaskOptions::kinds`].
    pub kind: String,
    /// Whether it covers at present.
    pub is_on: bool,
}

impl Mask {
    /// The smallest upright rectangle around all corners: what a camera with [`MaskOptions::is_rectangle_only`] takes.
    #[must_use]
    pub fn as_rectangle(&self) -> Self {
        let edge =
            |of: fn(&Point) -> f32, pick: fn(f32, f32) -> f32| self.corners.iter().map(of).reduce(pick);
        let (Some(left), Some(right), Some(top), Some(bottom)) = (
            edge(|point| point.x, f32::min),
            edge(|point| point.x, f32::max),
            edge(|point| point.y, f32::min),
            edge(|point| point.y, f32::max),
        ) else {
            return self.clone();
        };
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        Self { corners: corners.map(|(x, y)| Point { x, y }).to_vec(), ..self.clone() }
    }
}

/// Which masks a camera can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct MaskOptions {
    /// How many; `None` if not said.
    pub most: Option<u32>,
    /// How many corners each may have; `None` if not said.
    pub most_corners: Option<u32>,
    /// `Color`, `Pixelated`, `Blurred`.
    pub kinds: Vec<String>,
    /// Whether they must be upright rectangles.
    pub is_rectangle_only: bool,
    /// Whether all share one colour.
    pub is_single_colour_only: bool,
}

impl Camera {
    /// Asks for the masks on the picture of `profile`.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] without Media2.
    pub async fn masks(&self, profile: &Profile) -> Result<Vec<Mask>, Error> {
        let body = self.ask_masks("GetMasks", "").await?;
        let all = listed(&body, &["Masks", "Mask"]).filter_map(read_mask);
        let of = profile.source_configuration.as_deref();
        Ok(all.filter(|mask| of.is_none_or(|of| mask.source_configuration == of)).collect())
    }

    /// Asks which masks can be put onto the picture of `profile`.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] without Media2, or if the profile shows no video source.
    pub async fn mask_options(&self, profile: &Profile) -> Result<MaskOptions, Error> {
        let Some(of) = &profile.source_configuration else {
            return Err(self.lacks(MASKS));
        };
        let content = format!("<ConfigurationToken>{}</ConfigurationToken>", escape(of));
        let body = self.ask_masks("GetMaskOptions", &content).await?;
        let options = body.child("Options").unwrap_or(&body);
        Ok(MaskOptions {
            most: count(options, &["MaxMasks"]),
            most_corners: count(options, &["MaxPoints"]),
            kinds: texts(options, "Types"),
            is_rectangle_only: flag_attribute(options, "RectangleOnly").unwrap_or(false),
            is_single_colour_only: flag_attribute(options, "SingleColorOnly").unwrap_or(false),
        })
    }

    /// Puts a new mask onto the picture and returns its token.
    ///
    /// # Errors
    /// [`Error::Fault`] with the camera's own words, for example when there are too many.
    pub async fn create_mask(&self, mask: &Mask) -> Result<String, Error> {
        let mut element = Element::default();
        change(&mut element, mask);
        let body = self.ask_masks("CreateMask", &element.write_as("Mask")).await?;
        text(&body, &["Token"]).ok_or_else(|| self.unreadable("CreateMask", "it names no token"))
    }

    /// Changes a mask; its colour stays.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn set_mask(&self, mask: &Mask) -> Result<(), Error> {
        let body = self.ask_masks("GetMasks", "").await?;
        let known =
            listed(&body, &["Masks", "Mask"]).find(|known| token(known).as_deref() == Some(&mask.token));
        let mut element = known.cloned().ok_or_else(|| self.lacks("this mask any more"))?;
        change(&mut element, mask);
        self.ask_masks("SetMask", &element.write_as("Mask")).await.map(drop)
    }

    /// Uncovers what a mask covered.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn delete_mask(&self, mask: &Mask) -> Result<(), Error> {
        self.ask_masks("DeleteMask", &format!("<Token>{}</Token>", escape(&mask.token))).await.map(drop)
    }

    async fn ask_masks(&self, name: &'static str, content: &str) -> Result<Element, Error> {
        if !self.has(Part::Media2) {
            return Err(self.lacks(MASKS));
        }
        self.ask(Part::Media2, name, content).await
    }
}

/// What a camera without masks does not offer.
const MASKS: &str = "masks on its picture";

fn read_mask(element: &Element) -> Option<Mask> {
    let corners = element.child("Polygon").into_iter().flat_map(|polygon| polygon.children("Point"));
    Some(Mask {
        token: token(element)?,
        source_configuration: text(element, &["ConfigurationToken"]).unwrap_or_default(),
        corners: corners.filter_map(Point::read).take(CORNERS_MAX).collect(),
        kind: text(element, &["Type"]).unwrap_or_default(),
        is_on: flag(element, &["Enabled"]).unwrap_or(true),
    })
}

/// The parts of a mask belong to Media2 itself, only the points to the schema.
fn change(element: &mut Element, mask: &Mask) {
    const ORDER: [&str; 5] = ["ConfigurationToken", "Polygon", "Type", "Color", "Enabled"];
    if !mask.token.is_empty() {
        element.put_attribute("token", &mask.token);
    }
    let own = |element: &mut Element, name: &str, text: &str| {
        let child = element.child_or_new(&ORDER, name);
        child.namespace = Some(ns::MEDIA2.into());
        text.clone_into(&mut child.text);
    };
    if !mask.source_configuration.is_empty() {
        own(element, "ConfigurationToken", &mask.source_configuration);
    }
    own(element, "Polygon", "");
    let polygon = element.child_or_new(&ORDER, "Polygon");
    polygon.children = mask
        .corners
        .iter()
        .map(|corner| {
            let (x, y) = corner.to_onvif();
            let mut point =
                Element { namespace: Some(ns::SCHEMA.into()), name: "Point".into(), ..Element::default() };
            point.put_attribute("x", format!("{x:.4}"));
            point.put_attribute("y", format!("{y:.4}"));
            point
        })
        .collect();
    if !mask.kind.is_empty() {
        own(element, "Type", &mask.kind);
    }
    own(element, "Enabled", if mask.is_on { "true" } else { "false" });
}
