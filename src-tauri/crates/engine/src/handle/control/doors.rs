//! Relays: a door opener, a lamp.

use hausrecht_model::CameraId;
use hausrecht_onvif::camera::RelayMode;

use super::change;
use crate::{
    Result,
    handle::Handle,
    wire::{Error, RelayView},
};

impl Handle {
    /// The relays of a camera.
    ///
    /// # Errors
    /// Only the owner; the camera has none.
    pub async fn relays(&self, camera: CameraId) -> Result<Vec<RelayView>> {
        let control = self.control(camera).await?;
        let relays = control.heard(control.live.camera.relays().await).await?;
        let views = relays.into_iter().map(|relay| RelayView {
            momentary: relay.mode == Some(RelayMode::Monostable),
            is_idle_open: relay.is_idle_open,
            token: relay.token,
        });
        Ok(views.collect())
    }

    /// Switches a relay on, or lets it rest. One that is momentary rests by itself after a while.
    ///
    /// # Errors
    /// Only the owner; the camera has no such relay.
    pub async fn operate_relay(&self, camera: CameraId, token: String, on: bool) -> Result<()> {
        let control = self.control(camera).await?;
        let relays = control.heard(control.live.camera.relays().await).await?;
        if relays.is_empty() {
            return Err(Error::from(control.live.lacks("relays")));
        }
        let relay = relays
            .into_iter()
            .find(|relay| relay.token == token)
            .ok_or_else(|| Error::not_found("this relay of the camera"))?;
        let note = change("relay").fact("token", token).fact("on", on);
        control.change(note, control.live.camera.set_relay(&relay, on)).await
    }
}
