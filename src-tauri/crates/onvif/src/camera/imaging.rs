//! The picture itself: brightness and the like, night mode, wide dynamic range, focus.

mod settings;

pub use self::settings::{ExposureMode, ImagingOptions, ImagingSettings, IrCut, WhiteBalance};
use super::{
    Camera, Profile,
    read::{Range, number, text},
    services::Part,
};
use crate::{
    Error,
    xml::{Element, escape},
};

/// How the focus can be moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct FocusOptions {
    /// The positions that it can be set to.
    pub absolute: Option<Range>,
    /// By how much it can be moved.
    pub relative: Option<Range>,
    /// How fast it can be moved until it is stopped.
    pub continuous: Option<Range>,
}

/// Where the focus is.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct FocusStatus {
    /// The position; `None` if not said.
    pub position: Option<f32>,
    /// `IDLE`, `MOVING` or `UNKNOWN`; `None` if not said.
    pub moving: Option<String>,
}

impl Camera {
    /// Asks how the picture of `profile` is set.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] without the imaging service.
    pub async fn imaging(&self, profile: &Profile) -> Result<ImagingSettings, Error> {
        let body = self.ask_imaging(profile, "GetImagingSettings", "").await?;
        Ok(ImagingSettings::read(body.child("ImagingSettings").unwrap_or(&body)))
    }

    /// Asks what the picture of `profile` can be set to. What a camera cannot do is `None` or empty.
    ///
    /// # Errors
    /// As [`Camera::imaging`].
    pub async fn imaging_options(&self, profile: &Profile) -> Result<ImagingOptions, Error> {
        let body = self.ask_imaging(profile, "GetOptions", "").await?;
        Ok(ImagingOptions::read(body.child("ImagingOptions").unwrap_or(&body)))
    }

    /// Changes the picture of `profile`. What is `None` in `settings` stays as it is.
    ///
    /// # Errors
    /// As [`Camera::imaging`]; [`Error::Fault`] with the camera's own words for a value that it does not accept.
    pub async fn set_imaging(&self, profile: &Profile, settings: &ImagingSettings) -> Result<(), Error> {
        let content = format!(
            "<ImagingSettings>{}</ImagingSettings><ForcePersistence>true</ForcePersistence>",
            settings.written()
        );
        self.ask_imaging(profile, "SetImagingSettings", &content).await.map(drop)
    }

    /// Asks how the focus can be moved; all `None` on a camera whose focus is fixed.
    ///
    /// # Errors
    /// As [`Camera::imaging`].
    pub async fn focus_options(&self, profile: &Profile) -> Result<FocusOptions, Error> {
        let body = self.ask_imaging(profile, "GetMoveOptions", "").await?;
        let range = |path: &[&str]| Range::read(body.child("MoveOptions").unwrap_or(&body).at(path));
        Ok(FocusOptions {
            absolute: range(&["Absolute", "Position"]),
            relative: range(&["Relative", "Distance"]),
            continuous: range(&["Continuous", "Speed"]),
        })
    }

    /// Moves the focus, on the scale of [`FocusOptions::continuous`], until [`Camera::focus_stop`].
    ///
    /// # Errors
    /// As [`Camera::imaging`].
    pub async fn focus_move(&self, profile: &Profile, speed: f32) -> Result<(), Error> {
        let content = format!("<Focus><tt:Continuous><tt:Speed>{speed}</tt:Speed></tt:Continuous></Focus>");
        self.ask_imaging(profile, "Move", &content).await.map(drop)
    }

    /// Moves the focus by a distance, on the scale of [`FocusOptions::relative`].
    ///
    /// # Errors
    /// As [`Camera::imaging`].
    pub async fn focus_by(&self, profile: &Profile, distance: f32) -> Result<(), Error> {
        let content =
            format!("<Focus><tt:Relative><tt:Distance>{distance}</tt:Distance></tt:Relative></Focus>");
        self.ask_imaging(profile, "Move", &content).await.map(drop)
    }

    /// Moves the focus to a position, on the scale of [`FocusOptions::absolute`].
    ///
    /// # Errors
    /// As [`Camera::imaging`].
    pub async fn focus_to(&self, profile: &Profile, position: f32) -> Result<(), Error> {
        let content =
            format!("<Focus><tt:Absolute><tt:Position>{position}</tt:Position></tt:Absolute></Focus>");
        self.ask_imaging(profile, "Move", &content).await.map(drop)
    }

    /// Stops the focus.
    ///
    /// # Errors
    /// As [`Camera::imaging`].
    pub async fn focus_stop(&self, profile: &Profile) -> Result<(), Error> {
        self.ask_imaging(profile, "Stop", "").await.map(drop)
    }

    /// Asks where the focus is.
    ///
    /// # Errors
    /// As [`Camera::imaging`].
    pub async fn focus_status(&self, profile: &Profile) -> Result<FocusStatus, Error> {
        let body = self.ask_imaging(profile, "GetStatus", "").await?;
        let Some(status) = body.find("FocusStatus20").or_else(|| body.find("FocusStatus")) else {
            return Ok(FocusStatus::default());
        };
        Ok(FocusStatus { position: number(status, &["Position"]), moving: text(status, &["MoveStatus"]) })
    }

    async fn ask_imaging(
        &self,
        profile: &Profile,
        name: &'static str,
        content: &str,
    ) -> Result<Element, Error> {
        if !self.has(Part::Imaging) {
            return Err(self.lacks(Part::Imaging.words()));
        }
        let source = match &profile.source {
            Some(source) => source.clone(),
            // A profile that does not name its lens is one of a camera with a single one.
            None => {
                let first = self.video_sources().await?.into_iter().next();
                first.ok_or_else(|| self.lacks(Part::Imaging.words()))?.token
            }
        };
        let content = format!("<VideoSourceToken>{}</VideoSourceToken>{content}", escape(&source));
        self.ask(Part::Imaging, name, &content).await
    }
}
