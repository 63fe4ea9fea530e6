//! Device, users, network, relays, analytics and features, in the shapes of several makers.

use std::time::Duration;

use axum::response::IntoResponse as _;
use hausrecht_model::EventKind;
use hausrecht_onvif::{
    Error,
    camera::{NamedServers, Presence, RelayMode, Reset, Rule, User, UserLevel},
};

use crate::table::{PROFILES, PROFILES2, START, Table, fault, ok};

#[tokio::test]
async fn a_clock_is_set_and_keeps_its_zone() {
    let table = Table::start(&[], &[("device_service", "SetSystemDateAndTime", "<R/>")]).await;
    let camera = table.connect().await;
    let clock = camera.clock().await.unwrap();
    assert!(clock.is_summer_time && !clock.is_by_ntp);
    assert_eq!((clock.zone.as_deref(), clock.utc), (Some("CET-1CEST"), Some(START)));
    camera.set_clock().await.unwrap();
    insta::assert_snapshot!("set_clock", table.last("SetSystemDateAndTime"));
    camera.set_clock_by_ntp().await.unwrap();
    assert!(table.last("SetSystemDateAndTime").starts_with("<DateTimeType>NTP</DateTimeType>"));
}

#[tokio::test]
async fn users_are_listed_made_changed_and_deleted() {
    let users = "<GetUsersResponse><tds:User><tt:Username>admin</tt:Username><tt:UserLevel>Administrator</tt:UserLevel></tds:User>\
        <tds:User><tt:UserLevel>operator</tt:UserLevel><tt:Username>o</tt:Username></tds:User>\
        <tds:User><tt:Username>x</tt:Username><tt:UserLevel>Maker</tt:UserLevel></tds:User><tds:User/></GetUsersResponse>";
    let table = Table::start(
        &[],
        &[
            ("device_service", "GetUsers", users),
            ("device_service", "CreateUsers", "<R/>"),
            ("device_service", "SetUser", "<R/>"),
            ("device_service", "DeleteUsers", "<R/>"),
        ],
    )
    .await;
    let camera = table.connect().await;
    let levels: Vec<_> = camera.users().await.unwrap().into_iter().map(|user| user.level).collect();
    assert_eq!(levels, [UserLevel::Administrator, UserLevel::Operator, UserLevel::Extended]);
    let user = User { name: "haus&recht".to_owned(), level: UserLevel::Operator };
    camera.create_user(&user, &"a<b>&c".to_owned().into()).await.unwrap();
    insta::assert_snapshot!("create_user", table.last("CreateUsers"));
    camera.set_user(&user, None).await.unwrap();
    assert!(!table.last("SetUser").contains("Password"));
    camera.delete_user("o").await.unwrap();
    assert_eq!(table.last("DeleteUsers"), "<Username>o</Username>");
    assert!(!camera.is_encrypted());
}

#[tokio::test]
async fn a_name_is_set_and_other_scopes_stay() {
    let scopes = "<R><tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>onvif://www.onvif.org/Profile/T</tt:ScopeItem></tds:Scopes>\
        <tds:Scopes><tt:ScopeDef>Configurable</tt:ScopeDef><tt:ScopeItem>onvif://www.onvif.org/name/IPC</tt:ScopeItem></tds:Scopes>\
        <tds:Scopes><tt:ScopeDef>Configurable</tt:ScopeDef><tt:ScopeItem>onvif://www.onvif.org/location/hall</tt:ScopeItem></tds:Scopes></R>";
    let table = Table::start(
        &[],
        &[("device_service", "GetScopes", scopes), ("device_service", "SetScopes", "<R/>")],
    )
    .await;
    table.connect().await.set_name("Front door/ö").await.unwrap();
    assert_eq!(
        table.last("SetScopes"),
        "<Scopes>onvif://www.onvif.org/location/hall</Scopes>\
         <Scopes>onvif://www.onvif.org/name/Front%20door%2F%C3%B6</Scopes>"
    );
}

