//! Relays (a door opener, a lamp) and digital inputs (a bell push, a contact).

use std::time::Duration;

use super::{
    Camera,
    read::{duration, flag_attribute, iso_duration, listed, text, token},
    services::Part,
};
use crate::{
    Error,
    xml::{Element, escape},
};

/// Whether a relay stays as it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum RelayMode {
    /// It stays until it is set otherwise.
    Bistable,
    /// It falls back by itself after a while: right for a door opener.
    Monostable,
}

/// A relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The camera's id of it.
    pub token: String,
    /// Whether it stays as set; `None` if not said.
    pub mode: Option<RelayMode>,
    /// After how long a monostable relay falls back; `None` if not said.
    pub delay: Option<Duration>,
    /// Whether the contact is open while the relay rests; `None` if not said.
    pub is_idle_open: Option<bool>,
    /// Which service listed it; the settings are changed there.
    in_device_io: bool,
}

/// A digital input.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct DigitalInput {
    /// The camera's id of it, which its events name too.
    pub token: String,
    /// Whether the contact is open while nothing happens; `None` if not said.
    pub is_idle_open: Option<bool>,
}

impl Camera {
    /// Asks for the relays: by the device service, and by DeviceIO if that has none.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn relays(&self) -> Result<Vec<Relay>, Error> {
        let by_device = self.ask(Part::Device, "GetRelayOutputs", "").await;
        let has_io = self.has(Part::DeviceIo);
        match by_device {
            Ok(body) => {
                let relays = read_relays(&body, false);
                if !relays.is_empty() || !has_io {
                    return Ok(relays);
                }
            }
            Err(error) if error.needs_a_person() || !has_io => return Err(error),
            Err(_) => {}
        }
        // The DeviceIO service takes these two operations in the words of the device service.
        let body = self.ask_as(Part::DeviceIo, Part::Device, "GetRelayOutputs", "").await?;
        Ok(read_relays(&body, true))
    }

    /// Switches a relay on (`true`) or lets it rest. A monostable relay falls back by itself; on a bistable one the
    /// caller must let it rest again.
    ///
    /// # Errors
    /// What the camera answers instead. A request that is lost on the way may have been obeyed: it is not repeated.
    pub async fn set_relay(&self, relay: &Relay, is_on: bool) -> Result<(), Error> {
        let state = if is_on { "active" } else { "inactive" };
        let content = format!(
            "<RelayOutputToken>{}</RelayOutputToken><LogicalState>{state}</LogicalState>",
            escape(&relay.token)
        );
        let parts =
            if relay.in_device_io { [Part::DeviceIo, Part::Device] } else { [Part::Device, Part::DeviceIo] };
        match self.ask_as(parts[0], Part::Device, "SetRelayOutputState", &content).await {
            Err(Error::Fault { code, .. })
                if matches!(code.as_str(), "ActionNotSupported" | "OptionalActionNotImplemented")
                    && self.has(parts[1]) =>
            {
                self.ask_as(parts[1], Part::Device, "SetRelayOutputState", &content).await.map(drop)
            }
            result => result.map(drop),
        }
    }

    /// Changes how a relay behaves. What is `None` is sent as the camera's usual: bistable, one second, idle open.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn set_relay_settings(&self, relay: &Relay) -> Result<(), Error> {
        let mode = match relay.mode {
            Some(RelayMode::Monostable) => "Monostable",
            Some(RelayMode::Bistable) | None => "Bistable",
        };
        let idle = if relay.is_idle_open.unwrap_or(true) { "open" } else { "closed" };
        let delay = iso_duration(relay.delay.unwrap_or(Duration::from_secs(1)));
        let token = escape(&relay.token);
        let settings = format!(
            "<tt:Mode>{mode}</tt:Mode><tt:DelayTime>{delay}</tt:DelayTime><tt:IdleState>{idle}</tt:IdleState>"
        );
        if relay.in_device_io {
            let content = format!(
                "<RelayOutput token=\"{token}\"><tt:Properties>{settings}</tt:Properties></RelayOutput>"
            );
            return self.ask(Part::DeviceIo, "SetRelayOutputSettings", &content).await.map(drop);
        }
        let content =
            format!("<RelayOutputToken>{token}</RelayOutputToken><Properties>{settings}</Properties>");
        self.ask(Part::Device, "SetRelayOutputSettings", &content).await.map(drop)
    }

    /// Asks for the digital inputs. Their state comes with the events.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] without the DeviceIO service.
    pub async fn digital_inputs(&self) -> Result<Vec<DigitalInput>, Error> {
        let body = self.ask(Part::DeviceIo, "GetDigitalInputs", "").await?;
        let inputs = listed(&body, &["DigitalInputs", "DigitalInput"]).filter_map(|input| {
            let idle =
                input.attribute("IdleState").map(str::to_owned).or_else(|| text(input, &["IdleState"]));
            Some(DigitalInput { token: token(input)?, is_idle_open: idle.and_then(|idle| is_open(&idle)) })
        });
        Ok(inputs.collect())
    }
}

fn read_relays(body: &Element, in_device_io: bool) -> Vec<Relay> {
    let relays = listed(body, &["RelayOutputs", "RelayOutput"]).filter_map(|relay| {
        let properties = relay.child("Properties").unwrap_or(relay);
        let mode = match properties.text_at(&["Mode"]).map(str::to_ascii_lowercase).as_deref() {
            Some("monostable") => Some(RelayMode::Monostable),
            Some("bistable") => Some(RelayMode::Bistable),
            Some(_) | None => None,
        };
        Some(Relay {
            token: token(relay)?,
            mode,
            delay: properties.text_at(&["DelayTime"]).and_then(duration),
            is_idle_open: properties
                .text_at(&["IdleState"])
                .and_then(is_open)
                .or_else(|| flag_attribute(relay, "Open")),
            in_device_io,
        })
    });
    relays.collect()
}

fn is_open(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "open" => Some(true),
        "closed" | "close" => Some(false),
        _ => None,
    }
}
