//! How a camera makes its picture: light and colour, encoding, texts, masks.

use hausrecht_model::{CameraId, StreamRole};
use hausrecht_onvif::{
    Profile,
    camera::{Encoder, ImagingSettings, Mask, Osd, OsdContent},
};

use super::{Control, change};
use crate::{
    Result,
    handle::Handle,
    wire::{EncoderView, Error, ImagingView, MaskView, OsdView},
};

impl Control {
    async fn main(&self) -> Result<Profile> {
        self.heard(self.live.main(&self.task.row()).await).await
    }

    /// A text or mask that names no picture goes onto the recorded one.
    async fn source_configuration(&self, named: String) -> Result<String> {
        if !named.is_empty() {
            return Ok(named);
        }
        let main = self.main().await?;
        main.source_configuration
            .ok_or_else(|| Error::from(self.live.lacks("a picture that texts and masks can be put onto")))
    }
}

impl Handle {
    /// How a camera's picture is set, and what it can be set to.
    ///
    /// # Errors
    /// Only the owner; the camera cannot do this.
    pub async fn imaging(&self, camera: CameraId) -> Result<ImagingView> {
        let control = self.control(camera).await?;
        let main = control.main().await?;
        let settings = control.heard(control.live.camera.imaging(&main).await).await?;
        let options = control.heard_or_empty(control.live.camera.imaging_options(&main).await).await?;
        Ok(ImagingView { settings, options })
    }

