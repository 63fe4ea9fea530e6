//! Device management. ONVIF Core Specification, 8.

use std::sync::Arc;

use super::{Caller, Fault, Service, network, required};
use crate::{
    accounts::{Account, Level},
    camera::{Camera, MANUFACTURER, MODEL},
    fault::Fault as Planned,
    feature::Feature,
    soap::{Element, escape},
};

/// How long a reboot waits, so that its answer goes out.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_millis(200);
/// How far ahead the clock is that a camera with a wrong one tells, in microseconds.
const WRONG_BY_US: i64 = 7_200_000_000;

/// The body of the answer to `operation`.
pub(super) fn answer(camera: &Arc<Camera>, operation: &Element, caller: &Caller) -> Result<String, Fault> {
    let done = |name: &str| Ok(format!("<tds:{name}Response/>"));
    match operation.name.as_str() {
        "GetSystemDateAndTime" => date_and_time(camera),
        "SetSystemDateAndTime" => {
            set_date_and_time(camera, operation)?;
            done("SetSystemDateAndTime")
        }
        "GetDeviceInformation" => Ok(format!(
            "<tds:GetDeviceInformationResponse><tds:Manufacturer>{MANUFACTURER}</tds:Manufacturer><tds:Model>{MODEL}</tds:Model>\
             <tds:FirmwareVersion>{}</tds:FirmwareVersion><tds:SerialNumber>{}</tds:SerialNumber><tds:HardwareId>simcam</tds:HardwareId>\
             </tds:GetDeviceInformationResponse>",
            env!("CARGO_PKG_VERSION"),
            camera.uuid.simple(),
        )),
        "GetServices" => Ok(services(camera, caller)),
        "GetServiceCapabilities" => Ok("<tds:GetServiceCapabilitiesResponse><tds:Capabilities>\
             <tds:Network NTP=\"4\" DynDNS=\"false\" IPFilter=\"false\" ZeroConfiguration=\"false\"/>\
             <tds:Security UsernameToken=\"true\" HttpDigest=\"true\" DefaultAccessPolicy=\"true\" MaxUsers=\"16\" \
             MaxUserNameLength=\"64\" MaxPasswordLength=\"64\"/>\
             <tds:System DiscoveryResolve=\"true\" DiscoveryBye=\"true\" RemoteDiscovery=\"false\" SystemBackup=\"false\" \
             SystemLogging=\"false\" FirmwareUpgrade=\"false\"/></tds:Capabilities></tds:GetServiceCapabilitiesResponse>"
            .to_owned()),
        "GetCapabilities" => Ok(capabilities(camera, caller)),
        "GetScopes" => Ok(format!("<tds:GetScopesResponse>{}</tds:GetScopesResponse>", scope_items(camera))),
        "SetScopes" => {
            set_scopes(camera, operation)?;
            done("SetScopes")
        }
        "GetDiscoveryMode" => Ok(format!(
            "<tds:GetDiscoveryModeResponse><tds:DiscoveryMode>{}</tds:DiscoveryMode></tds:GetDiscoveryModeResponse>",
            if camera.settings.lock().discoverable { "Discoverable" } else { "NonDiscoverable" }
        )),
        "SetDiscoveryMode" => {
            camera.settings.lock().discoverable = match required(operation, "DiscoveryMode")? {
                "Discoverable" => true,
                "NonDiscoverable" => false,
                other => return Err(Fault::InvalidArgument(format!("no discovery mode “{other}”"))),
            };
            done("SetDiscoveryMode")
        }
        "GetUsers" => Ok(users(camera)),
        "CreateUsers" => {
            let new: Result<Vec<_>, Fault> = named_users(operation).map(account).collect();
            camera.accounts.create(new?)?;
            done("CreateUsers")
        }
        "SetUser" => {
            for user in named_users(operation) {
                let level = required(user, "UserLevel")?.parse::<Level>()?;
                camera.accounts.set(required(user, "Username")?, user.text_of("Password"), level)?;
            }
            done("SetUser")
        }
        "DeleteUsers" => {
            camera.accounts.delete(&operation.texts("Username").collect::<Vec<_>>())?;
            done("DeleteUsers")
        }
        "GetEndpointReference" => Ok(format!(
            "<tds:GetEndpointReferenceResponse><tds:GUID>urn:uuid:{}</tds:GUID></tds:GetEndpointReferenceResponse>",
            camera.uuid
        )),
        "SystemReboot" => {
            let leaving = camera.clone();
            tokio::spawn(async move {
                tokio::time::sleep(LAST_WORDS).await;
                leaving.power.leave_for(leaving.reboot);
            });
            Ok("<tds:SystemRebootResponse><tds:Message>Rebooting</tds:Message></tds:SystemRebootResponse>".to_owned())
        }
        _ => network::answer(camera, operation),
    }
}

