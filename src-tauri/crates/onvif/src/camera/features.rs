//! Which features a camera really has. What is announced is not believed: each is asked for by a cheap call that changes
//! nothing, because cameras announce services that they lack and lack services that they announce.

use super::{Camera, Profile, main_and_sub, services::Part};
use crate::Error;

/// Whether a camera has a feature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It is there.
    Present,
    /// It is not there.
    #[default]
    Absent,
    /// It is there, but this account may not use it.
    NotAllowed,
    /// The camera gave no clear answer.
    Unclear,
}

impl Presence {
    /// Whether it is there for this account.
    pub fn is_present(self) -> bool {
        self == Self::Present
    }
}

/// What a camera has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct Features {
    /// Turning or zooming: motors, not only the service.
    pub ptz: Presence,
    /// Changing the picture.
    pub imaging: Presence,
    /// Moving the focus.
    pub focus: Presence,
    /// Changing the encoder.
    pub encoder: Presence,
    /// Still pictures.
    pub snapshot: Presence,
    /// Text on the picture.
    pub osd: Presence,
    /// Masks that the camera itself puts onto the picture.
    pub masks: Presence,
    /// At least one relay.
    pub relays: Presence,
    /// At least one digital input.
    pub inputs: Presence,
    /// A loudspeaker.
    pub talk: Presence,
    /// Events.
    pub events: Presence,
    /// Recordings of its own, which can be listed.
    pub recordings: Presence,
    /// Playing them.
    pub replay: Presence,
    /// Rules that find things in the picture.
    pub analytics: Presence,
    /// A metadata stream.
    pub metadata: Presence,
    /// Managing accounts.
    pub users: Presence,
    /// Reading the network settings.
    pub network: Presence,
}

impl Camera {
    /// Finds out what the camera has, with one or two calls a feature. None of them changes anything.
    ///
    /// # Errors
    /// Only what makes going on useless or harmful: the camera is gone, or it refuses the sign-in altogether.
    pub async fn features(&self) -> Result<Features, Error> {
        let profiles = self.profiles().await?;
        let Some((main, _)) = main_and_sub(&profiles) else {
            return self.features_of(None).await;
        };
        // Motors, texts and analytics may hang on one of the profiles only.
        let with = |has: fn(&Profile) -> bool| profiles.iter().find(|profile| has(profile));
        let main = Profile {
            ptz: main.ptz.clone().or_else(|| with(|profile| profile.ptz.is_some())?.ptz.clone()),
            analytics: main
                .analytics
                .clone()
                .or_else(|| with(|profile| profile.analytics.is_some())?.analytics.clone()),
            ..main
        };
        self.features_of(Some(&main)).await
    }

    async fn features_of(&self, profile: Option<&Profile>) -> Result<Features, Error> {
        let mut features = Features {
            relays: self.presence(self.relays().await.map(|relays| !relays.is_empty())).await?,
            inputs: self.presence(self.digital_inputs().await.map(|inputs| !inputs.is_empty())).await?,
            talk: self.presence(self.audio_outputs().await.map(|outputs| !outputs.is_empty())).await?,
            metadata: self.presence(self.metadata().await.map(|streams| !streams.is_empty())).await?,
            events: self.presence(self.topics_offered().await.map(|_| true)).await?,
            users: self.presence(self.users().await.map(|users| !users.is_empty())).await?,
            network: self.presence(self.network_protocols().await.map(|all| !all.is_empty())).await?,
            ..Features::default()
        };
        // Cameras that have events but describe none are many: those that name the service are tried all the same.
        if features.events != Presence::Present && self.has_events() {
            features.events = Presence::Unclear;
        }
        let recordings = self.recordings_presence().await;
        features.recordings = self.presence(recordings).await?;
        if features.recordings.is_present() && self.has(Part::Replay) {
            features.replay = Presence::Present;
        }
        let Some(profile) = profile else { return Ok(features) };
        features.ptz = self.presence(self.ptz(profile).await.map(|_| true)).await?;
        let options = self.imaging_options(profile).await;
        let has_imaging = options.map(|options| options != super::ImagingOptions::default());
        features.imaging = self.presence(has_imaging).await?;
        if features.imaging.is_present() {
            let focus = self.focus_options(profile).await;
            let has_focus = focus.map(|focus| focus != super::FocusOptions::default());
            features.focus = self.presence(has_focus).await?;
        }
        features.encoder = self.presence(self.encoder(profile).await.map(|_| true)).await?;
        features.snapshot = self.presence(self.snapshot_uri(profile).await.map(|_| true)).await?;
        features.osd =
            self.presence(self.osd_options(profile).await.map(|options| options.most != Some(0))).await?;
        let masks = self.mask_options(profile).await.map(|options| options.most != Some(0));
        features.masks = self.presence(masks).await?;
        features.analytics = self.presence(self.rules(profile).await.map(|_| true)).await?;
        Ok(features)
    }

    async fn recordings_presence(&self) -> Result<bool, Error> {
        match self.recording_summary().await {
            Ok(summary) => Ok(summary.count > 0 || summary.from.is_some() || self.has(Part::Recording)),
            Err(error) if error.needs_a_person() => Err(error),
            Err(_) => {
                let body = self.ask(Part::Recording, "GetRecordings", "").await?;
                Ok(!body.children.is_empty())
            }
        }
    }

    /// What the outcome of a probing call says. A refusal of the account is followed by a call that every account may
    /// make, so that a camera which counts refusals does not lock the account, and a lost sign-in is seen.
    async fn presence(&self, outcome: Result<bool, Error>) -> Result<Presence, Error> {
        let error = match outcome {
            Ok(true) => return Ok(Presence::Present),
            Ok(false) | Err(Error::NotOffered { .. } | Error::Fault { .. }) => return Ok(Presence::Absent),
            Err(Error::Status { status: 400..=499 | 501, .. }) => return Ok(Presence::Absent),
            Err(error) => error,
        };
        match error.code() {
            "camera_http_status" | "camera_answer_unreadable" | "camera_answer_too_large" => {
                Ok(Presence::Unclear)
            }
            "camera_not_authorized" | "camera_not_allowed" => {
                self.information().await?;
                Ok(Presence::NotAllowed)
            }
            "camera_timed_out" | "camera_too_slow" | "camera_closed_early" | "camera_refused_for_now" => {
                self.information().await?;
                Ok(Presence::Unclear)
            }
            _ => Err(error),
        }
    }
}
