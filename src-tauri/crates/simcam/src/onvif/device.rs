//! Device management. ONVIF Core Specification, 8.

use super::{Caller, Fault};
use crate::{
    camera::{Camera, MANUFACTURER, MODEL},
    soap::{Element, escape},
};

/// The body of the answer to `operation`.
pub(super) fn answer(camera: &Camera, operation: &Element, caller: &Caller) -> Result<String, Fault> {
    match operation.name.as_str() {
        "GetSystemDateAndTime" => date_and_time(camera),
        "GetDeviceInformation" => Ok(format!(
            "<tds:GetDeviceInformationResponse><tds:Manufacturer>{MANUFACTURER}</tds:Manufacturer><tds:Model>{MODEL}</tds:Model>\
             <tds:FirmwareVersion>{}</tds:FirmwareVersion><tds:SerialNumber>{}</tds:SerialNumber><tds:HardwareId>simcam</tds:HardwareId>\
             </tds:GetDeviceInformationResponse>",
            env!("CARGO_PKG_VERSION"),
            camera.uuid.simple(),
        )),
        "GetServices" => Ok(services(caller)),
        "GetCapabilities" => Ok(capabilities(caller)),
        "GetScopes" => Ok(format!("<tds:GetScopesResponse>{}</tds:GetScopesResponse>", scope_items(camera))),
        "GetHostname" => Ok(format!(
            "<tds:GetHostnameResponse><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP><tt:Name>demo-{}</tt:Name>\
             </tds:HostnameInformation></tds:GetHostnameResponse>",
            &camera.uuid.simple().to_string()[..8]
        )),
        "GetNetworkInterfaces" => Ok(interfaces(camera)),
        "GetUsers" => Ok(format!(
            "<tds:GetUsersResponse><tds:User><tt:Username>{}</tt:Username><tt:UserLevel>Administrator</tt:UserLevel></tds:User>\
             </tds:GetUsersResponse>",
            escape(&camera.user)
        )),
        "GetEndpointReference" => Ok(format!(
            "<tds:GetEndpointReferenceResponse><tds:GUID>urn:uuid:{}</tds:GUID></tds:GetEndpointReferenceResponse>",
            camera.uuid
        )),
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}

/// The scopes that discovery and `GetScopes` give.
pub(crate) fn scopes(camera: &Camera) -> Vec<String> {
    vec![
        "onvif://www.onvif.org/Profile/Streaming".to_owned(),
        "onvif://www.onvif.org/Profile/T".to_owned(),
        "onvif://www.onvif.org/type/video_encoder".to_owned(),
        format!("onvif://www.onvif.org/name/{}", percent_encode(&camera.name)),
        format!("onvif://www.onvif.org/hardware/{}", percent_encode(MODEL)),
        format!("onvif://www.onvif.org/manufacturer/{}", percent_encode(MANUFACTURER)),
        "onvif://www.onvif.org/location/demo".to_owned(),
    ]
}

fn scope_items(camera: &Camera) -> String {
    let item = |scope: &String| {
        format!(
            "<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>{scope}</tt:ScopeItem></tds:Scopes>"
        )
    };
    scopes(camera).iter().map(item).collect()
}

/// `text` as a segment of a URI; scopes are separated by spaces and must hold none. RFC 3986, 2.3.
fn percent_encode(text: &str) -> String {
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
    let now = jiff::Timestamp::from_microsecond(camera.loop_clock.camera_time().0)
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
    Ok(format!(
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>\
         <tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone>\
         <tt:UTCDateTime>{fields}</tt:UTCDateTime><tt:LocalDateTime>{fields}</tt:LocalDateTime>\
         </tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    ))
}

fn services(caller: &Caller) -> String {
    let service = |namespace: &str, path: &str, major: u8, minor: u8| {
        format!(
            "<tds:Service><tds:Namespace>{namespace}</tds:Namespace><tds:XAddr>{}</tds:XAddr>\
             <tds:Version><tt:Major>{major}</tt:Major><tt:Minor>{minor:02}</tt:Minor></tds:Version></tds:Service>",
            escape(&caller.http(path))
        )
    };
    format!(
        "<tds:GetServicesResponse>{}{}{}{}</tds:GetServicesResponse>",
        service("http://www.onvif.org/ver10/device/wsdl", "/onvif/device_service", 21, 12),
        service("http://www.onvif.org/ver10/media/wsdl", "/onvif/media_service", 21, 12),
        service("http://www.onvif.org/ver20/media/wsdl", "/onvif/media2_service", 21, 12),
        service("http://www.onvif.org/ver10/events/wsdl", "/onvif/event_service", 21, 12),
    )
}

fn capabilities(caller: &Caller) -> String {
    format!(
        "<tds:GetCapabilitiesResponse><tds:Capabilities>\
         <tt:Device><tt:XAddr>{}</tt:XAddr></tt:Device>\
         <tt:Events><tt:XAddr>{}</tt:XAddr><tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport>\
         <tt:WSPullPointSupport>true</tt:WSPullPointSupport>\
         <tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport></tt:Events>\
         <tt:Media><tt:XAddr>{}</tt:XAddr><tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast>\
         <tt:RTP_TCP>true</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>\
         </tds:Capabilities></tds:GetCapabilitiesResponse>",
        escape(&caller.http("/onvif/device_service")),
        escape(&caller.http("/onvif/event_service")),
        escape(&caller.http("/onvif/media_service")),
    )
}

/// One interface; its hardware address is made from the identity, locally administered as IEEE 802 asks of such.
fn interfaces(camera: &Camera) -> String {
    let id = camera.uuid.as_bytes();
    let hardware = format!("02:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", id[0], id[1], id[2], id[3], id[4]);
    let address = if camera.address.is_unspecified() {
        if_addrs::get_if_addrs()
            .unwrap_or_default()
            .into_iter()
            .find(|interface| !interface.is_loopback() && interface.ip().is_ipv4())
            .map_or(camera.address, |interface| interface.ip())
    } else {
        camera.address
    };
    let (family, prefix) = if address.is_ipv4() { ("IPv4", 24) } else { ("IPv6", 64) };
    format!(
        "<tds:GetNetworkInterfacesResponse><tds:NetworkInterfaces token=\"eth0\"><tt:Enabled>true</tt:Enabled>\
         <tt:Info><tt:Name>eth0</tt:Name><tt:HwAddress>{hardware}</tt:HwAddress><tt:MTU>1500</tt:MTU></tt:Info>\
         <tt:{family}><tt:Enabled>true</tt:Enabled><tt:Config><tt:Manual><tt:Address>{address}</tt:Address>\
         <tt:PrefixLength>{prefix}</tt:PrefixLength></tt:Manual><tt:DHCP>false</tt:DHCP></tt:Config></tt:{family}>\
         </tds:NetworkInterfaces></tds:GetNetworkInterfacesResponse>"
    )
}
