//! What cameras can do beyond pictures and motion, each with its effect.

use std::time::Duration;

use hausrecht_simcam::soap::Element;

use super::{PASSWORD, PATIENCE, Player, Sim, USER};

const LENA: &str = "<tt:Username>lena</tt:Username><tt:Password>secret</tt:Password>";

/// Asks until `is_so`, for ten seconds at most.
pub(super) async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn services_are_announced_by_what_the_camera_can_do() {
    let sim = Sim::start(&["--no-discovery", "--scene", "garage"]);
    let services = sim.call_open("<tds:GetCapabilities/>").await;
    assert!(services.find("DeviceIO").is_some() && services.find("Imaging").is_some());
    assert!(services.find("PTZ").is_none(), "a garage camera does not turn");
    let answer = sim.send(&sim.at("/onvif/ptz_service"), String::new(), None).await;
    assert_eq!(answer.status(), 404);
    let bare = Sim::start(&["--no-discovery", "--scene", "shop", "--without", "media2", "--without", "card"]);
    let services = bare.call_open("<tds:GetServices/>").await;
    let names: Vec<String> = namespaces(&services);
    assert_eq!(
        names,
        [
            "http://www.onvif.org/ver10/device/wsdl",
            "http://www.onvif.org/ver10/media/wsdl",
            "http://www.onvif.org/ver10/events/wsdl"
        ]
    );
}

