//! Text, time and pictures that the camera puts onto its picture. Both media services have the same operations.

use super::{
    Camera, MediaService, Profile,
    coordinates::Point,
    read::{Range, count, listed, text, texts, token},
};
use crate::{
    Error,
    xml::{Element, escape},
};

/// Something on the picture.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct Osd {
    /// The camera's id of it; empty for a new one.
    pub token: String,
    /// The video source configuration whose picture it is on, [`Profile::source_configuration`].
    pub source_configuration: String,
    /// Where it is.
    pub position: OsdPosition,
    /// What it shows.
    pub content: OsdContent,
    /// The size of the letters on the camera's own scale; `None` leaves it to the camera.
    pub font_size: Option<u32>,
    /// How a date is written, one of [`OsdOptions::date_formats`]; `None` keeps what is there, or takes `yyyy-MM-dd`.
    pub date_format: Option<String>,
    /// How a time is written, one of [`OsdOptions::time_formats`]; `None` keeps what is there, or takes `HH:mm:ss`.
    pub time_format: Option<String>,
    /// The service that listed it; a change goes there too.
    pub service: MediaService,
}

/// Where something is on the picture.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum OsdPosition {
    /// In the upper left corner.
    UpperLeft,
    /// In the upper right corner.
    UpperRight,
    /// In the lower left corner.
    LowerLeft,
    /// In the lower right corner.
    LowerRight,
    /// With its upper left corner here.
    At(Point),
}

/// What something on the picture shows.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum OsdContent {
    /// These words.
    Text(String),
    /// The date.
    Date,
    /// The time of day.
    Time,
    /// Date and time.
    DateAndTime,
    /// A picture that the camera keeps.
    Image,
    /// Something of the maker's own; it can be moved and deleted, not changed.
    Other,
}

/// What a camera can put onto its picture.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct OsdOptions {
    /// How many in all; `None` if not said.
    pub most: Option<u32>,
    /// How many that show words of one's own; `None` if not said.
    pub most_plain_texts: Option<u32>,
    /// The names of the positions as the camera lists them: `UpperLeft`, `Custom`...
    pub positions: Vec<String>,
    /// What texts may show: `Plain`, `Date`, `Time`, `DateAndTime`.
    pub text_types: Vec<String>,
    /// How dates may be written.
    pub date_formats: Vec<String>,
    /// How times may be written.
    pub time_formats: Vec<String>,
    /// The sizes of letters.
    pub font_sizes: Option<Range>,
    /// Whether it can show a picture.
    pub has_images: bool,
}

/// The order in which the parts of a text are wanted.
const TEXT_ORDER: [&str; 9] = [
    "Type",
    "DateFormat",
    "TimeFormat",
    "FontSize",
    "FontColor",
    "BackgroundColor",
    "PlainText",
    "Extension",
    "Any",
];
/// The order in which the parts of an OSD are wanted.
const ORDER: [&str; 6] =
    ["VideoSourceConfigurationToken", "Type", "Position", "TextString", "Image", "Extension"];

impl Camera {
    /// Asks what is on the picture of `profile`.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn osds(&self, profile: &Profile) -> Result<Vec<Osd>, Error> {
        let of = profile.source_configuration.as_deref().unwrap_or_default();
        let content = match of {
            "" => String::new(),
            of => format!("<ConfigurationToken>{}</ConfigurationToken>", escape(of)),
        };
        let (service, body) = self.ask_media(["GetOSDs"; 2], [&content; 2], |_| true).await?;
        let all = listed(&body, &["OSDs", "OSD"]).filter_map(|element| read_osd(element, service));
        // Some cameras answer with those of all their lenses.
        Ok(all.filter(|osd| of.is_empty() || osd.source_configuration == of).collect())
    }

    /// Asks what can be put onto the picture of `profile`.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] if the profile shows no video source.
    pub async fn osd_options(&self, profile: &Profile) -> Result<OsdOptions, Error> {
        let Some(of) = &profile.source_configuration else {
            return Err(self.lacks("text on the picture of this stream"));
        };
        let content = format!("<ConfigurationToken>{}</ConfigurationToken>", escape(of));
        let (_, body) = self.ask_media(["GetOSDOptions"; 2], [&content; 2], |_| true).await?;
        Ok(read_options(body.child("OSDOptions").unwrap_or(&body)))
    }

    /// Puts something new onto the picture and returns its token.
    ///
    /// # Errors
    /// [`Error::Fault`] with the camera's own words, for example when there are too many.
    pub async fn create_osd(&self, osd: &Osd) -> Result<String, Error> {
        let mut element = Element::default();
        element.put_attribute("token", &osd.token);
        change(&mut element, osd);
        let content = element.write_as("OSD");
        let body = self.ask(osd.service.part(), "CreateOSD", &content).await?;
        text(&body, &["OSDToken"]).ok_or_else(|| self.unreadable("CreateOSD", "it names no token"))
    }

    /// Changes something on the picture; what Hausrecht does not know of it, colours for example, stays.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn set_osd(&self, osd: &Osd) -> Result<(), Error> {
        let part = osd.service.part();
        let content =
            format!("<ConfigurationToken>{}</ConfigurationToken>", escape(&osd.source_configuration));
        let body = self.ask(part, "GetOSDs", &content).await?;
        let known = listed(&body, &["OSDs", "OSD"]).find(|known| token(known).as_deref() == Some(&osd.token));
        let mut element = known.cloned().ok_or_else(|| self.lacks("this text on its picture any more"))?;
        change(&mut element, osd);
        self.ask(part, "SetOSD", &element.write_as("OSD")).await.map(drop)
    }

    /// Takes something off the picture.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn delete_osd(&self, osd: &Osd) -> Result<(), Error> {
        let content = format!("<OSDToken>{}</OSDToken>", escape(&osd.token));
        self.ask(osd.service.part(), "DeleteOSD", &content).await.map(drop)
    }
}