#[tokio::test]
async fn the_network_is_read_in_several_shapes() {
    let interfaces = r#"<R><tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled><tt:Info><tt:Name>eth0</tt:Name>
        <tt:HwAddress>00:40:8c:00:00:01</tt:HwAddress></tt:Info><tt:IPv4><tt:Enabled>true</tt:Enabled><tt:Config>
        <tt:LinkLocal><tt:Address>169.254.1.2</tt:Address><tt:PrefixLength>16</tt:PrefixLength></tt:LinkLocal>
        <tt:FromDHCP><tt:Address>192.168.1.5</tt:Address><tt:PrefixLength>24</tt:PrefixLength></tt:FromDHCP><tt:DHCP>true</tt:DHCP>
        </tt:Config></tt:IPv4></tds:NetworkInterfaces></R>"#;
    let protocols = "<R><tds:NetworkProtocols><tt:Name>HTTP</tt:Name><tt:Enabled>true</tt:Enabled><tt:Port>80</tt:Port><tt:Port>8080</tt:Port>\
        </tds:NetworkProtocols><tds:NetworkProtocols><tt:Name>rtsp</tt:Name><tt:Port>bad</tt:Port></tds:NetworkProtocols></R>";
    let ntp = "<R><tds:NTPInformation><tt:FromDHCP>true</tt:FromDHCP><tt:NTPManual><tt:Type>DNS</tt:Type><tt:DNSname>pool.ntp.org</tt:DNSname>\
        </tt:NTPManual></tds:NTPInformation></R>";
    let table = Table::start(
        &[],
        &[
            ("device_service", "GetNetworkInterfaces", interfaces),
            ("device_service", "GetNetworkProtocols", protocols),
            ("device_service", "GetNTP", ntp),
            ("device_service", "SetNTP", "<R/>"),
            (
                "device_service",
                "GetHostname",
                "<R><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP><tt:Name>axis</tt:Name></tds:HostnameInformation></R>",
            ),
            ("device_service", "SetNetworkProtocols", "<R/>"),
        ],
    )
    .await;
    let camera = table.connect().await;
    let interface = camera.network_interfaces().await.unwrap().remove(0);
    assert_eq!(interface.addresses, ["169.254.1.2/16", "192.168.1.5/24"]);
    assert_eq!((interface.is_dhcp, interface.mac.as_deref()), (Some(true), Some("00:40:8c:00:00:01")));
    let protocols = camera.network_protocols().await.unwrap();
    assert_eq!((&protocols[0].ports[..], protocols[1].name.as_str()), (&[80, 8080][..], "RTSP"));
    camera.set_network_protocols(&protocols[..1]).await.unwrap();
    assert!(table.last("SetNetworkProtocols").contains("<tt:Port>80</tt:Port><tt:Port>8080</tt:Port>"));
    assert_eq!(camera.time_servers().await.unwrap().servers, ["pool.ntp.org"]);
    let servers = ["192.168.1.1", "fe80::1", "time.example"].map(str::to_owned).to_vec();
    camera.set_time_servers(&NamedServers { is_from_dhcp: false, servers }).await.unwrap();
    insta::assert_snapshot!("set_ntp", table.last("SetNTP"));
    assert_eq!(camera.hostname().await.unwrap().name.as_deref(), Some("axis"));
}

/// An answer that breaks off before its body has begun.
fn cut_off() -> axum::response::Response {
    let nothing = Err::<axum::body::Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    axum::body::Body::from_stream(futures_util::stream::iter([nothing])).into_response()
}

#[tokio::test]
async fn a_camera_that_closes_the_connection_to_restart_has_obeyed() {
    let table = Table::start_with(&[], |asked| {
        Some(match asked.operation.as_str() {
            "SystemReboot" => cut_off(),
            "SetSystemFactoryDefault" => ok("<R/>"),
            _ => return None,
        })
    })
    .await;
    let camera = table.connect().await;
    camera.reboot().await.unwrap();
    camera.reset(Reset::Soft).await.unwrap();
    assert_eq!(table.last("SetSystemFactoryDefault"), "<FactoryDefault>Soft</FactoryDefault>");
}

