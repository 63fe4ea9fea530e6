//! Encoder settings: size, rate, bit rate, key frames, codec. Media2 first, which alone knows H.265; Media as fallback.

mod options;

use hausrecht_model::Codec;

pub use self::options::EncoderOptions;
use super::{
    Camera, MediaService, Profile,
    media::codec,
    read::{count, flag_attribute, listed, number, number_attribute, text, token},
};
use crate::{
    Error,
    xml::{Element, escape},
};

/// How a stream is encoded.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct Encoder {
    /// The camera's id of this configuration.
    pub token: String,
    /// The camera's name of it.
    pub name: String,
    /// How many profiles use it: a change affects them all.
    pub use_count: u32,
    /// The codec; `None` for one that Hausrecht does not know.
    pub codec: Option<Codec>,
    /// Width in pixels; 0 if not said.
    pub width: u32,
    /// Height in pixels; 0 if not said.
    pub height: u32,
    /// Picture quality on the camera's own scale, see [`EncoderOptions::quality`]; `None` if not said.
    pub quality: Option<f32>,
    /// Frames per second; 0 if not said.
    pub fps: f32,
    /// Bit rate limit in kbit/s; 0 if not said.
    pub bitrate_kbps: u32,
    /// Whether the bit rate is held constant; `None` if not said. Only Media2 has it.
    pub is_constant_bitrate: Option<bool>,
    /// Frames from one key frame to the next; `None` if not said, and with JPEG, where each frame is one.
    pub gov_length: Option<u32>,
    /// `Baseline`, `Main`, `High`...; `None` if not said.
    pub profile: Option<String>,
    /// The service that listed it; a change goes there too.
    pub service: MediaService,
}

/// The order in which Media wants the parts of an encoder configuration, and Media2, whose are fewer.
const ORDER: [&str; 12] = [
    "Name",
    "UseCount",
    "Encoding",
    "Resolution",
    "Quality",
    "RateControl",
    "MPEG4",
    "H264",
    "Multicast",
    "SessionTimeout",
    "Extension",
    "Any",
];
/// The order in which Media2 has them.
const ORDER2: [&str; 7] =
    ["Name", "UseCount", "Encoding", "Resolution", "RateControl", "Multicast", "Quality"];

impl Camera {
    /// Asks for all encoder configurations.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn encoders(&self) -> Result<Vec<Encoder>, Error> {
        let is_there = |body: &Element| listed(body, &["Configurations", "Configuration"]).next().is_some();
        let names = ["GetVideoEncoderConfigurations"; 2];
        let (service, body) = self.ask_media(names, [""; 2], is_there).await?;
        Ok(listed(&body, &["Configurations", "Configuration"])
            .filter_map(|element| read_encoder(element, service))
            .collect())
    }

    /// Asks for the encoder configuration of a profile.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] if the profile has none that can be changed.
    pub async fn encoder(&self, profile: &Profile) -> Result<Encoder, Error> {
        let none = || self.lacks("encoder settings for this stream");
        let token = profile.encoder.as_deref().ok_or_else(none)?;
        let element = self.encoder_element(profile.service, token).await?;
        read_encoder(&element, profile.service).ok_or_else(none)
    }

    /// Asks what an encoder configuration may be changed to, one entry a codec.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn encoder_options(&self, encoder: &Encoder) -> Result<Vec<EncoderOptions>, Error> {
        let content = format!("<ConfigurationToken>{}</ConfigurationToken>", escape(&encoder.token));
        let part = encoder.service.part();
        let body = self.ask(part, "GetVideoEncoderConfigurationOptions", &content).await?;
        Ok(match encoder.service {
            MediaService::Media2 => options::read_media2(&body),
            MediaService::Media => options::read_media(&body),
        })
    }

    /// Changes an encoder configuration. What Hausrecht does not know of it stays; a value that `encoder` leaves at
    /// zero or `None` stays too. The camera may choose the nearest values that it can do: ask again for what it took.
    /// The stream usually breaks off and must be opened anew.
    ///
    /// # Errors
    /// [`Error::Fault`] with the camera's own words for values that do not go together.
    pub async fn set_encoder(&self, encoder: &Encoder) -> Result<(), Error> {
        let mut element = self.encoder_element(encoder.service, &encoder.token).await?;
        match encoder.service {
            MediaService::Media2 => change_media2(&mut element, encoder),
            MediaService::Media => change_media(&mut element, encoder),
        }
        let mut content = element.write_as("Configuration");
        if encoder.service == MediaService::Media {
            content.push_str("<ForcePersistence>true</ForcePersistence>");
        }
        self.ask(encoder.service.part(), "SetVideoEncoderConfiguration", &content).await.map(drop)
    }

    async fn encoder_element(&self, service: MediaService, token_wanted: &str) -> Result<Element, Error> {
        let content = format!("<ConfigurationToken>{}</ConfigurationToken>", escape(token_wanted));
        let body = match service {
            MediaService::Media2 => {
                self.ask(service.part(), "GetVideoEncoderConfigurations", &content).await?
            }
            MediaService::Media => {
                match self.ask(service.part(), "GetVideoEncoderConfiguration", &content).await {
                    // Not every camera can name a single one.
                    Err(Error::Fault { .. } | Error::Status { .. }) => {
                        self.ask(service.part(), "GetVideoEncoderConfigurations", "").await?
                    }
                    result => result?,
                }
            }
        };
        // Some cameras answer with all of them whatever was asked.
        let mut all = listed(&body, &["Configurations", "Configuration"]).cloned();
        all.find(|element| token(element).as_deref() == Some(token_wanted))
            .ok_or_else(|| self.lacks("this encoder configuration any more"))
    }
}

