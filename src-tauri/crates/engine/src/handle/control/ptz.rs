//! Turning and zooming, and the places that a camera remembers.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hausrecht_model::{CameraId, Right};
use hausrecht_onvif::{
    Error as OnvifError,
    camera::{Ptz, PtzVector},
};
use hausrecht_vault::{open_with, seal_to};
use tokio::time::Instant;

use super::{Control, change};
use crate::{
    Result,
    camera::{CameraTask, mover},
    handle::Handle,
    inner::{Inner, lock},
    wire::{Error, PresetView},
};

/// A larger picture of a preset is not kept.
const PICTURE_MAX_BYTES: usize = 4 << 20;

impl Control {
    /// Ends a move that is on, which would not outlive a change of the sign-in.
    pub(super) async fn stop_move(&self) {
        if self.task.mover.stop()
            && let Err(error) = self.task.mover.stopped().await
        {
            tracing::warn!(camera = %self.task.id, "{error}");
        }
    }

    async fn ptz(&self) -> Result<Ptz> {
        self.heard(self.live.ptz(&self.task.row()).await).await
    }

    /// The picture of now; `None` if the camera gives none.
    async fn picture(&self) -> Result<Option<Vec<u8>>> {
        let main = self.heard(self.live.main(&self.task.row()).await).await?;
        match self.live.camera.snapshot(&main).await {
            Ok(jpeg) => Ok(Some(jpeg)),
            Err(error @ OnvifError::CertificateChanged { .. }) => {
                Err(self.task.failed(&self.live, error).await)
            }
            // Many cameras have rules of their own for the sign-in here, so a refusal says nothing about the rest.
            Err(error) => {
                tracing::info!(camera = %self.task.id, "no picture: {error}");
                Ok(None)
            }
        }
    }
}

impl Handle {
    /// Turns a camera, -1 to 1 on each axis, for one second at most unless it is repeated. Repeats replace each other.
    ///
    /// # Errors
    /// Only the owner, and whoever was given the right; the camera has no motors or refuses.
    pub async fn ptz_move(&self, camera: CameraId, speed: PtzVector) -> Result<()> {
        let [pan, tilt, zoom] = [speed.pan, speed.tilt, speed.zoom]
            .map(|axis| if axis.is_finite() { axis.clamp(-1.0, 1.0) } else { 0.0 });
        let speed = PtzVector { pan, tilt, zoom };
        if speed == PtzVector::default() {
            return self.ptz_stop(camera).await;
        }
        let control = self.control_with(camera, Right::Ptz).await?;
        let ptz = control.ptz().await?;
        let mover = &control.task.mover;
        {
            let mut last = mover.series.lock().await;
            if last.is_none_or(|last| last.elapsed() > mover::SERIES) {
                control.announce(change("ptz_move")).await?;
            }
            *last = Some(Instant::now());
        }
        let (answered, must_drive) = mover.ask(speed);
        if must_drive {
            let Control { person, task, live, .. } = control;
            let is_driven = self.inner.begin(mover::drive(task, Arc::clone(&self.inner), person, live, ptz));
            if !is_driven {
                return Err(Error::locked());
            }
        }
        // No answer of its own: a newer move took its place, or it was stopped.
        answered.await.unwrap_or(Ok(()))
    }

    /// Stops a camera.
    ///
    /// # Errors
    /// Only the owner, and whoever was given the right; the camera has no motors or does not answer.
    pub async fn ptz_stop(&self, camera: CameraId) -> Result<()> {
        let task = self.turned(camera)?;
        if task.mover.stop() {
            return task.mover.stopped().await;
        }
        let control = self.control_with(camera, Right::Ptz).await?;
        let ptz = control.ptz().await?;
        control.heard(mover::stop_now(&ptz).await).await
    }

    /// The places that a camera remembers, with what was seen from there.
    ///
    /// # Errors
    /// Only the owner, and whoever was given the right; the camera has no motors.
    pub async fn ptz_presets(&self, camera: CameraId) -> Result<Vec<PresetView>> {
        let control = self.control_with(camera, Right::Ptz).await?;
        let ptz = control.ptz().await?;
        let presets = control.heard(ptz.presets().await).await?;
        // The small pictures of the places are sealed to the owner.
        let Some(keys) = control.person.owner().cloned() else {
            let plain = |preset: hausrecht_onvif::camera::Preset| PresetView {
                token: preset.token,
                name: preset.name,
                picture: None,
            };
            return Ok(presets.into_iter().map(plain).collect());
        };
        let tokens: Vec<_> = presets.iter().map(|preset| preset.token.clone()).collect();
        let pictures = self
            .inner
            .db
            .read(move |tables| {
                tokens
                    .iter()
                    .map(|token| Ok(tables.preset_picture(camera, token)?))
                    .collect::<Result<Vec<_>>>()
            })
            .await?;
        if pictures.iter().any(Option::is_some) {
            self.inner.note_previewed(&control.person, camera).await?;
        }
        self.inner.still(&control.person)?;
        let views = presets.into_iter().zip(pictures).map(|(preset, sealed)| {
            let picture = sealed.map(|sealed| open_with(keys.identity(), &sealed)).transpose()?;
            let picture = picture.map(|jpeg| STANDARD.encode(jpeg.as_slice()));
            Ok(PresetView { token: preset.token, name: preset.name, picture })
        });
        views.collect()
    }