fn read_osd(element: &Element, service: MediaService) -> Option<Osd> {
    let position = element.child("Position");
    let place = position.and_then(|position| position.child("Pos")).and_then(Point::read);
    let position = match position.and_then(|position| position.text_at(&["Type"])) {
        Some("UpperLeft") => OsdPosition::UpperLeft,
        Some("UpperRight") => OsdPosition::UpperRight,
        Some("LowerLeft") => OsdPosition::LowerLeft,
        Some("LowerRight") => OsdPosition::LowerRight,
        Some(_) | None => place.map_or(OsdPosition::UpperLeft, OsdPosition::At),
    };
    let string = element.child("TextString");
    let plain = || string.and_then(|string| text(string, &["PlainText"])).unwrap_or_default();
    let content = match (element.text_at(&["Type"]), string.and_then(|string| string.text_at(&["Type"]))) {
        (Some("Image"), _) => OsdContent::Image,
        (_, Some("Plain")) => OsdContent::Text(plain()),
        (_, Some("Date")) => OsdContent::Date,
        (_, Some("Time")) => OsdContent::Time,
        (_, Some("DateAndTime")) => OsdContent::DateAndTime,
        (_, _) => OsdContent::Other,
    };
    Some(Osd {
        token: token(element)?,
        source_configuration: text(element, &["VideoSourceConfigurationToken"])
            .or_else(|| text(element, &["VideoSourceConfigurationToken", "Value"]))
            .unwrap_or_default(),
        position,
        content,
        font_size: string.and_then(|string| count(string, &["FontSize"])),
        date_format: string.and_then(|string| text(string, &["DateFormat"])),
        time_format: string.and_then(|string| text(string, &["TimeFormat"])),
        service,
    })
}

fn read_options(options: &Element) -> OsdOptions {
    let most = options.child("MaximumNumberOfOSDs");
    let number = |name: &str| most?.attribute(name)?.trim().parse().ok();
    let of_text =
        |name: &str| options.child("TextOption").map(|option| texts(option, name)).unwrap_or_default();
    OsdOptions {
        most: number("Total"),
        most_plain_texts: number("PlainText"),
        positions: texts(options, "PositionOption"),
        text_types: of_text("Type"),
        date_formats: of_text("DateFormat"),
        time_formats: of_text("TimeFormat"),
        font_sizes: Range::read(options.at(&["TextOption", "FontSizeRange"])),
        has_images: options.child("ImageOption").is_some()
            || texts(options, "Type").iter().any(|kind| kind == "Image"),
    }
}

fn change(element: &mut Element, osd: &Osd) {
    if !osd.source_configuration.is_empty() {
        element.put(&ORDER, "VideoSourceConfigurationToken", &osd.source_configuration);
    }
    let kind = match osd.content {
        OsdContent::Image => Some("Image"),
        OsdContent::Text(_) | OsdContent::Date | OsdContent::Time | OsdContent::DateAndTime => Some("Text"),
        OsdContent::Other => None,
    };
    if let Some(kind) = kind {
        element.put(&ORDER, "Type", kind);
    }
    let position = element.child_or_new(&ORDER, "Position");
    let (name, place) = match osd.position {
        OsdPosition::UpperLeft => ("UpperLeft", None),
        OsdPosition::UpperRight => ("UpperRight", None),
        OsdPosition::LowerLeft => ("LowerLeft", None),
        OsdPosition::LowerRight => ("LowerRight", None),
        OsdPosition::At(place) => ("Custom", Some(place)),
    };
    position.put(&["Type", "Pos"], "Type", name);
    match place {
        Some(place) => {
            let (x, y) = place.to_onvif();
            let pos = position.child_or_new(&["Type", "Pos"], "Pos");
            pos.put_attribute("x", format!("{x:.4}"));
            pos.put_attribute("y", format!("{y:.4}"));
        }
        None => position.children.retain(|child| &*child.name != "Pos"),
    }
    let (kind, has_date, has_time) = match &osd.content {
        OsdContent::Text(_) => ("Plain", false, false),
        OsdContent::Date => ("Date", true, false),
        OsdContent::Time => ("Time", false, true),
        OsdContent::DateAndTime => ("DateAndTime", true, true),
        OsdContent::Image | OsdContent::Other => return,
    };
    let string = element.child_or_new(&ORDER, "TextString");
    string.put(&TEXT_ORDER, "Type", kind);
    for (name, is_wanted, format, usual) in [
        ("DateFormat", has_date, &osd.date_format, "yyyy-MM-dd"),
        ("TimeFormat", has_time, &osd.time_format, "HH:mm:ss"),
    ] {
        match format {
            _ if !is_wanted => string.children.retain(|child| &*child.name != name),
            Some(format) => string.put(&TEXT_ORDER, name, format),
            None if string.child(name).is_none() => string.put(&TEXT_ORDER, name, usual),
            None => {}
        }
    }
    if let Some(size) = osd.font_size {
        string.put(&TEXT_ORDER, "FontSize", size);
    }
    match &osd.content {
        OsdContent::Text(words) => string.put(&TEXT_ORDER, "PlainText", words),
        OsdContent::Date
        | OsdContent::Time
        | OsdContent::DateAndTime
        | OsdContent::Image
        | OsdContent::Other => string.children.retain(|child| &*child.name != "PlainText"),
    }
}
