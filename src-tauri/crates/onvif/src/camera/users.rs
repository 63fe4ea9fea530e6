//! Who may sign in to the camera.

use secrecy::{ExposeSecret, SecretString};

use super::{
    Camera,
    read::{listed, text},
    services::Part,
};
use crate::{Credentials, Error, xml::escape};

/// What an account may do. ONVIF Core Specification, "User levels".
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum UserLevel {
    /// Everything.
    Administrator,
    /// Everything but users, network and reset; the least that suffices for turning the camera and changing its picture.
    Operator,
    /// Watching; the least that suffices for recording.
    User,
    /// What anybody may do without a password.
    Anonymous,
    /// A level of the maker's own.
    Extended,
}

impl UserLevel {
    fn name(self) -> &'static str {
        match self {
            Self::Administrator => "Administrator",
            Self::Operator => "Operator",
            Self::User => "User",
            Self::Anonymous => "Anonymous",
            Self::Extended => "Extended",
        }
    }

    fn from_name(name: &str) -> Self {
        let all = [Self::Administrator, Self::Operator, Self::User, Self::Anonymous];
        all.into_iter().find(|level| level.name().eq_ignore_ascii_case(name)).unwrap_or(Self::Extended)
    }
}

/// An account of the camera.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct User {
    /// The name to sign in with.
    pub name: String,
    /// What it may do.
    pub level: UserLevel,
}

impl Camera {
    /// Asks for the accounts. GetUsers; only administrators may.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn users(&self) -> Result<Vec<User>, Error> {
        let body = self.ask(Part::Device, "GetUsers", "").await?;
        let users = listed(&body, &["User", "Users"]).filter_map(|user| {
            let level = UserLevel::from_name(user.text_at(&["UserLevel"]).unwrap_or_default());
            Some(User { name: text(user, &["Username"])?, level })
        });
        Ok(users.collect())
    }

    /// Makes an account. The password travels inside the request: over HTTP anybody in the same network can read it,
    /// as with every program and every camera of this standard; see [`Camera::is_encrypted`].
    ///
    /// # Errors
    /// [`Error::Fault`] with the camera's own words for a name that exists or a password that is too weak or too long.
    pub async fn create_user(&self, user: &User, password: &SecretString) -> Result<(), Error> {
        self.ask(Part::Device, "CreateUsers", &written(user, Some(password))).await.map(drop)
    }

    /// Changes the level of an account, and its password if one is given.
    ///
    /// If this is the account in use and its password has changed, this session's next request would be refused, and
    /// further ones could lock the account: go on with what [`Camera::reconnect`] gives for the new password. To learn
    /// whether the camera really took it, do that before the old password is forgotten.
    ///
    /// # Errors
    /// As [`Camera::create_user`].
    pub async fn set_user(&self, user: &User, password: Option<&SecretString>) -> Result<(), Error> {
        self.ask(Part::Device, "SetUser", &written(user, password)).await.map(drop)
    }

    /// Deletes an account.
    ///
    /// # Errors
    /// [`Error::Fault`] for an account that the camera keeps, usually its first.
    pub async fn delete_user(&self, name: &str) -> Result<(), Error> {
        let content = format!("<Username>{}</Username>", escape(name));
        self.ask(Part::Device, "DeleteUsers", &content).await.map(drop)
    }

    /// Reaches the same camera anew with other credentials: after its password was changed, or an account was made.
    ///
    /// # Errors
    /// As [`Camera::connect`].
    pub async fn reconnect(&self, credentials: Credentials) -> Result<Self, Error> {
        let settings = self.0.session.settings.clone();
        Self::connect(std::slice::from_ref(self.address()), Some(credentials), settings).await
    }

    /// Whether requests to this camera travel encrypted (HTTPS).
    pub fn is_encrypted(&self) -> bool {
        self.address().scheme() == "https"
    }
}

fn written(user: &User, password: Option<&SecretString>) -> String {
    let password =
        password.map(|password| format!("<tt:Password>{}</tt:Password>", escape(password.expose_secret())));
    format!(
        "<User><tt:Username>{}</tt:Username>{}<tt:UserLevel>{}</tt:UserLevel></User>",
        escape(&user.name),
        password.unwrap_or_default(),
        user.level.name()
    )
}