#[tokio::test]
async fn relays_of_the_device_service_are_switched() {
    let relays = r#"<R><tds:RelayOutputs token="RelayOut_1"><tt:Properties><tt:Mode>Monostable</tt:Mode><tt:DelayTime>PT5S</tt:DelayTime>
        <tt:IdleState>closed</tt:IdleState></tt:Properties></tds:RelayOutputs></R>"#;
    let table = Table::start(
        &[],
        &[
            ("device_service", "GetRelayOutputs", relays),
            ("device_service", "SetRelayOutputState", "<R/>"),
            ("device_service", "SetRelayOutputSettings", "<R/>"),
        ],
    )
    .await;
    let camera = table.connect().await;
    let relay = camera.relays().await.unwrap().remove(0);
    assert_eq!((relay.mode, relay.delay), (Some(RelayMode::Monostable), Some(Duration::from_secs(5))));
    assert_eq!(relay.is_idle_open, Some(false));
    camera.set_relay(&relay, true).await.unwrap();
    assert_eq!(
        table.last("SetRelayOutputState"),
        "<RelayOutputToken>RelayOut_1</RelayOutputToken><LogicalState>active</LogicalState>"
    );
    camera.set_relay_settings(&relay).await.unwrap();
    insta::assert_snapshot!("relay_settings", table.last("SetRelayOutputSettings"));
    assert!(matches!(camera.digital_inputs().await, Err(Error::NotOffered { .. })));
}

