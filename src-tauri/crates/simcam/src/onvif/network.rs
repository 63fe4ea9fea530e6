//! Names, addresses and NTP, and relays and inputs. ONVIF Core Specification, 8.2 and 8.6; Device IO Service Specification.

use std::{net::IpAddr, sync::Arc, time::Duration};

use super::{Fault, missing, required};
use crate::{
    camera::Camera,
    settings::Relay,
    soap::{Element, escape},
};

/// The body of the answer to `operation`, which came to the device service.
pub(super) fn answer(camera: &Arc<Camera>, operation: &Element) -> Result<String, Fault> {
    let done = |name: &str| Ok(format!("<tds:{name}Response/>"));
    match operation.name.as_str() {
        "GetHostname" => Ok(format!(
            "<tds:GetHostnameResponse><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP><tt:Name>{}</tt:Name>\
             </tds:HostnameInformation></tds:GetHostnameResponse>",
            escape(&camera.settings.lock().hostname)
        )),
        "SetHostname" => {
            let name = required(operation, "Name")?;
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
            if name.is_empty() || name.len() > 63 || !name.bytes().all(fits) {
                let reason = format!("“{name}” is no host name");
                return Err(Fault::Refused(&["ter:InvalidArgVal", "ter:InvalidHostname"], reason));
            }
            name.clone_into(&mut camera.settings.lock().hostname);
            done("SetHostname")
        }
        "GetNetworkInterfaces" => Ok(interfaces(camera)),
        "GetNetworkProtocols" => Ok(protocols(camera)),
        "GetDNS" => Ok("<tds:GetDNSResponse><tds:DNSInformation><tt:FromDHCP>false</tt:FromDHCP></tds:DNSInformation>\
             </tds:GetDNSResponse>"
            .to_owned()),
        "GetNetworkDefaultGateway" => Ok(
            "<tds:GetNetworkDefaultGatewayResponse><tds:NetworkGateway/></tds:GetNetworkDefaultGatewayResponse>".to_owned(),
        ),
        "GetNTP" => Ok(ntp(camera)),
        "SetNTP" => {
            camera.settings.lock().ntp = named_hosts(operation)?;
            done("SetNTP")
        }
        "GetRelayOutputs" => Ok(relays(camera)),
        "SetRelayOutputSettings" => {
            set_relay(camera, operation, required(operation, "RelayOutputToken")?)?;
            done("SetRelayOutputSettings")
        }
        "SetRelayOutputState" => {
            let number = relay_number(camera, required(operation, "RelayOutputToken")?)?;
            let active = match required(operation, "LogicalState")? {
                "active" => true,
                "inactive" => false,
                other => return Err(Fault::InvalidArgument(format!("no state “{other}”"))),
            };
            camera.set_relay(number, active);
            done("SetRelayOutputState")
        }
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}

/// The body of the answer to `operation`, which came to the device I/O service.
pub(super) fn device_io(camera: &Arc<Camera>, operation: &Element) -> Result<String, Fault> {
    let (inputs, relays) = {
        let settings = camera.settings.lock();
        (u8::from(settings.input.is_some()), settings.relays.len())
    };
    match operation.name.as_str() {
        "GetServiceCapabilities" => Ok(format!(
            "<tmd:GetServiceCapabilitiesResponse><tmd:Capabilities VideoSources=\"1\" VideoOutputs=\"0\" AudioSources=\"{}\" \
             AudioOutputs=\"0\" RelayOutputs=\"{relays}\" SerialPorts=\"0\" DigitalInputs=\"{inputs}\" DigitalInputOptions=\"false\"/>\
             </tmd:GetServiceCapabilitiesResponse>",
            u8::from(camera.sound)
        )),
        "GetDigitalInputs" => {
            let input =
                if inputs == 0 { "" } else { "<tmd:DigitalInputs token=\"input\" IdleState=\"open\"/>" };
            Ok(format!("<tmd:GetDigitalInputsResponse>{input}</tmd:GetDigitalInputsResponse>"))
        }
        "GetRelayOutputOptions" => {
            let option = |relay: &Relay| {
                format!(
                    "<tmd:RelayOutputOptions token=\"{}\"><tmd:Mode>Monostable</tmd:Mode><tmd:Mode>Bistable</tmd:Mode>\
                     <tmd:DelayTimes>1 60</tmd:DelayTimes><tmd:Discrete>false</tmd:Discrete></tmd:RelayOutputOptions>",
                    relay.token
                )
            };
            let options: String = camera.settings.lock().relays.iter().map(option).collect();
            Ok(format!("<tmd:GetRelayOutputOptionsResponse>{options}</tmd:GetRelayOutputOptionsResponse>"))
        }
        "SetRelayOutputSettings" => {
            let output = operation
                .child("RelayOutput")
                .ok_or_else(|| Fault::InvalidArgument("RelayOutput is missing".to_owned()))?;
            set_relay(camera, output, output.attribute("token").unwrap_or_default())?;
            Ok("<tmd:SetRelayOutputSettingsResponse/>".to_owned())
        }
        // These two have the messages of the device service, also here.
        "GetRelayOutputs" | "SetRelayOutputState" => answer(camera, operation),
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}

fn relay_number(camera: &Camera, token: &str) -> Result<usize, Fault> {
    let position = camera.settings.lock().relays.iter().position(|relay| relay.token == token);
    position.ok_or_else(|| missing(&["ter:InvalidArgVal", "ter:RelayToken"], token))
}

fn relays(camera: &Camera) -> String {
    let item = |relay: &Relay| {
        let (mode, delay) = match relay.falls_back_after {
            Some(span) => ("Monostable", span),
            None => ("Bistable", Duration::ZERO),
        };
        format!(
            "<tds:RelayOutputs token=\"{}\"><tt:Properties><tt:Mode>{mode}</tt:Mode><tt:DelayTime>PT{}S</tt:DelayTime>\
             <tt:IdleState>{}</tt:IdleState></tt:Properties></tds:RelayOutputs>",
            relay.token,
            delay.as_secs_f64(),
            if relay.idle_closed { "closed" } else { "open" }
        )
    };
    let items: String = camera.settings.lock().relays.iter().map(item).collect();
    format!("<tds:GetRelayOutputsResponse>{items}</tds:GetRelayOutputsResponse>")
}

fn set_relay(camera: &Camera, settings: &Element, token: &str) -> Result<(), Fault> {
    let number = relay_number(camera, token)?;
    let falls_back_after = match required(settings, "Mode")? {
        "Bistable" => None,
        "Monostable" => {
            let text = required(settings, "DelayTime")?;
            let span =
                text.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
            let fits = |span: &Duration| (1..=60).contains(&span.as_secs());
            Some(span.filter(fits).ok_or_else(|| {
                let reason = format!("“{text}” is not between 1 and 60 seconds");
                Fault::Refused(&["ter:InvalidArgVal", "ter:MonostableDelayTime"], reason)
            })?)
        }
        other => return Err(Fault::InvalidArgument(format!("no mode “{other}”"))),
    };
    let idle_closed = required(settings, "IdleState")? == "closed";
    if let Some(relay) = camera.settings.lock().relays.get_mut(number) {
        relay.falls_back_after = falls_back_after;
        relay.idle_closed = idle_closed;
    }
    Ok(())
}

fn ntp(camera: &Camera) -> String {
    let item = |host: &String| {
        let host_xml = escape(host);
        let entry = match host.parse() {
            Ok(IpAddr::V4(_)) => {
                format!("<tt:Type>IPv4</tt:Type><tt:IPv4Address>{host_xml}</tt:IPv4Address>")
            }
            Ok(IpAddr::V6(_)) => {
                format!("<tt:Type>IPv6</tt:Type><tt:IPv6Address>{host_xml}</tt:IPv6Address>")
            }
            Err(_) => format!("<tt:Type>DNS</tt:Type><tt:DNSname>{host_xml}</tt:DNSname>"),
        };
        format!("<tt:NTPManual>{entry}</tt:NTPManual>")
    };
    let items: String = camera.settings.lock().ntp.iter().map(item).collect();
    format!(
        "<tds:GetNTPResponse><tds:NTPInformation><tt:FromDHCP>false</tt:FromDHCP>{items}</tds:NTPInformation></tds:GetNTPResponse>"
    )
}

fn named_hosts(operation: &Element) -> Result<Vec<String>, Fault> {
    let hosts = operation.children.iter().filter(|child| child.name == "NTPManual");
    let hosts: Result<Vec<String>, Fault> = hosts
        .map(|host| {
            let named = ["IPv4Address", "IPv6Address", "DNSname"].iter().find_map(|name| host.text_of(name));
            let named = named.filter(|named| !named.is_empty() && named.len() <= 253);
            named.map(ToOwned::to_owned).ok_or_else(|| {
                Fault::Refused(
                    &["ter:InvalidArgVal", "ter:InvalidDnsName"],
                    "an NTP server without a name".to_owned(),
                )
            })
        })
        .collect();
    let hosts = hosts?;
    if hosts.len() > 4 {
        return Err(Fault::InvalidArgument("four NTP servers at most".to_owned()));
    }
    Ok(hosts)
}

fn protocols(camera: &Camera) -> String {
    let item = |name: &str, on: bool, port: u16| {
        format!(
            "<tds:NetworkProtocols><tt:Name>{name}</tt:Name><tt:Enabled>{on}</tt:Enabled><tt:Port>{port}</tt:Port></tds:NetworkProtocols>"
        )
    };
    let tls = camera.identity.is_some();
    let ports = camera.ports();
    format!(
        "<tds:GetNetworkProtocolsResponse>{}{}{}</tds:GetNetworkProtocolsResponse>",
        item("HTTP", !tls, if tls { 80 } else { ports.http }),
        item("HTTPS", tls, if tls { ports.http } else { 443 }),
        item("RTSP", true, ports.rtsp),
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
