//! The camera as a device: its clock, its name, restart and reset.

use hausrecht_model::UnixMicros;

use super::{
    Camera,
    read::{flag, text},
    services::Part,
};
use crate::{
    Error,
    soap::Operation,
    xml::{Element, escape},
};

/// What the name of a camera looks like among its scopes.
const NAME_SCOPE: &str = "onvif://www.onvif.org/name/";

/// How a camera keeps its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraClock {
    /// Whether the camera asks a time server; otherwise it was set by hand.
    pub is_by_ntp: bool,
    /// Whether it is daylight saving time.
    pub is_summer_time: bool,
    /// The POSIX time zone, `CET-1CEST,M3.5.0,M10.5.0/3`; `None` if not said.
    pub zone: Option<String>,
    /// What it believes the time to be; `None` if it does not say.
    pub utc: Option<UnixMicros>,
}

/// How far a reset goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// All settings but those of the network; the camera stays reachable at its address.
    Soft,
    /// Everything, as from the factory: it may come back at another address, without a password.
    Hard,
}

impl Camera {
    /// Asks how the camera keeps its time. GetSystemDateAndTime.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn clock(&self) -> Result<CameraClock, Error> {
        let body = self.ask(Part::Device, "GetSystemDateAndTime", "").await?;
        let time = body.child("SystemDateAndTime").unwrap_or(&body);
        Ok(CameraClock {
            is_by_ntp: time.text_at(&["DateTimeType"]).is_some_and(|kind| kind.eq_ignore_ascii_case("NTP")),
            is_summer_time: flag(time, &["DaylightSavings"]).unwrap_or(false),
            zone: text(time, &["TimeZone", "TZ"]),
            utc: time.child("UTCDateTime").and_then(read_time),
        })
    }

    /// Sets the camera's clock to the time of this computer; its time zone and summer time stay as they are. A camera
    /// that asks a time server is set by hand from then on.
    ///
    /// [`Camera::clock_offset`] still tells the offset from before: reach the camera anew to see the new one. Requests
    /// go on being signed right, because a camera that refuses one is asked for its time again.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn set_clock(&self) -> Result<(), Error> {
        let known = self.clock().await.ok();
        let zone = known.as_ref().and_then(|clock| clock.zone.as_deref());
        let zone = zone.map(|zone| format!("<TimeZone><tt:TZ>{}</tt:TZ></TimeZone>", escape(zone)));
        let now = self.0.session.settings.clock.now();
        let Ok(now) = jiff::Timestamp::from_microsecond(now.0) else {
            return Err(self.lacks("a clock that can be set to this computer's time"));
        };
        let now = now.to_zoned(jiff::tz::TimeZone::UTC);
        let content = format!(
            "<DateTimeType>Manual</DateTimeType><DaylightSavings>{}</DaylightSavings>{}<UTCDateTime><tt:Time>\
             <tt:Hour>{}</tt:Hour><tt:Minute>{}</tt:Minute><tt:Second>{}</tt:Second></tt:Time><tt:Date>\
             <tt:Year>{}</tt:Year><tt:Month>{}</tt:Month><tt:Day>{}</tt:Day></tt:Date></UTCDateTime>",
            known.as_ref().is_some_and(|clock| clock.is_summer_time),
            zone.unwrap_or_default(),
            now.hour(),
            now.minute(),
            now.second(),
            now.year(),
            now.month(),
            now.day()
        );
        self.ask(Part::Device, "SetSystemDateAndTime", &content).await.map(drop)
    }

    /// Lets the camera ask its time servers, as set with [`Camera::set_time_servers`].
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn set_clock_by_ntp(&self) -> Result<(), Error> {
        let known = self.clock().await.ok();
        let zone = known.as_ref().and_then(|clock| clock.zone.as_deref());
        let zone = zone.map(|zone| format!("<TimeZone><tt:TZ>{}</tt:TZ></TimeZone>", escape(zone)));
        let content = format!(
            "<DateTimeType>NTP</DateTimeType><DaylightSavings>{}</DaylightSavings>{}",
            known.as_ref().is_some_and(|clock| clock.is_summer_time),
            zone.unwrap_or_default()
        );
        self.ask(Part::Device, "SetSystemDateAndTime", &content).await.map(drop)
    }

    /// Gives the camera a name, as other programs see it when they search. All scopes that are not fixed and are no
    /// name stay.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn set_name(&self, name: &str) -> Result<(), Error> {
        let body = self.ask(Part::Device, "GetScopes", "").await?;
        let is_fixed = |scope: &Element| {
            scope.text_at(&["ScopeDef"]).is_some_and(|def| def.eq_ignore_ascii_case("Fixed"))
        };
        let changeable = body.children("Scopes").filter(|scope| !is_fixed(scope));
        let kept = changeable.filter_map(|scope| scope.text_at(&["ScopeItem"]));
        let mut content = String::new();
        for scope in kept.filter(|scope| !scope.starts_with(NAME_SCOPE)) {
            content.push_str(&format!("<Scopes>{}</Scopes>", escape(scope)));
        }
        let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        // A scope is a URI: there a blank is %20, not the plus of forms.
        content.push_str(&format!("<Scopes>{NAME_SCOPE}{}</Scopes>", encoded.replace('+', "%20")));
        self.ask(Part::Device, "SetScopes", &content).await.map(drop)
    }

    /// Restarts the camera; it is gone for half a minute to some minutes.
    ///
    /// # Errors
    /// What the camera answers instead. A camera that closes the connection because it restarts at once has obeyed.
    pub async fn reboot(&self) -> Result<(), Error> {
        self.obeyed("SystemReboot", "").await
    }

    /// Resets the camera's settings.
    ///
    /// # Errors
    /// As [`Camera::reboot`].
    pub async fn reset(&self, reset: Reset) -> Result<(), Error> {
        let kind = match reset {
            Reset::Soft => "Soft",
            Reset::Hard => "Hard",
        };
        self.obeyed("SetSystemFactoryDefault", &format!("<FactoryDefault>{kind}</FactoryDefault>")).await
    }

    async fn obeyed(&self, name: &'static str, content: &str) -> Result<(), Error> {
        let operation = Operation::new(Part::Device.namespace(), name, content);
        let service = self.0.services.get(Part::Device).ok_or_else(|| self.lacks(Part::Device.words()))?;
        match self.0.session.call(service, &operation).await {
            Ok(_) | Err(Error::ClosedEarly { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Reads `Date` and `Time` beneath `element`.
pub(super) fn read_time(element: &Element) -> Option<UnixMicros> {
    let number = |path: [&str; 2]| element.text_at(&path)?.parse::<i16>().ok();
    let small = |path| i8::try_from(number(path)?).ok();
    let civil = jiff::civil::DateTime::new(
        number(["Date", "Year"])?,
        small(["Date", "Month"])?,
        small(["Date", "Day"])?,
        small(["Time", "Hour"])?,
        small(["Time", "Minute"])?,
        small(["Time", "Second"])?.min(59),
        0,
    );
    let zoned = civil.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(UnixMicros(zoned.timestamp().as_microsecond()))
}