fn named_users(operation: &Element) -> impl Iterator<Item = &Element> {
    operation.children.iter().filter(|child| child.name == "User")
}

fn account(user: &Element) -> Result<Account, Fault> {
    Ok(Account {
        name: required(user, "Username")?.to_owned(),
        password: required(user, "Password")?.to_owned(),
        level: required(user, "UserLevel")?.parse()?,
    })
}

fn users(camera: &Camera) -> String {
    let item = |account: Account| {
        format!(
            "<tds:User><tt:Username>{}</tt:Username><tt:UserLevel>{}</tt:UserLevel></tds:User>",
            escape(&account.name),
            account.level
        )
    };
    let users: String = camera.accounts.all().into_iter().map(item).collect();
    format!("<tds:GetUsersResponse>{users}</tds:GetUsersResponse>")
}

/// The scopes that are as they are.
fn fixed_scopes(camera: &Camera) -> Vec<String> {
    let mut scopes = vec![
        "onvif://www.onvif.org/Profile/Streaming".to_owned(),
        "onvif://www.onvif.org/Profile/T".to_owned(),
        "onvif://www.onvif.org/type/video_encoder".to_owned(),
        format!("onvif://www.onvif.org/hardware/{}", percent_encode(MODEL)),
        format!("onvif://www.onvif.org/manufacturer/{}", percent_encode(MANUFACTURER)),
    ];
    if camera.can(Feature::Card) {
        scopes.push("onvif://www.onvif.org/Profile/G".to_owned());
    }
    if camera.can(Feature::Ptz) {
        scopes.push("onvif://www.onvif.org/type/ptz".to_owned());
    }
    scopes
}

/// The scopes that discovery and `GetScopes` give.
pub(crate) fn scopes(camera: &Camera) -> Vec<String> {
    let mut scopes = fixed_scopes(camera);
    scopes.extend(camera.settings.lock().scopes.iter().cloned());
    scopes
}

fn set_scopes(camera: &Camera, operation: &Element) -> Result<(), Fault> {
    let new: Vec<String> = operation.texts("Scopes").map(ToOwned::to_owned).collect();
    let fits =
        |scope: &String| scope.len() <= 256 && scope.contains("://") && !scope.contains(char::is_whitespace);
    if new.len() > 32 {
        return Err(Fault::Refused(&["ter:Action", "ter:TooManyScopes"], "32 scopes at most".to_owned()));
    }
    if let Some(wrong) = new.iter().find(|scope| !fits(scope)) {
        return Err(Fault::InvalidArgument(format!("“{wrong}” is no scope")));
    }
    if new.iter().any(|scope| fixed_scopes(camera).contains(scope)) {
        let reason = "a fixed scope cannot be set".to_owned();
        return Err(Fault::Refused(&["ter:OperationProhibited", "ter:ScopeOverwrite"], reason));
    }
    camera.settings.lock().scopes = new;
    Ok(())
}