#[tokio::test]
async fn relays_of_the_device_io_service_are_found_where_the_device_has_none() {
    let table = Table::start(
        &["deviceio"],
        &[
            ("device_service", "GetRelayOutputs", "<R/>"),
            ("deviceio", "GetRelayOutputs", r#"<R><tmd:RelayOutputs token="0"><tt:Properties><tt:Mode>Bistable</tt:Mode></tt:Properties></tmd:RelayOutputs></R>"#),
            ("deviceio", "SetRelayOutputState", "<R/>"),
            ("deviceio", "GetDigitalInputs", r#"<R><tmd:DigitalInputs token="AlarmIn_1" IdleState="open"/><tmd:DigitalInputs token="2"/></R>"#),
        ],
    )
    .await;
    let camera = table.connect().await;
    let relay = camera.relays().await.unwrap().remove(0);
    camera.set_relay(&relay, false).await.unwrap();
    let asked = table.asked("SetRelayOutputState");
    assert_eq!(asked[0].service, "deviceio");
    assert!(asked[0].envelope.contains("ver10/device/wsdl"), "{}", asked[0].envelope);
    let inputs = camera.digital_inputs().await.unwrap();
    assert_eq!((inputs[0].is_idle_open, inputs[1].is_idle_open), (Some(true), None));
}

#[tokio::test]
async fn rules_are_made_changed_and_deleted() {
    let rules = r#"<R><tan:Rule Name="Line" Type="tt:LineDetector"><tt:Parameters><tt:SimpleItem Name="Direction" Value="Any"/>
        <tt:SimpleItem Name="Size" Value="3"/><tt:ElementItem Name="Segments"><tt:Polyline><tt:Point x="0" y="1"/></tt:Polyline>
        </tt:ElementItem></tt:Parameters></tan:Rule></R>"#;
    let kinds = r#"<R><tan:SupportedRules><tt:RuleDescription Name="tt:CellMotionDetector"/></tan:SupportedRules></R>"#;
    let table = Table::start(
        &["media2", "analytics"],
        &[
            PROFILES2,
            ("analytics", "GetRules", rules),
            ("analytics", "GetSupportedRules", kinds),
            ("analytics", "ModifyRules", "<R/>"),
            ("analytics", "CreateRules", "<R/>"),
            ("analytics", "DeleteRules", "<R/>"),
        ],
    )
    .await;
    let camera = table.connect().await;
    let profile = camera.profiles().await.unwrap().remove(0);
    let mut line = camera.rules(&profile).await.unwrap().remove(0);
    line.parameters = vec![("Direction".to_owned(), "Left & right".to_owned())];
    camera.set_rule(&profile, &line).await.unwrap();
    let token = "<ConfigurationToken>va1</ConfigurationToken>";
    let changed = format!(
        r#"{token}<Rule Name="Line" Type="tt:LineDetector"><tt:Parameters><tt:SimpleItem Name="Direction" Value="Left &amp; right"></tt:SimpleItem><tt:SimpleItem Name="Size" Value="3"></tt:SimpleItem><tt:ElementItem Name="Segments"><tt:Polyline><tt:Point x="0" y="1"></tt:Point></tt:Polyline></tt:ElementItem></tt:Parameters></Rule>"#
    );
    assert_eq!(table.last("ModifyRules"), changed);
    let motion = Rule {
        name: "Any <motion>".to_owned(),
        kind: "CellMotionDetector".to_owned(),
        parameters: vec![("MinCount".to_owned(), "5".to_owned())],
        shapes: Vec::new(),
    };
    camera.create_rule(&profile, &motion).await.unwrap();
    let made = format!(
        r#"{token}<Rule Name="Any &lt;motion&gt;" Type="tt:CellMotionDetector"><tt:Parameters><tt:SimpleItem Name="MinCount" Value="5"/></tt:Parameters></Rule>"#
    );
    assert_eq!(table.last("CreateRules"), made);
    camera.delete_rule(&profile, "Line").await.unwrap();
    assert_eq!(table.last("DeleteRules"), format!("{token}<RuleName>Line</RuleName>"));
    let gone = Rule { name: "gone".to_owned(), ..line.clone() };
    assert!(matches!(camera.set_rule(&profile, &gone).await, Err(Error::NotOffered { .. })));
    assert!(matches!(camera.create_rule(&profile, &line).await, Err(Error::NotOffered { .. })));
}

#[tokio::test]
async fn rules_and_topics_are_read_with_what_they_mean() {
    let rules = r#"<R><tan:Rule Name="Line" Type="tt:LineDetector"><tt:Parameters><tt:SimpleItem Name="Direction" Value="Any"/>
        <tt:ElementItem Name="Segments"><tt:Polyline/></tt:ElementItem></tt:Parameters></tan:Rule></R>"#;
    let kinds = r#"<R><tan:SupportedRules><tt:RuleDescription Name="tt:LineDetector"><tt:Parameters>
        <tt:SimpleItemDescription Name="Direction" Type="tt:Direction"/></tt:Parameters><tt:Messages IsProperty="false">
        <tt:Data><tt:SimpleItemDescription Name="ObjectId"/></tt:Data>
        <tt:ParentTopic>tns1:RuleEngine/LineDetector/Crossed</tt:ParentTopic></tt:Messages></tt:RuleDescription></tan:SupportedRules></R>"#;
    let topics = r#"<R><wstop:TopicSet><tns1:RuleEngine wstop:topic="false"><CellMotionDetector><Motion wstop:topic="true">
        <tt:MessageDescription IsProperty="true"><tt:Source><tt:SimpleItemDescription Name="Rule" Type="xs:string"/></tt:Source>
        <tt:Data><tt:SimpleItemDescription Name="IsMotion" Type="xs:boolean"/></tt:Data></tt:MessageDescription></Motion></CellMotionDetector>
        <acme:Thing wstop:topic="1"/></tns1:RuleEngine></wstop:TopicSet></R>"#;
    let table = Table::start(
        &["media2", "analytics", "events"],
        &[
            PROFILES2,
            ("analytics", "GetRules", rules),
            ("analytics", "GetSupportedRules", kinds),
            ("events", "GetEventProperties", topics),
        ],
    )
    .await;
    let camera = table.connect().await;
    let profile = camera.profiles().await.unwrap().remove(0);
    let rule = camera.rules(&profile).await.unwrap().remove(0);
    assert_eq!((rule.kind.as_str(), &rule.shapes[..]), ("LineDetector", &["Segments".to_owned()][..]));
    let kind = camera.rule_kinds(&profile).await.unwrap().remove(0);
    assert_eq!(
        (kind.topics[0].as_str(), &kind.means[..]),
        ("RuleEngine/LineDetector/Crossed", &[EventKind::Line][..])
    );
    let topics = camera.topics_offered().await.unwrap();
    assert_eq!(topics[0].topic, "RuleEngine/CellMotionDetector/Motion");
    assert!(topics[0].has_state && topics[0].means == [EventKind::Motion]);
    assert_eq!((topics[1].topic.as_str(), topics[1].means.len()), ("RuleEngine/Thing", 0));
    assert!(table.asked("GetEventProperties")[0].envelope.contains("GetEventPropertiesRequest"));
}

#[tokio::test]
async fn features_are_what_is_there_and_not_what_is_announced() {
    // Everything is announced; motors, imaging and recordings are not there, and users may not be listed.
    let services =
        ["deviceio", "media", "media2", "events", "imaging", "ptz", "analytics", "search", "replay"];
    let table = Table::start_with(&services, |asked| {
        Some(match (asked.service.as_str(), asked.operation.as_str()) {
            ("media2", "GetProfiles") => ok(PROFILES2.2),
            ("media2", "GetMaskOptions") => {
                ok("<R><tr2:Options><tr2:MaxMasks>4</tr2:MaxMasks></tr2:Options></R>")
            }
            ("media", "GetOSDOptions") => {
                ok(r#"<R><OSDOptions><tt:MaximumNumberOfOSDs Total="0"/></OSDOptions></R>"#)
            }
            ("device_service", "GetUsers") => fault(400, "NotAuthorized", "not an administrator"),
            ("device_service", "GetRelayOutputs") => ok("<R/>"),
            ("deviceio", "GetRelayOutputs") => fault(500, "ActionNotSupported", ""),
            ("deviceio", "GetDigitalInputs") => ok(r#"<R><DigitalInputs token="1"/></R>"#),
            ("ptz", "GetConfigurations") => ok("<R/>"),
            ("imaging", "GetOptions") => ok("<R><ImagingOptions/></R>"),
            ("media2", "GetSnapshotUri") => ok("<R><tr2:Uri>http://h/s.jpg</tr2:Uri></R>"),
            ("analytics", "GetRules") => {
                return Some(axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response());
            }
            _ => return None,
        })
    })
    .await;
    let camera = table.connect().await;
    let features = camera.features().await.unwrap();
    use Presence::{Absent, NotAllowed, Present, Unclear};
    assert_eq!(features.ptz, Absent);
    assert_eq!(features.imaging, Absent);
    assert_eq!(features.masks, Present);
    assert_eq!(features.osd, Absent);
    assert_eq!(features.relays, Absent);
    assert_eq!(features.inputs, Present);
    assert_eq!(features.users, NotAllowed);
    assert_eq!(features.snapshot, Present);
    assert_eq!((features.recordings, features.replay), (Absent, Absent));
    assert_eq!(features.analytics, Unclear);
    assert_eq!(features.events, Unclear);
    let changes = ["Set", "Create", "Delete", "Add", "Remove", "Move", "Stop", "Goto", "System"];
    let asked = table.all();
    assert!(asked.iter().all(|asked| changes.iter().all(|verb| !asked.operation.starts_with(verb))));
}

#[tokio::test]
async fn features_of_a_camera_with_the_least_there_is_are_all_absent() {
    let table = Table::start(&["media"], &[PROFILES]).await;
    let features = table.connect().await.features().await.unwrap();
    assert_eq!(features, hausrecht_onvif::camera::Features::default());
}

#[tokio::test]
async fn lenses_are_listed_by_media_or_device_io() {
    let by_media = r#"<R><trt:VideoSources token="v0"><tt:Framerate>30.0</tt:Framerate><tt:Resolution><tt:Width>1920</tt:Width>
        <tt:Height>1080</tt:Height></tt:Resolution></trt:VideoSources></R>"#;
    let table = Table::start(&["media"], &[("media", "GetVideoSources", by_media)]).await;
    let lens = table.connect().await.video_sources().await.unwrap().remove(0);
    assert_eq!((lens.token.as_str(), lens.width, lens.fps), ("v0", 1920, 30.0));
    let by_io = "<R><tmd:Token>a</tmd:Token><tmd:Token>b</tmd:Token><tmd:Token/></R>";
    let table = Table::start(&["media2", "deviceio"], &[("deviceio", "GetVideoSources", by_io)]).await;
    assert_eq!(table.connect().await.video_sources().await.unwrap().len(), 2);
}