    /// Changes how a camera's picture is set. What is `None` stays as it is.
    ///
    /// # Errors
    /// Only the owner; the camera cannot do this, or does not accept a value.
    pub async fn set_imaging(&self, camera: CameraId, settings: ImagingSettings) -> Result<()> {
        let control = self.control(camera).await?;
        let main = control.main().await?;
        let values = serde_json::to_value(&settings)?;
        let mut note = change("imaging");
        // Numbers in the log are whole, so values travel as text.
        let set: Vec<_> =
            values.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()).collect();
        if !set.is_empty() {
            let text: Vec<_> = set.iter().map(|(name, value)| format!("{name} {value}")).collect();
            note = note.fact("to", text.join(", "));
        }
        control.change(note, control.live.camera.set_imaging(&main, &settings)).await
    }

    /// The camera's encoders, and which streams in use they make.
    ///
    /// # Errors
    /// Only the owner; the camera cannot do this.
    pub async fn encoders(&self, camera: CameraId) -> Result<Vec<EncoderView>> {
        let control = self.control(camera).await?;
        let live = &control.live;
        let (main, sub) = control.heard(live.streams(&control.task.row()).await).await?;
        let encoders = control.heard(live.camera.encoders().await).await?;
        let mut views = Vec::new();
        for encoder in encoders {
            let options = control.heard_or_empty(live.camera.encoder_options(&encoder).await).await?;
            let mut used_for = Vec::new();
            if main.encoder.as_ref() == Some(&encoder.token) {
                used_for.push(StreamRole::Main);
            }
            if sub.as_ref().is_some_and(|sub| sub.encoder.as_ref() == Some(&encoder.token)) {
                used_for.push(StreamRole::Sub);
            }
            views.push(EncoderView { encoder, options, used_for });
        }
        Ok(views)
    }

    /// Changes an encoder. A stream that it makes breaks off and is opened anew.
    ///
    /// # Errors
    /// Only the owner; the camera does not accept the values.
    pub async fn set_encoder(&self, camera: CameraId, encoder: Encoder) -> Result<()> {
        let control = self.control(camera).await?;
        let (main, sub) = control.heard(control.live.streams(&control.task.row()).await).await?;
        let is_main = main.encoder.as_ref() == Some(&encoder.token);
        let is_sub = sub.is_some_and(|sub| sub.encoder.as_ref() == Some(&encoder.token));
        if is_main && encoder.codec == Some(hausrecht_model::Codec::Mjpeg) {
            return Err(Error::invalid("the recorded stream must stay H.264 or H.265"));
        }
        let note = change("encoder")
            .fact("encoder", encoder.token.clone())
            .fact("codec", serde_json::to_value(encoder.codec)?)
            .fact("size", format!("{}x{}", encoder.width, encoder.height))
            .fact("fps", encoder.fps.to_string())
            .fact("bitrate_kbps", encoder.bitrate_kbps);
        control.change(note, control.live.camera.set_encoder(&encoder)).await?;
        control.task.ask_again(&control.live).await;
        if is_main || is_sub {
            // Some cameras stream another codec at another address.
            if let Err(error) = control.task.reread_streams(&self.inner).await {
                tracing::info!(%camera, "its streams are not known anew: {error}");
            }
            control.task.restart();
        }
        Ok(())
    }

    /// What a camera writes onto its picture.
    ///
    /// # Errors
    /// Only the owner; the camera cannot do this.
    pub async fn osds(&self, camera: CameraId) -> Result<OsdView> {
        let control = self.control(camera).await?;
        let main = control.main().await?;
        let options = control.heard(control.live.camera.osd_options(&main).await).await?;
        let osds = control.heard(control.live.camera.osds(&main).await).await?;
        Ok(OsdView { osds, options })
    }

    /// Changes what a camera writes onto its picture; with an empty token it is something new.
    ///
    /// # Errors
    /// Only the owner; the camera cannot do this, or has no room for more.
    pub async fn set_osd(&self, camera: CameraId, osd: Osd) -> Result<()> {
        let control = self.control(camera).await?;
        let source_configuration = control.source_configuration(osd.source_configuration.clone()).await?;
        let osd = Osd { source_configuration, ..osd };
        let mut note = change("osd").fact("token", osd.token.clone());
        if let OsdContent::Text(text) = &osd.content {
            note = note.personal("text", text.clone());
        }
        if osd.token.is_empty() {
            control.change(note, control.live.camera.create_osd(&osd)).await.map(drop)
        } else {
            control.change(note, control.live.camera.set_osd(&osd)).await
        }
    }

    /// Takes something off a camera's picture.
    ///
    /// # Errors
    /// Only the owner; the camera does not allow it.
    pub async fn delete_osd(&self, camera: CameraId, osd: Osd) -> Result<()> {
        let control = self.control(camera).await?;
        let note = change("osd_deleted").fact("token", osd.token.clone());
        control.change(note, control.live.camera.delete_osd(&osd)).await
    }

    /// Which parts of its picture a camera covers.
    ///
    /// # Errors
    /// Only the owner; the camera cannot do this.
    pub async fn masks(&self, camera: CameraId) -> Result<MaskView> {
        let control = self.control(camera).await?;
        let main = control.main().await?;
        let options = control.heard(control.live.camera.mask_options(&main).await).await?;
        let masks = control.heard(control.live.camera.masks(&main).await).await?;
        Ok(MaskView { masks, options })
    }

    /// Covers a part of the picture, in the camera itself; with an empty token it is a new mask. A camera that takes
    /// upright rectangles only gets the smallest one around the corners.
    ///
    /// # Errors
    /// Only the owner; the camera cannot do this, or has no room for more.
    pub async fn set_mask(&self, camera: CameraId, mask: Mask) -> Result<()> {
        if mask.corners.len() < 3 {
            return Err(Error::invalid("a mask has three corners at least"));
        }
        let control = self.control(camera).await?;
        let main = control.main().await?;
        let options = control.heard(control.live.camera.mask_options(&main).await).await?;
        let source_configuration = control.source_configuration(mask.source_configuration.clone()).await?;
        let mask = if options.is_rectangle_only { mask.as_rectangle() } else { mask };
        let mask = Mask { source_configuration, ..mask };
        let note = change("mask")
            .fact("token", mask.token.clone())
            .fact("kind", mask.kind.clone())
            .fact("corners", mask.corners.len())
            .fact("on", mask.is_on);
        if mask.token.is_empty() {
            control.change(note, control.live.camera.create_mask(&mask)).await.map(drop)
        } else {
            control.change(note, control.live.camera.set_mask(&mask)).await
        }
    }

    /// Uncovers what a mask covered.
    ///
    /// # Errors
    /// Only the owner; the camera does not allow it.
    pub async fn delete_mask(&self, camera: CameraId, mask: Mask) -> Result<()> {
        let control = self.control(camera).await?;
        let note = change("mask_deleted").fact("token", mask.token.clone());
        control.change(note, control.live.camera.delete_mask(&mask)).await
    }
}