fn scope_items(camera: &Camera) -> String {
    let item = |kind: &str, scope: &String| {
        format!(
            "<tds:Scopes><tt:ScopeDef>{kind}</tt:ScopeDef><tt:ScopeItem>{}</tt:ScopeItem></tds:Scopes>",
            escape(scope)
        )
    };
    let mut items: String = fixed_scopes(camera).iter().map(|scope| item("Fixed", scope)).collect();
    items.extend(camera.settings.lock().scopes.iter().map(|scope| item("Configurable", scope)));
    items
}

/// `text` as a segment of a URI; scopes are separated by spaces and must hold none. RFC 3986, 2.3.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

fn date_and_time(camera: &Camera) -> Result<String, Fault> {
    let wrong_by_us = if camera.fails(&Planned::WrongClock) { WRONG_BY_US } else { 0 };
    let now =
        jiff::Timestamp::from_microsecond(camera.loop_clock.camera_time().0.saturating_add(wrong_by_us))
            .map_err(|_| Fault::InvalidArgument("the camera's clock is out of range".to_owned()))?
            .to_zoned(jiff::tz::TimeZone::UTC);
    let fields = format!(
        "<tt:Time><tt:Hour>{}</tt:Hour><tt:Minute>{}</tt:Minute><tt:Second>{}</tt:Second></tt:Time>\
         <tt:Date><tt:Year>{}</tt:Year><tt:Month>{}</tt:Month><tt:Day>{}</tt:Day></tt:Date>",
        now.hour(),
        now.minute(),
        now.second(),
        now.year(),
        now.month(),
        now.day()
    );
    let utc = if camera.fails(&Planned::NoUtc) {
        String::new()
    } else {
        format!("<tt:UTCDateTime>{fields}</tt:UTCDateTime>")
    };
    let settings = camera.settings.lock();
    Ok(format!(
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>{}</tt:DateTimeType>\
         <tt:DaylightSavings>{}</tt:DaylightSavings><tt:TimeZone><tt:TZ>{}</tt:TZ></tt:TimeZone>\
         {utc}<tt:LocalDateTime>{fields}</tt:LocalDateTime>\
         </tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>",
        if settings.time_by_ntp { "NTP" } else { "Manual" },
        settings.daylight_saving,
        escape(&settings.time_zone),
    ))
}

/// Sets the clock by hand to UTC, or lets it follow NTP: the computer's own clock. Local time is always given as UTC; the zone is
/// kept and given back.
fn set_date_and_time(camera: &Camera, operation: &Element) -> Result<(), Fault> {
    let by_ntp = match required(operation, "DateTimeType")? {
        "NTP" => true,
        "Manual" => false,
        other => return Err(Fault::InvalidArgument(format!("no such way to have the time: “{other}”"))),
    };
    let new = operation.find("UTCDateTime").map(utc).transpose()?;
    {
        let mut settings = camera.settings.lock();
        settings.time_by_ntp = by_ntp;
        settings.daylight_saving =
            operation.text_of("DaylightSavings").is_some_and(|text| matches!(text, "true" | "1"));
        if let Some(zone) = operation.text_of("TZ") {
            zone.clone_into(&mut settings.time_zone);
        }
    }
    match new {
        _ if by_ntp => camera.loop_clock.set_right(),
        Some(new) => camera.loop_clock.set_camera_time(new),
        None => {
            let reason = "UTCDateTime is missing".to_owned();
            return Err(Fault::Refused(&["ter:InvalidArgVal", "ter:InvalidDateTime"], reason));
        }
    }
    Ok(())
}