fn read_encoder(element: &Element, service: MediaService) -> Option<Encoder> {
    let token = token(element)?;
    let codec = element.text_at(&["Encoding"]).and_then(codec);
    let (gov_length, profile) = match service {
        MediaService::Media2 => (
            number_attribute(element, "GovLength").map(|n| n as u32),
            element.attribute("Profile").map(str::to_owned),
        ),
        MediaService::Media => match codec {
            Some(Codec::H264) => {
                (count(element, &["H264", "GovLength"]), text(element, &["H264", "H264Profile"]))
            }
            Some(Codec::H265 | Codec::Mjpeg) | None => (None, None),
        },
    };
    let rate = element.child("RateControl");
    Some(Encoder {
        name: text(element, &["Name"]).unwrap_or_else(|| token.clone()),
        token,
        use_count: count(element, &["UseCount"]).unwrap_or(0),
        codec,
        width: count(element, &["Resolution", "Width"]).unwrap_or(0),
        height: count(element, &["Resolution", "Height"]).unwrap_or(0),
        quality: number(element, &["Quality"]),
        fps: rate.and_then(|rate| number(rate, &["FrameRateLimit"])).unwrap_or(0.0),
        bitrate_kbps: rate.and_then(|rate| count(rate, &["BitrateLimit"])).unwrap_or(0),
        is_constant_bitrate: rate.and_then(|rate| flag_attribute(rate, "ConstantBitRate")),
        gov_length,
        profile,
        service,
    })
}

/// The name of a codec as the services write it.
fn encoding(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "H264",
        Codec::H265 => "H265",
        Codec::Mjpeg => "JPEG",
    }
}

fn change_common(element: &mut Element, encoder: &Encoder, order: &[&str], fps: String) {
    if let Some(codec) = encoder.codec {
        element.put(order, "Encoding", encoding(codec));
    }
    if encoder.width > 0 && encoder.height > 0 {
        let size = element.child_or_new(order, "Resolution");
        size.put(&["Width", "Height"], "Width", encoder.width);
        size.put(&["Width", "Height"], "Height", encoder.height);
    }
    if encoder.fps > 0.0 || encoder.bitrate_kbps > 0 {
        let parts = ["FrameRateLimit", "EncodingInterval", "BitrateLimit"];
        let rate = element.child_or_new(order, "RateControl");
        if encoder.fps > 0.0 {
            rate.put(&parts, "FrameRateLimit", fps);
        }
        if encoder.bitrate_kbps > 0 {
            rate.put(&parts, "BitrateLimit", encoder.bitrate_kbps);
        }
    }
    if let Some(quality) = encoder.quality {
        element.put(order, "Quality", quality);
    }
}

fn change_media2(element: &mut Element, encoder: &Encoder) {
    change_common(element, encoder, &ORDER2, encoder.fps.to_string());
    if let Some(is_constant) = encoder.is_constant_bitrate {
        element.child_or_new(&ORDER2, "RateControl").put_attribute("ConstantBitRate", is_constant);
    }
    if encoder.codec != Some(Codec::Mjpeg) {
        if let Some(length) = encoder.gov_length {
            element.put_attribute("GovLength", length);
        }
        if let Some(profile) = &encoder.profile {
            element.put_attribute("Profile", profile);
        }
    }
}

fn change_media(element: &mut Element, encoder: &Encoder) {
    // Media counts frames and quality in whole numbers; quality is a float there by its type only.
    change_common(element, encoder, &ORDER, (encoder.fps.round().max(1.0) as u32).to_string());
    if let Some(rate) = element.children.iter_mut().find(|child| &*child.name == "RateControl") {
        let parts = ["FrameRateLimit", "EncodingInterval", "BitrateLimit"];
        if rate.child("EncodingInterval").is_none() {
            rate.put(&parts, "EncodingInterval", 1);
        }
    }
    if encoder.codec == Some(Codec::H264) && (encoder.gov_length.is_some() || encoder.profile.is_some()) {
        let h264 = element.child_or_new(&ORDER, "H264");
        let parts = ["GovLength", "H264Profile"];
        if let Some(length) = encoder.gov_length {
            h264.put(&parts, "GovLength", length);
        }
        if let Some(profile) = &encoder.profile {
            h264.put(&parts, "H264Profile", profile);
        }
    }
    // A part of another codec beside the new one confuses more cameras than its absence.
    let unused = match encoder.codec {
        Some(Codec::H264) => &["MPEG4"][..],
        Some(Codec::Mjpeg | Codec::H265) => &["MPEG4", "H264"],
        None => &[],
    };
    element.children.retain(|child| !unused.contains(&&*child.name));
}