    /// Lets a camera remember where it looks now, in place of preset `token` if that is given, with a picture.
    ///
    /// # Errors
    /// Only the owner; the camera has no motors, or no room for another place.
    pub async fn ptz_save_preset(
        &self,
        camera: CameraId,
        name: String,
        token: Option<String>,
    ) -> Result<PresetView> {
        let name = crate::handle::session::checked_name(&name)?;
        let control = self.control(camera).await?;
        let ptz = control.ptz().await?;
        let picture = control.picture().await?.filter(|jpeg| jpeg.len() <= PICTURE_MAX_BYTES);
        let note = change("preset_saved")
            .fact("token", token.clone())
            .fact("picture", picture.is_some())
            .personal("name", name.clone());
        let token = control.change(note, ptz.set_preset(&name, token.as_deref())).await?;
        let keys = control.person.owner_keys()?;
        let sealed = picture.as_ref().map(|jpeg| seal_to(&[keys.recipient()], jpeg)).transpose()?;
        let kept = token.clone();
        self.inner
            .db
            .write(move |tables| {
                match sealed {
                    Some(sealed) => tables.put_preset_picture(camera, &kept, &sealed)?,
                    None => tables.delete_preset_picture(camera, &kept)?,
                }
                Ok(())
            })
            .await?;
        Ok(PresetView { token, name, picture: picture.map(|jpeg| STANDARD.encode(jpeg)) })
    }

    /// Turns a camera to a place that it remembers.
    ///
    /// # Errors
    /// Only the owner, and whoever was given the right; the camera has no motors or no such place.
    pub async fn ptz_go_to_preset(&self, camera: CameraId, token: String) -> Result<()> {
        let control = self.control_with(camera, Right::Ptz).await?;
        let ptz = control.ptz().await?;
        let note = change("ptz_preset").fact("token", token.clone());
        control.change(note, ptz.go_to_preset(&token)).await
    }

    /// Lets a camera forget a place.
    ///
    /// # Errors
    /// Only the owner; the camera has no motors or no such place.
    pub async fn ptz_remove_preset(&self, camera: CameraId, token: String) -> Result<()> {
        let control = self.control(camera).await?;
        let ptz = control.ptz().await?;
        let note = change("preset_removed").fact("token", token.clone());
        control.change(note, ptz.remove_preset(&token)).await?;
        self.inner.db.write(move |tables| Ok(tables.delete_preset_picture(camera, &token)?)).await
    }

    /// Turns a camera to its home position.
    ///
    /// # Errors
    /// Only the owner, and whoever was given the right; the camera has no motors or no home position.
    pub async fn ptz_go_home(&self, camera: CameraId) -> Result<()> {
        let (control, ptz) = self.with_home(self.control_with(camera, Right::Ptz).await?).await?;
        control.change(change("ptz_home"), ptz.go_home()).await
    }

    /// Makes where a camera looks now its home position.
    ///
    /// # Errors
    /// Only the owner; the camera has no motors, or its home position is fixed.
    pub async fn ptz_set_home(&self, camera: CameraId) -> Result<()> {
        let (control, ptz) = self.with_home(self.control(camera).await?).await?;
        control.change(change("home_saved"), ptz.set_home()).await
    }

    /// The camera whose turning is to stop: whoever may not turn it stops nothing.
    fn turned(&self, camera: CameraId) -> Result<Arc<CameraTask>> {
        let person = self.inner.signed_in()?;
        let task = lock(&self.inner.cameras).get(&camera).cloned();
        task.filter(|_| self.inner.may(&person, camera, Right::Ptz))
            .ok_or_else(|| Error::not_found("this camera"))
    }

    async fn with_home(&self, control: Control) -> Result<(Control, Ptz)> {
        let ptz = control.ptz().await?;
        if ptz.abilities().has_home {
            Ok((control, ptz))
        } else {
            Err(Error::from(control.live.lacks("a home position")))
        }
    }

    /// The picture of now, as base64 JPEG. It is in the log before it is shown.
    ///
    /// # Errors
    /// Only the owner; the camera gives no still pictures.
    pub async fn still_picture(&self, camera: CameraId) -> Result<String> {
        let control = self.control(camera).await?;
        let note = crate::logbook::Note::new(hausrecht_ledger::Kind::Previewed).fact("live", true);
        control.announce(note).await?;
        let picture = control.picture().await?;
        self.inner.still(&control.person)?;
        let picture = picture.ok_or_else(|| Error::from(control.live.lacks("still pictures")))?;
        Ok(STANDARD.encode(picture))
    }
}

impl Inner {
    /// Stops every camera that is being turned.
    pub(crate) fn stop_moves(&self) {
        let tasks: Vec<_> = lock(&self.cameras).values().cloned().collect();
        for task in tasks {
            task.mover.stop();
        }
    }
}
