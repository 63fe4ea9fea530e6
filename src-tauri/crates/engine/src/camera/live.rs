//! A conversation with a camera while it lasts, and what was learned in it.

use hausrecht_onvif::{
    Camera, Error, Profile,
    camera::{Features, Ptz},
    main_and_sub,
};
use hausrecht_store::CameraRow;
use tokio::sync::OnceCell;

/// A conversation with a camera. What it says about itself is asked once and remembered for as long as it lasts.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) camera: Camera,
    profiles: OnceCell<Vec<Profile>>,
    features: OnceCell<Features>,
    ptz: OnceCell<Option<Ptz>>,
}

impl Live {
    pub(crate) fn new(camera: Camera) -> Self {
        Self { camera, profiles: OnceCell::new(), features: OnceCell::new(), ptz: OnceCell::new() }
    }

    pub(crate) async fn profiles(&self) -> Result<&[Profile], Error> {
        self.profiles.get_or_try_init(|| self.camera.profiles()).await.map(Vec::as_slice)
    }

    pub(crate) async fn features(&self) -> Result<Features, Error> {
        self.features.get_or_try_init(|| self.camera.features()).await.copied()
    }

    /// The streams in use: those that the owner chose, as far as they are still there, else by their size.
    pub(crate) async fn streams(&self, row: &CameraRow) -> Result<(Profile, Option<Profile>), Error> {
        let profiles = self.profiles().await?;
        let of = |token: &Option<String>| {
            token.as_ref().and_then(|token| profiles.iter().find(|profile| profile.token == *token)).cloned()
        };
        if let Some(main) = of(&row.main_token) {
            return Ok((main, of(&row.sub_token)));
        }
        main_and_sub(profiles).ok_or_else(|| self.lacks("any stream"))
    }

    /// The stream that is recorded.
    pub(crate) async fn main(&self, row: &CameraRow) -> Result<Profile, Error> {
        self.streams(row).await.map(|(main, _)| main)
    }

    /// The motors; [`Error::NotOffered`] without any.
    pub(crate) async fn ptz(&self, row: &CameraRow) -> Result<Ptz, Error> {
        let found = self.ptz.get_or_try_init(async || {
            let main = self.main(row).await?;
            // Motors may hang on one of the profiles only.
            let with = self.profiles().await?.iter().find(|profile| profile.ptz.is_some());
            let profile = if main.ptz.is_some() { &main } else { with.unwrap_or(&main) };
            match self.camera.ptz(profile).await {
                Ok(ptz) => Ok(Some(ptz)),
                Err(Error::NotOffered { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        });
        found.await?.clone().ok_or_else(|| self.lacks("motors that turn or zoom it"))
    }

    /// What to say where the camera does not have something.
    pub(crate) fn lacks(&self, what: &str) -> Error {
        let url = self.camera.address();
        Error::NotOffered { address: super::address_of(url.as_str()), what: what.to_owned() }
    }
}
