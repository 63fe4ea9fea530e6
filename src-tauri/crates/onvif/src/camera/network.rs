//! The camera in its network: name, interfaces, protocols, name servers and time servers.

use super::{
    Camera,
    read::{count, flag, listed, text, token},
    services::Part,
};
use crate::{
    Error,
    xml::{Element, escape},
};

/// The name of a camera in the network.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct Hostname {
    /// The name; `None` if it has none.
    pub name: Option<String>,
    /// Whether it comes from DHCP.
    pub is_from_dhcp: bool,
}

/// One of the camera's network interfaces.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct NetworkInterface {
    /// The camera's id of it.
    pub token: String,
    /// Whether it is switched on.
    pub is_on: bool,
    /// The camera's name of it, `eth0`.
    pub name: Option<String>,
    /// The hardware address.
    pub mac: Option<String>,
    /// Addresses with prefix length, `192.168.1.20/24`, both versions.
    pub addresses: Vec<String>,
    /// Whether its IPv4 address comes from DHCP; `None` if not said.
    pub is_dhcp: Option<bool>,
}

/// A protocol that the camera serves.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct NetworkProtocol {
    /// `HTTP`, `HTTPS` or `RTSP`.
    pub name: String,
    /// Whether it is switched on.
    pub is_on: bool,
    /// Its ports.
    pub ports: Vec<u16>,
}

/// Servers that a camera asks, for the time or for names.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct NamedServers {
    /// Whether they come from DHCP.
    pub is_from_dhcp: bool,
    /// Addresses or names, in order.
    pub servers: Vec<String>,
}

impl Camera {
    /// Asks for the name in the network. GetHostname.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn hostname(&self) -> Result<Hostname, Error> {
        let body = self.ask(Part::Device, "GetHostname", "").await?;
        let said = body.child("HostnameInformation").unwrap_or(&body);
        Ok(Hostname { name: text(said, &["Name"]), is_from_dhcp: flag(said, &["FromDHCP"]).unwrap_or(false) })
    }

    /// Sets the name in the network. SetHostname: letters, digits and hyphens.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn set_hostname(&self, name: &str) -> Result<(), Error> {
        let content = format!("<Name>{}</Name>", escape(name));
        self.ask(Part::Device, "SetHostname", &content).await.map(drop)
    }

    /// Asks for the network interfaces. GetNetworkInterfaces.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn network_interfaces(&self) -> Result<Vec<NetworkInterface>, Error> {
        let body = self.ask(Part::Device, "GetNetworkInterfaces", "").await?;
        Ok(listed(&body, &["NetworkInterfaces", "NetworkInterface"]).map(interface).collect())
    }

    /// Asks which protocols the camera serves, and where. GetNetworkProtocols.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn network_protocols(&self) -> Result<Vec<NetworkProtocol>, Error> {
        let body = self.ask(Part::Device, "GetNetworkProtocols", "").await?;
        let protocols = listed(&body, &["NetworkProtocols", "NetworkProtocol"]).filter_map(|protocol| {
            let ports = protocol.children("Port").filter_map(|port| port.text.trim().parse().ok());
            Some(NetworkProtocol {
                name: text(protocol, &["Name"])?.to_ascii_uppercase(),
                is_on: flag(protocol, &["Enabled"]).unwrap_or(true),
                ports: ports.collect(),
            })
        });
        Ok(protocols.collect())
    }

    /// Switches protocols on or off and sets their ports. SetNetworkProtocols.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn set_network_protocols(&self, protocols: &[NetworkProtocol]) -> Result<(), Error> {
        let mut content = String::new();
        for protocol in protocols {
            let ports: String =
                protocol.ports.iter().map(|port| format!("<tt:Port>{port}</tt:Port>")).collect();
            content.push_str(&format!(
                "<NetworkProtocols><tt:Name>{}</tt:Name><tt:Enabled>{}</tt:Enabled>{ports}</NetworkProtocols>",
                escape(&protocol.name),
                protocol.is_on
            ));
        }
        self.ask(Part::Device, "SetNetworkProtocols", &content).await.map(drop)
    }

    /// Asks for the time servers. GetNTP.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn time_servers(&self) -> Result<NamedServers, Error> {
        let body = self.ask(Part::Device, "GetNTP", "").await?;
        Ok(servers(body.child("NTPInformation").unwrap_or(&body), ["NTPFromDHCP", "NTPManual"]))
    }

    /// Sets the time servers. SetNTP.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn set_time_servers(&self, wanted: &NamedServers) -> Result<(), Error> {
        let manual: String = wanted
            .servers
            .iter()
            .map(|server| {
                let host = match server.parse::<std::net::IpAddr>() {
                    Ok(std::net::IpAddr::V4(address)) => {
                        format!("<tt:Type>IPv4</tt:Type><tt:IPv4Address>{address}</tt:IPv4Address>")
                    }
                    Ok(std::net::IpAddr::V6(address)) => {
                        format!("<tt:Type>IPv6</tt:Type><tt:IPv6Address>{address}</tt:IPv6Address>")
                    }
                    Err(_) => format!("<tt:Type>DNS</tt:Type><tt:DNSname>{}</tt:DNSname>", escape(server)),
                };
                format!("<NTPManual>{host}</NTPManual>")
            })
            .collect();
        let content = format!("<FromDHCP>{}</FromDHCP>{manual}", wanted.is_from_dhcp);
        self.ask(Part::Device, "SetNTP", &content).await.map(drop)
    }

    /// Asks for the name servers. GetDNS.
    ///
    /// # Errors
    /// What the camera answers instead.
    pub async fn name_servers(&self) -> Result<NamedServers, Error> {
        let body = self.ask(Part::Device, "GetDNS", "").await?;
        Ok(servers(body.child("DNSInformation").unwrap_or(&body), ["DNSFromDHCP", "DNSManual"]))
    }
}

fn interface(element: &Element) -> NetworkInterface {
    let ipv4 = element.at(&["IPv4", "Config"]);
    let ipv6 = element.at(&["IPv6", "Config"]);
    let lists = [ipv4, ipv6].into_iter().flatten().flat_map(|config| config.children.iter());
    let mut addresses = Vec::new();
    for holder in lists.filter(|list| list.child("Address").is_some()) {
        let Some(address) = text(holder, &["Address"]) else { continue };
        let address = match count(holder, &["PrefixLength"]) {
            Some(length) => format!("{address}/{length}"),
            None => address,
        };
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    NetworkInterface {
        token: token(element).unwrap_or_default(),
        is_on: flag(element, &["Enabled"]).unwrap_or(true),
        name: text(element, &["Info", "Name"]),
        mac: text(element, &["Info", "HwAddress"]),
        addresses,
        is_dhcp: ipv4.and_then(|config| flag(config, &["DHCP"])),
    }
}

/// The servers in use: those from DHCP if it is on and gave some, else those set by hand.
fn servers(said: &Element, [from_dhcp, by_hand]: [&str; 2]) -> NamedServers {
    let is_from_dhcp = flag(said, &["FromDHCP"]).unwrap_or(false);
    let all = |name: &str| -> Vec<String> {
        let hosts = said.children.iter().filter(|child| &*child.name == name).filter_map(|host| {
            ["DNSname", "IPv4Address", "IPv6Address"].iter().find_map(|kind| text(host, &[kind]))
        });
        hosts.collect()
    };
    let (given, set) = (all(from_dhcp), all(by_hand));
    let servers = if (is_from_dhcp && !given.is_empty()) || set.is_empty() { given } else { set };
    NamedServers { is_from_dhcp, servers }
}
