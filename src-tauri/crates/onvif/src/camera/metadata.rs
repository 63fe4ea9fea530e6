//! The metadata stream: what the camera's analytics sees, beside the picture. Its content is not read here.

use url::Url;

use super::{
    Camera, MediaService, Profile,
    read::{flag, listed, text, token},
};
use crate::{
    Error,
    xml::{Element, escape},
};

/// What a metadata stream carries.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct Metadata {
    /// The configuration, [`Profile::metadata`].
    pub token: String,
    /// The camera's name of it.
    pub name: String,
    /// Whether it carries what the analytics sees; `None` if not said.
    pub has_analytics: Option<bool>,
    /// Whether it carries events.
    pub has_events: bool,
    /// Whether it carries the direction that the camera looks to.
    pub has_ptz: bool,
    /// The service that listed it.
    pub service: MediaService,
}

/// The order in which the parts of a metadata configuration are wanted.
const ORDER: [&str; 9] = [
    "Name",
    "UseCount",
    "PTZStatus",
    "Events",
    "Analytics",
    "Multicast",
    "SessionTimeout",
    "AnalyticsEngineConfiguration",
    "Extension",
];

impl Camera {
    /// Asks for the metadata configurations.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn metadata(&self) -> Result<Vec<Metadata>, Error> {
        let is_there = |body: &Element| listed(body, &["Configurations", "Configuration"]).next().is_some();
        let (service, body) = self.ask_media(["GetMetadataConfigurations"; 2], [""; 2], is_there).await?;
        Ok(listed(&body, &["Configurations", "Configuration"])
            .filter_map(|element| read_metadata(element, service))
            .collect())
    }

    /// Switches what the analytics sees, and events, into the metadata stream or out of it.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn set_metadata(&self, wanted: &Metadata) -> Result<(), Error> {
        let part = wanted.service.part();
        let body = self.ask(part, "GetMetadataConfigurations", "").await?;
        let mut known = listed(&body, &["Configurations", "Configuration"]);
        let known = known.find(|known| token(known).as_deref() == Some(&wanted.token));
        let mut element = known.cloned().ok_or_else(|| self.lacks("this metadata stream any more"))?;
        if let Some(has_analytics) = wanted.has_analytics {
            element.put(&ORDER, "Analytics", has_analytics);
        }
        if wanted.has_events {
            element.child_or_new(&ORDER, "Events");
        } else {
            element.children.retain(|child| &*child.name != "Events");
        }
        let mut content = element.write_as("Configuration");
        if wanted.service == MediaService::Media {
            content.push_str("<ForcePersistence>true</ForcePersistence>");
        }
        self.ask(part, "SetMetadataConfiguration", &content).await.map(drop)
    }

    /// Asks where the metadata of `profile` is streamed: it is a further medium in the profile's own stream. A profile
    /// without metadata gets the camera's first configuration.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] if it has no metadata.
    pub async fn metadata_uri(&self, profile: &Profile) -> Result<Url, Error> {
        if profile.metadata.is_none() {
            let part = profile.service.part();
            let body = self.ask(part, "GetMetadataConfigurations", "").await?;
            let first = listed(&body, &["Configurations", "Configuration"]).find_map(token);
            let configuration = escape(&first.ok_or_else(|| self.lacks("metadata"))?);
            let token = escape(&profile.token);
            match profile.service {
                MediaService::Media2 => {
                    let content = format!(
                        "<ProfileToken>{token}</ProfileToken><Configuration><Type>Metadata</Type>\
                         <Token>{configuration}</Token></Configuration>"
                    );
                    self.ask(part, "AddConfiguration", &content).await?;
                }
                MediaService::Media => {
                    let content = format!(
                        "<ProfileToken>{token}</ProfileToken><ConfigurationToken>{configuration}</ConfigurationToken>"
                    );
                    self.ask(part, "AddMetadataConfiguration", &content).await?;
                }
            }
        }
        self.stream_uri(profile).await
    }
}

fn read_metadata(element: &Element, service: MediaService) -> Option<Metadata> {
    let token = token(element)?;
    let ptz = element.child("PTZStatus");
    Some(Metadata {
        name: text(element, &["Name"]).unwrap_or_else(|| token.clone()),
        token,
        has_analytics: flag(element, &["Analytics"]),
        has_events: element.child("Events").is_some(),
        has_ptz: ptz
            .is_some_and(|ptz| ["Status", "Position"].iter().any(|name| flag(ptz, &[name]).unwrap_or(false))),
        service,
    })
}
