//! What a camera is and has; its streams, its certificate, its clock, its restart.

use hausrecht_model::{CameraId, Codec, Right};
use hausrecht_onvif::{
    CertificatePin,
    camera::{Features, UserLevel},
};

use super::{change, factory};
use crate::{
    Result,
    camera::address_of,
    handle::Handle,
    wire::{CameraPanel, CertificateQuestion, Error, Event, ProfileView},
};

impl Handle {
    /// A camera as its panel shows it.
    ///
    /// # Errors
    /// Only the owner, and for what they may do whoever may turn it or talk; the camera does not answer or refuses the sign-in.
    pub async fn camera_panel(&self, camera: CameraId) -> Result<CameraPanel> {
        if self.inner.signed_in()?.owner().is_none() {
            return self.members_panel(camera).await;
        }
        let control = self.control(camera).await?;
        let (live, row) = (&control.live, control.task.row());
        let (user, password) = control.task.sign_in(&self.inner)?;
        let information = control.heard(live.camera.information().await).await?;
        let (main, sub) = control.heard(live.streams(&row).await).await?;
        let features = control.heard(live.features().await).await?;
        let ptz = if features.ptz.is_present() {
            Some(control.heard(live.ptz(&row).await).await?.abilities().clone())
        } else {
            None
        };
        let profiles = control.heard(live.profiles().await).await?;
        let own_level = row.own_level.as_deref().and_then(level_of);
        let account_level = match own_level {
            Some(level) => Some(level),
            None if features.users.is_present() => {
                let users = control.heard(live.camera.users().await).await?;
                users.into_iter().find(|known| known.name == user).map(|known| known.level)
            }
            None => None,
        };
        let has_factory_account =
            !self.inner.db.read(move |tables| factory::accounts(tables, camera)).await?.is_empty();
        let maker_model = [information.manufacturer.as_str(), information.model.as_str()];
        Ok(CameraPanel {
            camera,
            maker_model: maker_model
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" "),
            firmware: information.firmware,
            address: address_of(live.camera.address().as_str()),
            encrypted: live.camera.is_encrypted(),
            certificate: live.camera.certificate().map(|pin| pin.to_string()),
            clock_offset_ms: live.camera.clock_offset().map(|clock| clock.offset_us / 1000),
            factory_password_suspected: has_factory_account || factory::is_factory_password(&user, &password),
            account: user,
            account_level,
            own_account: own_level.is_some(),
            talk: features.talk.is_present(),
            features,
            ptz,
            profiles: profiles.iter().map(profile_view).collect(),
            main: main.token,
            sub: sub.map(|sub| sub.token),
        })
    }

    /// What somebody may do with a camera who is not its owner: turn it, talk. Accounts, addresses and streams are the owner's.
    async fn members_panel(&self, camera: CameraId) -> Result<CameraPanel> {
        let person = self.inner.signed_in()?;
        let rights = self.inner.rights(&person, camera);
        let right = [Right::Ptz, Right::Talk].into_iter().find(|right| rights.has(*right));
        let right = right.ok_or_else(Error::owner_only)?;
        let control = self.control_with(camera, right).await?;
        let (live, row) = (&control.live, control.task.row());
        let has = control.heard(live.features().await).await?;
        let mut features = Features::default();
        let mut ptz = None;
        if rights.has(Right::Ptz) && has.ptz.is_present() {
            features.ptz = has.ptz;
            ptz = Some(control.heard(live.ptz(&row).await).await?.abilities().clone());
        }
        Ok(CameraPanel {
            camera,
            maker_model: String::new(),
            firmware: String::new(),
            address: String::new(),
            encrypted: live.camera.is_encrypted(),
            certificate: None,
            clock_offset_ms: None,
            account: String::new(),
            account_level: None,
            own_account: false,
            factory_password_suspected: false,
            features,
            ptz,
            talk: rights.has(Right::Talk) && has.talk.is_present(),
            profiles: Vec::new(),
            main: String::new(),
            sub: None,
        })
    }

    /// Chooses which of a camera's streams is recorded and which is for small tiles, for good.
    ///
    /// # Errors
    /// Only the owner; no such stream, or one that cannot be recorded.
    pub async fn choose_streams(&self, camera: CameraId, main: String, sub: Option<String>) -> Result<()> {
        let control = self.control(camera).await?;
        let live = &control.live;
        let profiles = control.heard(live.profiles().await).await?;
        let named = |token: &str| {
            profiles
                .iter()
                .find(|profile| profile.token == token)
                .ok_or_else(|| Error::not_found("this stream of the camera"))
        };
        let main_profile = named(&main)?;
        let sub_profile = sub.as_deref().map(named).transpose()?;
        for profile in [Some(main_profile), sub_profile].into_iter().flatten() {
            if profile.codec == Some(Codec::Mjpeg) {
                return Err(Error::invalid(
                    "a stream in Motion JPEG cannot be recorded: choose one in H.264 or H.265",
                ));
            }
        }
        if sub.as_deref() == Some(main.as_str()) {
            return Err(Error::invalid("the stream for small tiles must be another one than the recorded"));
        }
        let main_uri = control.heard(live.camera.stream_uri(main_profile).await).await?;
        let sub_uri = match sub_profile {
            Some(profile) => Some(control.heard(live.camera.stream_uri(profile).await).await?),
            None => None,
        };
        let note = change("streams").camera(camera).fact("main", main.clone()).fact("sub", sub.clone());
        self.change(camera, note, move |row, _| {
            (row.main_token, row.sub_token) = (Some(main), sub);
            (row.main_uri, row.sub_uri) = (main_uri.into(), sub_uri.map(String::from));
            Ok(())
        })
        .await?;
        control.task.restart();
        Ok(())
    }

    /// The question whether another certificate than the remembered one is right, if there is one.
    ///
    /// # Errors
    /// Only the owner; no such camera.
    pub fn camera_certificate(&self, camera: CameraId) -> Result<Option<CertificateQuestion>> {
        Ok(self.camera_task(camera)?.certificate_question())
    }

    /// Remembers the certificate that the camera shows now in place of the one before.
    ///
    /// # Errors
    /// Only the owner; it is not the certificate that was asked about.
    pub async fn accept_certificate(&self, camera: CameraId, seen: String) -> Result<()> {
        let task = self.camera_task(camera)?;
        let question =
            task.certificate_question().filter(|question| question.seen == seen).ok_or_else(|| {
                Error::invalid(
                    "this is not the certificate that the camera shows: look at the question again",
                )
            })?;
        let pin: CertificatePin = seen.parse().map_err(Error::internal)?;
        let note = change("certificate_accepted")
            .camera(camera)
            .fact("from", question.expected)
            .fact("to", question.seen);
        self.change(camera, note, move |row, _| {
            row.certificate = Some(*pin.as_bytes());
            Ok(())
        })
        .await?;
        task.begin_anew().await;
        task.forget_question();
        task.restart();
        Ok(())
    }

    /// Restarts a camera. It is gone for half a minute to some minutes.
    ///
    /// # Errors
    /// Only the owner; the camera does not allow it.
    pub async fn reboot_camera(&self, camera: CameraId) -> Result<()> {
        let control = self.control(camera).await?;
        control.change(change("reboot"), control.live.camera.reboot()).await?;
        control.task.begin_anew().await;
        Ok(())
    }

    /// Sets a camera's clock to this computer's time.
    ///
    /// # Errors
    /// Only the owner; the camera does not allow it.
    pub async fn set_camera_clock(&self, camera: CameraId) -> Result<()> {
        let control = self.control(camera).await?;
        let offset_ms = control.live.camera.clock_offset().map(|clock| clock.offset_us / 1000);
        let note = change("clock").fact("was_off_by_ms", offset_ms);
        control.change(note, control.live.camera.set_clock()).await?;
        // The next conversation measures anew.
        control.task.begin_anew().await;
        self.inner.tell(Event::Cameras(self.inner.cameras_view()));
        Ok(())
    }
}

fn profile_view(profile: &hausrecht_onvif::Profile) -> ProfileView {
    ProfileView {
        token: profile.token.clone(),
        name: profile.name.clone(),
        codec: profile.codec,
        width: profile.width,
        height: profile.height,
        fps: profile.fps,
        bitrate_kbps: profile.bitrate_kbps,
    }
}

/// How a level stands in the database.
pub(super) fn level_name(level: UserLevel) -> Result<String> {
    let name = serde_json::to_value(level)?;
    name.as_str().map(str::to_owned).ok_or_else(|| Error::internal("a level has a name"))
}

fn level_of(name: &str) -> Option<UserLevel> {
    serde_json::from_value(name.into()).ok()
}

/// Whether watching is not enough to use all that the camera has.
pub(super) fn needs_operator(features: &Features) -> bool {
    // By the standard's default access policy a user may read and an operator may move, switch and set.
    [features.ptz, features.relays, features.imaging].into_iter().any(|feature| feature.is_present())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_as_they_are_written() {
        for level in [UserLevel::Administrator, UserLevel::Operator, UserLevel::User] {
            assert_eq!(level_of(&level_name(level).unwrap()), Some(level));
        }
    }
}
