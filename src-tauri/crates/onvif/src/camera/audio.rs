//! The loudspeaker: which outputs a camera has, what they understand, and getting a profile ready for talking. The sound
//! itself goes over the RTSP back channel, which is not the business of this crate.

use super::{
    Camera, MediaService, Profile,
    read::{Range, listed, number, text, texts, token, words},
};
use crate::{
    Error,
    xml::{Element, escape},
};

/// A loudspeaker.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct AudioOutput {
    /// The configuration, [`Profile::audio_output`].
    pub token: String,
    /// The camera's name of it.
    pub name: String,
    /// The output behind it.
    pub output: Option<String>,
    /// How loud, on the camera's own scale; `None` if not said.
    pub level: Option<f32>,
    /// `.../SendPrimacy/Client` and the like: who may talk at the same time. `None` if not said.
    pub primacy: Option<String>,
    /// The service that listed it.
    pub service: MediaService,
}

/// What a loudspeaker understands.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct TalkFormat {
    /// `G711` (PCMU), `AAC`, `G726`..., as the camera names it.
    pub encoding: String,
    /// Bit rates in kbit/s; empty if not said.
    pub bitrates_kbps: Vec<u32>,
    /// Sample rates in kHz; empty if not said.
    pub sample_rates_khz: Vec<f32>,
}

impl Camera {
    /// Asks for the loudspeakers.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn audio_outputs(&self) -> Result<Vec<AudioOutput>, Error> {
        let (service, body) =
            self.ask_media(["GetAudioOutputConfigurations"; 2], [""; 2], has_configuration).await?;
        let outputs = listed(&body, &["Configurations", "Configuration"]).filter_map(|element| {
            let token = token(element)?;
            Some(AudioOutput {
                name: text(element, &["Name"]).unwrap_or_else(|| token.clone()),
                token,
                output: text(element, &["OutputToken"]),
                level: number(element, &["OutputLevel"]),
                primacy: text(element, &["SendPrimacy"]),
                service,
            })
        });
        Ok(outputs.collect())
    }

    /// Asks for the volume range of a loudspeaker; `None` if it cannot be changed.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn audio_output_levels(&self, output: &AudioOutput) -> Result<Option<Range>, Error> {
        let content = format!("<ConfigurationToken>{}</ConfigurationToken>", escape(&output.token));
        let body = self.ask(output.service.part(), "GetAudioOutputConfigurationOptions", &content).await?;
        Ok(Range::read(body.find("OutputLevelRange")).filter(|range| range.max > range.min))
    }

    /// Sets the volume of a loudspeaker.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn set_audio_output_level(&self, output: &AudioOutput, level: f32) -> Result<(), Error> {
        let part = output.service.part();
        let body = self.ask(part, "GetAudioOutputConfigurations", "").await?;
        let mut known = listed(&body, &["Configurations", "Configuration"]);
        let known = known.find(|known| token(known).as_deref() == Some(&output.token));
        let mut element = known.cloned().ok_or_else(|| self.lacks("this loudspeaker any more"))?;
        element.put(
            &["Name", "UseCount", "OutputToken", "SendPrimacy", "OutputLevel"],
            "OutputLevel",
            level.round(),
        );
        let mut content = element.write_as("Configuration");
        if output.service == MediaService::Media {
            content.push_str("<ForcePersistence>true</ForcePersistence>");
        }
        self.ask(part, "SetAudioOutputConfiguration", &content).await.map(drop)
    }

    /// Asks what the loudspeaker of `profile` understands, as decoder options. A camera that does not say still tells
    /// it in the SDP of the back channel.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn talk_formats(&self, profile: &Profile) -> Result<Vec<TalkFormat>, Error> {
        let wanted = profile
            .audio_decoder
            .as_deref()
            .map(|token| format!("<ConfigurationToken>{}</ConfigurationToken>", escape(token)));
        let body = self
            .ask(
                profile.service.part(),
                "GetAudioDecoderConfigurationOptions",
                wanted.as_deref().unwrap_or_default(),
            )
            .await?;
        Ok(match profile.service {
            MediaService::Media2 => read_formats2(&body),
            MediaService::Media => read_formats(&body),
        })
    }

    /// Gets `profile` ready for talking: adds the camera's first loudspeaker and decoder to it where they are missing.
    /// The stream of the profile offers a back channel from then on.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] if it has no loudspeaker.
    pub async fn prepare_talk(&self, profile: &Profile) -> Result<(), Error> {
        let needs = [
            (
                &profile.audio_output,
                "GetAudioOutputConfigurations",
                "AddAudioOutputConfiguration",
                "AudioOutput",
            ),
            (
                &profile.audio_decoder,
                "GetAudioDecoderConfigurations",
                "AddAudioDecoderConfiguration",
                "AudioDecoder",
            ),
        ];
        let part = profile.service.part();
        for (has, get, add, kind) in needs {
            if has.is_some() {
                continue;
            }
            let body = self.ask(part, get, "").await?;
            let first = listed(&body, &["Configurations", "Configuration"]).find_map(token);
            let configuration = escape(&first.ok_or_else(|| self.lacks("talking"))?);
            let token = escape(&profile.token);
            match profile.service {
                MediaService::Media2 => {
                    let content = format!(
                        "<ProfileToken>{token}</ProfileToken><Configuration><Type>{kind}</Type>\
                         <Token>{configuration}</Token></Configuration>"
                    );
                    self.ask(part, "AddConfiguration", &content).await?;
                }
                MediaService::Media => {
                    let content = format!(
                        "<ProfileToken>{token}</ProfileToken><ConfigurationToken>{configuration}</ConfigurationToken>"
                    );
                    self.ask(part, add, &content).await?;
                }
            }
        }
        Ok(())
    }
}

fn has_configuration(body: &Element) -> bool {
    listed(body, &["Configurations", "Configuration"]).next().is_some()
}

fn read_formats2(body: &Element) -> Vec<TalkFormat> {
    let all = listed(body, &["Options", "Option"]).filter_map(|options| {
        Some(TalkFormat {
            encoding: text(options, &["Encoding"])?,
            bitrates_kbps: numbers(options, &["BitrateList", "Bitrate"]).map(|n| n as u32).collect(),
            sample_rates_khz: numbers(options, &["SampleRateList", "SampleRateRange"]).collect(),
        })
    });
    all.collect()
}

fn read_formats(body: &Element) -> Vec<TalkFormat> {
    let Some(options) = body.child("Options") else { return Vec::new() };
    let kinds = [("AACDecOptions", "AAC"), ("G711DecOptions", "G711"), ("G726DecOptions", "G726")];
    let all = kinds.into_iter().filter_map(|(name, encoding)| {
        let options = options.child(name)?;
        Some(TalkFormat {
            encoding: encoding.to_owned(),
            bitrates_kbps: numbers(options, &["Bitrate"]).map(|n| n as u32).collect(),
            sample_rates_khz: numbers(options, &["SampleRateRange"]).collect(),
        })
    });
    all.collect()
}

fn numbers<'a>(element: &'a Element, names: &'a [&'a str]) -> impl Iterator<Item = f32> + 'a {
    let all = names.iter().flat_map(|name| {
        let mut all = words(element, name);
        all.extend(element.child(name).map(|list| texts(list, "Items")).unwrap_or_default());
        all.dedup();
        all
    });
    let mut seen = Vec::new();
    all.filter_map(|word| word.parse::<f32>().ok()).filter(move |number| {
        let is_new = !seen.contains(number);
        seen.push(*number);
        is_new
    })
}