fn namespaces(services: &Element) -> Vec<String> {
    services.children.iter().map(|service| service.text_of("Namespace").unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_account_counts_everywhere_at_once_and_as_far_as_its_level() {
    let sim = Sim::start(&["--no-discovery"]);
    let create = format!(
        "<tds:CreateUsers><tds:User>{LENA}<tt:UserLevel>User</tt:UserLevel></tds:User></tds:CreateUsers>"
    );
    sim.call(&sim.http, &create).await;
    assert_eq!(sim.refused(&sim.http, &create).await, "ter:UsernameClash");
    let as_lena = |operation: &'static str| sim.call_as("lena", "secret", &sim.http, operation);
    assert_eq!(as_lena("<tds:GetDeviceInformation/>").await.0, 200);
    for forbidden in [
        "<tds:GetUsers/>",
        "<tds:SystemReboot/>",
        "<tds:DeleteUsers><tds:Username>demo</tds:Username></tds:DeleteUsers>",
    ] {
        let (status, fault) = as_lena(forbidden).await;
        assert_eq!(
            (status, fault.find("Subcode").unwrap().text_of("Value")),
            (400, Some("ter:NotAuthorized"))
        );
    }
    let plays = |password: &str| {
        let player = Player::start_as(&sim.rtsp_sub, "lena", password);
        player.picture(PATIENCE).is_some()
    };
    assert!(plays("secret"), "RTSP knows the account too");
    sim.call(
        &sim.http,
        "<tds:SetUser><tds:User><tt:Username>lena</tt:Username><tt:Password>other</tt:Password><tt:UserLevel>Operator</tt:UserLevel></tds:User></tds:SetUser>",
    )
    .await;
    assert_eq!(as_lena("<tds:GetDeviceInformation/>").await.0, 401, "the old password");
    assert!(plays("other") && !plays("secret"));
    sim.call(&sim.http, "<tds:DeleteUsers><tds:Username>lena</tds:Username></tds:DeleteUsers>").await;
    assert!(!plays("other"));
    let last = format!("<tds:DeleteUsers><tds:Username>{USER}</tds:Username></tds:DeleteUsers>");
    assert_eq!(sim.refused(&sim.http, &last).await, "ter:FixedUser");
}

#[tokio::test]
async fn the_clock_is_set_and_tokens_count_by_it() {
    let sim = Sim::start(&["--no-discovery"]);
    sim.call(
        &sim.http,
        "<tds:SetSystemDateAndTime><tds:DateTimeType>Manual</tds:DateTimeType><tds:DaylightSavings>false</tds:DaylightSavings>\
         <tds:UTCDateTime><tt:Time><tt:Hour>6</tt:Hour><tt:Minute>30</tt:Minute><tt:Second>0</tt:Second></tt:Time>\
         <tt:Date><tt:Year>2030</tt:Year><tt:Month>5</tt:Month><tt:Day>17</tt:Day></tt:Date></tds:UTCDateTime></tds:SetSystemDateAndTime>",
    )
    .await;
    let clock = sim.send(&sim.http, super::envelope("", "<tds:GetSystemDateAndTime/>"), None).await;
    let date = clock.headers()["date"].to_str().unwrap().to_owned();
    assert!(date.starts_with("Fri, 17 May 2030 06:30:"), "{date}");
    let clock = super::Request::parse(&clock.bytes().await.unwrap()).unwrap().operation;
    assert_eq!(
        (clock.text_of("Year"), clock.text_of("Month"), clock.text_of("Hour")),
        (Some("2030"), Some("5"), Some("6"))
    );
    let wrong =
        "<tds:SetSystemDateAndTime><tds:DateTimeType>Manual</tds:DateTimeType></tds:SetSystemDateAndTime>";
    assert_eq!(sim.refused(&sim.http, wrong).await, "ter:InvalidDateTime");
}

#[tokio::test]
async fn a_reboot_ends_everything_and_the_camera_comes_back() {
    let sim = Sim::start(&["--no-discovery", "--reboot-seconds", "1"]);
    let player = Player::start(&sim.rtsp);
    player.picture(PATIENCE).expect("a picture");
    let created = sim.call(&sim.at("/onvif/event_service"), "<tev:CreatePullPointSubscription/>").await;
    let manager = created.text_of("Address").unwrap().to_owned();
    sim.call(&sim.http, "<tds:SystemReboot/>").await;
    while player.picture(PATIENCE).is_some() {}
    player.end();
    let answers = || async { sim.client.get(sim.at("/control/state")).send().await.is_ok() };
    until("it is off the network", || async { !answers().await }).await;
    until("it comes back", answers).await;
    assert!(Player::start(&sim.rtsp).picture(PATIENCE).is_some());
    let pull = "<tev:PullMessages><tev:Timeout>PT1S</tev:Timeout><tev:MessageLimit>1</tev:MessageLimit></tev:PullMessages>";
    assert_eq!(sim.refused(&manager, pull).await, "ter:InvalidArgVal", "the subscription is forgotten");
}

#[tokio::test]
async fn a_relay_opens_the_door_and_the_events_say_so() {
    let sim = Sim::start(&["--no-discovery", "--scene", "garage"]);
    let created = sim.call(&sim.at("/onvif/event_service"), "<tev:CreatePullPointSubscription/>").await;
    let manager = created.text_of("Address").unwrap().to_owned();
    let pull = "<tev:PullMessages><tev:Timeout>PT20S</tev:Timeout><tev:MessageLimit>10</tev:MessageLimit></tev:PullMessages>";
    sim.call(&manager, pull).await;
    let relays = sim.call(&sim.http, "<tds:GetRelayOutputs/>").await;
    assert_eq!(relays.children[0].attribute("token"), Some("door"));
    let set = |state| {
        format!(
            "<tds:SetRelayOutputState><tds:RelayOutputToken>light</tds:RelayOutputToken><tds:LogicalState>{state}</tds:LogicalState></tds:SetRelayOutputState>"
        )
    };
    sim.call(&sim.http, &set("active")).await;
    sim.control("input-on").await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let pulled = sim.call(&manager, pull).await;
        for message in pulled.children.iter().filter(|child| child.name == "NotificationMessage") {
            let topic = message.text_of("Topic").unwrap().to_owned();
            if topic.starts_with("tns1:Device") {
                let value =
                    message.find("Data").unwrap().find("SimpleItem").unwrap().attribute("Value").unwrap();
                seen.push((topic, value.to_owned()));
            }
        }
    }
    assert_eq!(
        seen,
        [
            ("tns1:Device/Trigger/Relay".to_owned(), "active".to_owned()),
            ("tns1:Device/Trigger/DigitalInput".to_owned(), "true".to_owned())
        ]
    );
    assert_eq!(sim.state().await["relays"][1][1], true);
}

#[tokio::test]
async fn the_head_turns_and_finds_its_presets() {
    let sim = Sim::start(&["--no-discovery", "--scene", "front"]);
    let ptz = sim.at("/onvif/ptz_service");
    let profile = "<tptz:ProfileToken>main</tptz:ProfileToken>";
    sim.call(&ptz, &format!("<tptz:ContinuousMove>{profile}<tptz:Velocity><tt:PanTilt x=\"1\" y=\"0\"/></tptz:Velocity></tptz:ContinuousMove>")).await;
    until("it turns", || async { sim.state().await["ptz"][0].as_f64().unwrap() > 0.1 }).await;
    sim.call(
        &ptz,
        &format!(
            "<tptz:Stop>{profile}<tptz:PanTilt>true</tptz:PanTilt><tptz:Zoom>true</tptz:Zoom></tptz:Stop>"
        ),
    )
    .await;
    let status = sim.call(&ptz, &format!("<tptz:GetStatus>{profile}</tptz:GetStatus>")).await;
    assert_eq!(status.find("MoveStatus").unwrap().text_of("PanTilt"), Some("IDLE"));
    let there = status.find("Position").unwrap().find("PanTilt").unwrap().attribute("x").unwrap().to_owned();
    let set = sim
        .call(
            &ptz,
            &format!("<tptz:SetPreset>{profile}<tptz:PresetName>Gate</tptz:PresetName></tptz:SetPreset>"),
        )
        .await;
    let token = set.text_of("PresetToken").unwrap().to_owned();
    sim.call(&ptz, &format!("<tptz:AbsoluteMove>{profile}<tptz:Position><tt:PanTilt x=\"-0.2\" y=\"0.1\"/></tptz:Position></tptz:AbsoluteMove>")).await;
    until("it is there", || async { sim.state().await["ptz"][0] == -0.2 }).await;
    sim.call(
        &ptz,
        &format!("<tptz:GotoPreset>{profile}<tptz:PresetToken>{token}</tptz:PresetToken></tptz:GotoPreset>"),
    )
    .await;
    let there: f64 = there.parse().unwrap();
    until("it is back", || async { (sim.state().await["ptz"][0].as_f64().unwrap() - there).abs() < 0.001 })
        .await;
    let wrong =
        format!("<tptz:GotoPreset>{profile}<tptz:PresetToken>none</tptz:PresetToken></tptz:GotoPreset>");
    assert_eq!(sim.refused(&ptz, &wrong).await, "ter:NoToken");
}

#[tokio::test]
async fn settings_of_the_picture_are_kept_and_nonsense_is_refused() {
    let sim = Sim::start(&["--no-discovery", "--scene", "front"]);
    let (media2, imaging) = (sim.at("/onvif/media2_service"), sim.at("/onvif/imaging_service"));
    let encoder = |rate: u32| {
        format!(
            "<tr2:SetVideoEncoderConfiguration><tr2:Configuration token=\"main\" GovLength=\"50\"><tt:Name>main</tt:Name><tt:UseCount>1</tt:UseCount>\
             <tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution>\
             <tt:RateControl><tt:FrameRateLimit>{rate}</tt:FrameRateLimit><tt:BitrateLimit>3000</tt:BitrateLimit></tt:RateControl>\
             <tt:Quality>7</tt:Quality></tr2:Configuration></tr2:SetVideoEncoderConfiguration>"
        )
    };
    sim.call(&media2, &encoder(12)).await;
    assert_eq!(sim.refused(&media2, &encoder(99)).await, "ter:ConfigModify");
    let asked = "<trt:GetVideoEncoderConfiguration><trt:ConfigurationToken>main</trt:ConfigurationToken></trt:GetVideoEncoderConfiguration>";
    let kept = sim.call(&sim.at("/onvif/media_service"), asked).await;
    assert_eq!(
        (kept.text_of("FrameRateLimit"), kept.text_of("BitrateLimit"), kept.text_of("GovLength")),
        (Some("12"), Some("3000"), Some("50"))
    );
    let mask = "<tr2:CreateMask><tr2:Mask token=\"\"><tr2:ConfigurationToken>source</tr2:ConfigurationToken><tr2:Polygon><tt:Point x=\"-1\" y=\"-1\"/>\
         <tt:Point x=\"0\" y=\"-1\"/><tt:Point x=\"0\" y=\"0.5\"/></tr2:Polygon><tr2:Type>Color</tr2:Type><tr2:Color X=\"0\" Y=\"128\" Z=\"128\"/>\
         <tr2:Enabled>true</tr2:Enabled></tr2:Mask></tr2:CreateMask>";
    let token = sim.call(&media2, mask).await.text_of("Token").unwrap().to_owned();
    let masks = sim.call(&media2, "<tr2:GetMasks/>").await;
    assert_eq!(masks.child("Masks").unwrap().attribute("token"), Some(token.as_str()));
    assert_eq!(masks.find("Polygon").unwrap().children.len(), 3);
    sim.call(&media2, &format!("<tr2:DeleteMask><tr2:Token>{token}</tr2:Token></tr2:DeleteMask>")).await;
    assert!(sim.call(&media2, "<tr2:GetMasks/>").await.children.is_empty());
    let osd = "<tr2:CreateOSD><tr2:OSD token=\"\"><tt:VideoSourceConfigurationToken>source</tt:VideoSourceConfigurationToken><tt:Type>Text</tt:Type>\
         <tt:Position><tt:Type>UpperLeft</tt:Type></tt:Position><tt:TextString><tt:Type>Plain</tt:Type><tt:PlainText>Hof &amp; Tor</tt:PlainText></tt:TextString>\
         </tr2:OSD></tr2:CreateOSD>";
    sim.call(&media2, osd).await;
    assert_eq!(sim.call(&media2, "<tr2:GetOSDs/>").await.text_of("PlainText"), Some("Hof & Tor"));
    let brightness = |level: i32| {
        format!(
            "<timg:SetImagingSettings><timg:VideoSourceToken>source</timg:VideoSourceToken><timg:ImagingSettings><tt:Brightness>{level}</tt:Brightness></timg:ImagingSettings></timg:SetImagingSettings>"
        )
    };
    sim.call(&imaging, &brightness(80)).await;
    assert_eq!(sim.refused(&imaging, &brightness(101)).await, "ter:SettingsInvalid");
    let asked = "<timg:GetImagingSettings><timg:VideoSourceToken>source</timg:VideoSourceToken></timg:GetImagingSettings>";
    assert_eq!(sim.call(&imaging, asked).await.text_of("Brightness"), Some("80"));
}

#[tokio::test]
async fn under_tls_everything_is_and_the_certificate_can_change() {
    let sim = Sim::start(&["--no-discovery", "--tls"]);
    assert!(sim.http.starts_with("https://") && sim.rtsp.starts_with("rtsps://"));
    sim.call(&sim.http, "<tds:GetDeviceInformation/>").await;
    assert!(Player::start(&sim.rtsp).picture(PATIENCE).is_some());
    let certificate = || async {
        let pinned =
            reqwest::Client::builder().tls_danger_accept_invalid_certs(true).tls_info(true).build().unwrap();
        let answer = pinned.get(sim.at("/control/state")).send().await.ok()?;
        answer.extensions().get::<reqwest::tls::TlsInfo>()?.peer_certificate().map(<[u8]>::to_vec)
    };
    let first = certificate().await.unwrap();
    sim.control("new-certificate").await;
    until("another certificate", || async { certificate().await.is_some_and(|now| now != first) }).await;
    assert!(Player::start(&sim.rtsp).picture(PATIENCE).is_some());
    let (status, _) = sim.call_as(USER, PASSWORD, &sim.http, "<tds:GetUsers/>").await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_camera_says_hello_when_it_comes_and_bye_when_it_ends() {
    let group = std::net::Ipv4Addr::new(239, 255, 255, 250);
    let loopback = std::net::Ipv4Addr::LOCALHOST;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.bind(&std::net::SocketAddr::from((group, 0)).into()).unwrap();
    socket.join_multicast_v4(&group, &loopback).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let socket = std::net::UdpSocket::from(socket);
    let port = socket.local_addr().unwrap().port().to_string();
    let said = || {
        let mut datagram = [0; 8192];
        let length = socket.recv(&mut datagram).expect("an announcement");
        let said = super::Request::parse(&datagram[..length]).unwrap().operation;
        (said.name.clone(), said.text_of("Address").unwrap().to_owned())
    };
    let sim = Sim::start(&["--discovery-port", &port, "--reboot-seconds", "0.1"]);
    let address = format!("urn:uuid:{}", sim.uuid);
    assert_eq!(said(), ("Hello".to_owned(), address.clone()));
    sim.control("reboot").await;
    assert_eq!(said(), ("Hello".to_owned(), address.clone()));
    let pid = rustix::process::Pid::from_child(&sim.process);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(said(), ("Bye".to_owned(), address));
}