fn utc(element: &Element) -> Result<hausrecht_model::UnixMicros, Fault> {
    let invalid =
        || Fault::Refused(&["ter:InvalidArgVal", "ter:InvalidDateTime"], "no such date and time".to_owned());
    let field =
        |name: &str| element.text_of(name).and_then(|text| text.parse::<i8>().ok()).ok_or_else(invalid);
    let year = element.text_of("Year").and_then(|text| text.parse::<i16>().ok()).ok_or_else(invalid)?;
    let date = jiff::civil::DateTime::new(
        year,
        field("Month")?,
        field("Day")?,
        field("Hour")?,
        field("Minute")?,
        field("Second")?,
        0,
    );
    let zoned = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC)).map_err(|_| invalid())?;
    Ok(hausrecht_model::UnixMicros(zoned.timestamp().as_microsecond()))
}

fn services(camera: &Camera, caller: &Caller) -> String {
    let item = |service: &Service| {
        format!(
            "<tds:Service><tds:Namespace>{}</tds:Namespace><tds:XAddr>{}</tds:XAddr>\
             <tds:Version><tt:Major>21</tt:Major><tt:Minor>12</tt:Minor></tds:Version></tds:Service>",
            service.namespace(),
            escape(&caller.service(*service))
        )
    };
    let items: String =
        Service::OFFERED.iter().filter(|service| service.is_part_of(camera)).map(item).collect();
    format!("<tds:GetServicesResponse>{items}</tds:GetServicesResponse>")
}

fn capabilities(camera: &Camera, caller: &Caller) -> String {
    let address =
        |service: Service| format!("<tt:XAddr>{}</tt:XAddr>", escape(&caller.service(service)).into_owned());
    let plain = |tag: &str, service: Service| {
        let content = address(service);
        if service.is_part_of(camera) { format!("<tt:{tag}>{content}</tt:{tag}>") } else { String::new() }
    };
    let (inputs, relays) = {
        let settings = camera.settings.lock();
        (u8::from(settings.input.is_some()), settings.relays.len())
    };
    let mut extension = String::new();
    if Service::DeviceIo.is_part_of(camera) {
        extension += &format!(
            "<tt:DeviceIO>{}<tt:VideoSources>1</tt:VideoSources><tt:VideoOutputs>0</tt:VideoOutputs>\
             <tt:AudioSources>{}</tt:AudioSources><tt:AudioOutputs>{}</tt:AudioOutputs>\
             <tt:RelayOutputs>{relays}</tt:RelayOutputs></tt:DeviceIO>",
            address(Service::DeviceIo),
            u8::from(camera.sound),
            u8::from(camera.can(Feature::Talk)),
        );
    }
    if camera.can(Feature::Card) {
        extension += &format!(
            "<tt:Recording>{}<tt:ReceiverSource>false</tt:ReceiverSource><tt:MediaProfileSource>true</tt:MediaProfileSource>\
             <tt:DynamicRecordings>false</tt:DynamicRecordings><tt:DynamicTracks>false</tt:DynamicTracks>\
             <tt:MaxStringLength>64</tt:MaxStringLength></tt:Recording>\
             <tt:Search>{}<tt:MetadataSearch>false</tt:MetadataSearch></tt:Search><tt:Replay>{}</tt:Replay>",
            address(Service::Recording),
            address(Service::Search),
            address(Service::Replay),
        );
    }
    if !extension.is_empty() {
        extension = format!("<tt:Extension>{extension}</tt:Extension>");
    }
    format!(
        "<tds:GetCapabilitiesResponse><tds:Capabilities>\
         <tt:Device>{}<tt:IO><tt:InputConnectors>{inputs}</tt:InputConnectors><tt:RelayOutputs>{relays}</tt:RelayOutputs></tt:IO></tt:Device>\
         <tt:Events>{}<tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport>\
         <tt:WSPullPointSupport>true</tt:WSPullPointSupport>\
         <tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport></tt:Events>{}\
         <tt:Media>{}<tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast>\
         <tt:RTP_TCP>true</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>{}{extension}\
         </tds:Capabilities></tds:GetCapabilitiesResponse>",
        address(Service::Device),
        address(Service::Events),
        plain("Imaging", Service::Imaging),
        address(Service::Media),
        plain("PTZ", Service::Ptz),
    )
}
