//! Several cameras played in step.

use hausrecht_model::{CameraId, UnixMicros};

use super::Handle;
use crate::{
    Result,
    inner::lock,
    wire::{Error, TOGETHER_MAX, TOGETHER_MIN, TogetherOrder, TogetherState},
};

impl Handle {
    /// Plays two to nine cameras in step from a moment on. Each clip that is opened for it is entered before, as always; how it
    /// goes on comes as an event.
    ///
    /// # Errors
    /// Nobody is signed in; too few or too many cameras, one twice, or one that is not theirs to see.
    pub async fn open_together(&self, cameras: Vec<CameraId>, at_us: UnixMicros) -> Result<TogetherState> {
        let person = self.inner.signed_in()?;
        if !(TOGETHER_MIN..=TOGETHER_MAX).contains(&cameras.len()) {
            return Err(Error::invalid(format!(
                "{TOGETHER_MIN} to {TOGETHER_MAX} cameras are played together, not {}",
                cameras.len()
            )));
        }
        if cameras.iter().enumerate().any(|(index, camera)| cameras[..index].contains(camera)) {
            return Err(Error::invalid("a camera is named twice"));
        }
        self.touch();
        self.begin_together(person, cameras, at_us).await
    }

    /// Tells all of them what to do.
    ///
    /// # Errors
    /// No cameras are played together; a value out of range.
    pub fn together(&self, order: TogetherOrder) -> Result<()> {
        let person = self.inner.signed_in()?;
        self.touch();
        let together = lock(&self.inner.together).clone();
        let together = together.filter(|together| together.opened_by == person.number);
        together.ok_or_else(|| Error::not_found("cameras that are played together"))?.order(order)
    }

    /// Closes all of them.
    pub fn close_together(&self) {
        let together = lock(&self.inner.together).take();
        if let Some(together) = together {
            together.close();
        }
    }
}
