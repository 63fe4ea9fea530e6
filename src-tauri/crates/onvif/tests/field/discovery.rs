//! Searching, on loopback alone.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use hausrecht_onvif::discovery::{Found, SearchOptions, Sighting, WatchOptions, search, watch};
use tokio::{net::UdpSocket, sync::mpsc};

/// An answer of the camera `number` with its XAddr at `host`.
fn answer(number: usize, host: &str) -> String {
    format!(
        "<e:Envelope><e:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:{number:032}</a:Address>\
         </a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:XAddrs>http://{host}/onvif/{number}</d:XAddrs>\
         </d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
    )
}

/// Listens for Probes on loopback and answers each with all that `answers` gives for its text.
async fn cameras(answers: impl Fn(&str) -> Vec<Vec<u8>> + Send + 'static) -> SearchOptions {
    let loopback = Ipv4Addr::LOCALHOST;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    socket.join_multicast_v4(Ipv4Addr::new(239, 255, 255, 250), loopback).unwrap();
    let port = socket.local_addr().unwrap().port();
    let replies = UdpSocket::bind((loopback, 0)).await.unwrap();
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            for reply in answers(&String::from_utf8_lossy(&buffer[..length])) {
                replies.send_to(&reply, from).await.unwrap();
            }
        }
    });
    let probes_at = [0, 50, 100].map(Duration::from_millis).to_vec();
    let from = vec![IpAddr::V4(loopback)];
    SearchOptions { duration: Duration::from_millis(400), probes_at, from, port, ..SearchOptions::default() }
}

async fn all_found(options: SearchOptions) -> Vec<Found> {
    let mut arriving = search(options).unwrap();
    let mut all = Vec::new();
    while let Some(found) = arriving.recv().await {
        all.push(found);
    }
    all
}

#[tokio::test]
async fn a_camera_that_answers_often_and_differently_is_found_once() {
    let options =
        cameras(|_| vec![answer(1, "127.0.0.1").into_bytes(), answer(1, "10.0.0.1").into_bytes()]).await;
    let found = all_found(options).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].xaddrs[0].as_str(), "http://127.0.0.1/onvif/1");
    assert!(matches!(found[0].from, SocketAddr::V4(_)) && found[0].in_own_range);
}

#[tokio::test]
async fn cameras_that_answer_to_one_kind_of_probe_only_are_found() {
    let options = cameras(|probe| {
        let number = match probe {
            probe if probe.contains("NetworkVideoTransmitter") => 1,
            probe if probe.contains("tds:Device") => 2,
            _ => 3,
        };
        vec![answer(number, "127.0.0.1").into_bytes()]
    })
    .await;
    let mut endpoints: Vec<_> = all_found(options).await.into_iter().map(|found| found.endpoint).collect();
    endpoints.sort();
    assert_eq!(endpoints, [1, 2, 3].map(|number| format!("{number:032}")));
}

#[tokio::test]
async fn computers_and_printers_are_no_cameras() {
    let typed = |number: usize, types: &str, declared: &str| {
        let text = answer(number, "127.0.0.1").replace("dn:NetworkVideoTransmitter", types);
        text.replace("<e:Envelope", &format!("<e:Envelope {declared}")).into_bytes()
    };
    let options = cameras(move |_| {
        let devices = r#"xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof""#;
        vec![
            typed(1, "wsdp:Device pub:Computer", devices),
            typed(2, "wsdp:Device wprt:PrintDeviceType", ""),
            typed(3, "q:Device", r#"xmlns:q="http://www.onvif.org/ver10/device/wsdl""#),
        ]
    })
    .await;
    let found = all_found(options).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].endpoint, format!("{:032}", 3));
}

#[tokio::test]
async fn garbage_and_floods_are_bounded_and_do_not_hide_a_camera() {
    let options = cameras(|_| {
        let mut all = vec![b"\xff\x00<<<".to_vec(), vec![b'<'; 60_000], answer(0, "127.0.0.1").into_bytes()];
        all.extend((1..50).map(|number| answer(number, "127.0.0.1").into_bytes()));
        all
    })
    .await;
    let found = all_found(SearchOptions { cameras_max: 20, ..options }).await;
    assert_eq!(found.len(), 20);
}

#[tokio::test]
async fn a_search_that_nobody_listens_to_ends() {
    let options = cameras(|_| Vec::new()).await;
    let arriving = search(SearchOptions { duration: Duration::from_secs(3600), ..options }).unwrap();
    drop(arriving);
    let tasks = tokio::runtime::Handle::current().metrics();
    let only_the_camera = async {
        while tasks.num_alive_tasks() > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), only_the_camera).await.unwrap();
}

#[tokio::test]
async fn one_camera_stays_one_under_two_names_at_the_same_address() {
    let renamed =
        |number: usize| answer(7, "127.0.0.1").replace(&format!("{:032}", 7), &format!("{number:032}"));
    let options = cameras(move |_| [1, 2, 3].map(|number| renamed(number).into_bytes()).to_vec()).await;
    assert_eq!(all_found(options).await.len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_names_no_address_is_asked_for_it() {
    let nameless = answer(4, "127.0.0.1").replace("http://127.0.0.1/onvif/4", " ");
    let options = cameras(move |asked| {
        if asked.contains("<d:Resolve>") && asked.contains(&format!("urn:uuid:{:032}", 4)) {
            let answer = answer(4, "127.0.0.1:8899");
            return vec![answer.replace("ProbeMatch", "ResolveMatch").into_bytes()];
        }
        vec![nameless.clone().into_bytes()]
    })
    .await;
    let found = all_found(options).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].xaddrs[0].as_str(), "http://127.0.0.1:8899/onvif/4");
}

#[tokio::test]
async fn an_endpoint_that_never_says_where_it_is_is_tried_at_the_usual_place() {
    let nameless = answer(4, "127.0.0.1").replace("http://127.0.0.1/onvif/4", "");
    let found = all_found(cameras(move |_| vec![nameless.clone().into_bytes()]).await).await;
    assert_eq!(found[0].xaddrs[0].as_str(), "http://127.0.0.1/onvif/device_service");
}

#[tokio::test]
async fn an_answer_that_names_only_another_host_leads_to_the_one_that_answered() {
    let options = cameras(|_| vec![answer(1, "203.0.113.9").into_bytes()]).await;
    let found = all_found(options).await;
    assert_eq!(found[0].xaddrs.len(), 1);
    assert_eq!(found[0].xaddrs[0].as_str(), "http://127.0.0.1/onvif/1");
}

#[tokio::test]
async fn thousands_of_answers_from_one_host_do_bounded_work() {
    let options =
        cameras(|_| (0..3000).map(|number| answer(number, "127.0.0.1").into_bytes()).collect()).await;
    let found = all_found(SearchOptions { cameras_max: 4096, ..options }).await;
    assert!(found.len() <= 600, "{}", found.len());
}

/// Starts to watch a port of its own, and gives a socket that speaks to the group there from loopback.
async fn watched(known: Vec<(String, String)>) -> (mpsc::Receiver<Sighting>, UdpSocket, SocketAddr) {
    let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port();
    let from = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let sightings = watch(WatchOptions { port, from, known, ..WatchOptions::default() }).unwrap();
    let camera = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    socket2::SockRef::from(&camera).set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    (sightings, camera, (Ipv4Addr::new(239, 255, 255, 250), port).into())
}

fn hello(number: usize, host: &str) -> String {
    answer(number, host)
        .replace("<d:ProbeMatches><d:ProbeMatch>", "<d:Hello>")
        .replace("</d:ProbeMatch></d:ProbeMatches>", "</d:Hello>")
}

async fn next(sightings: &mut mpsc::Receiver<Sighting>) -> Sighting {
    tokio::time::timeout(Duration::from_secs(10), sightings.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_camera_that_comes_and_goes_is_seen_once_each() {
    let (mut sightings, camera, group) = watched(Vec::new()).await;
    let bye = hello(1, "127.0.0.1").replace("Hello", "Bye");
    let endpoint = format!("{:032}", 1);
    for message in [b"garbage".as_slice(), hello(1, "127.0.0.1").as_bytes(), hello(1, "127.0.0.1").as_bytes()]
    {
        camera.send_to(message, group).await.unwrap();
    }
    for _ in 0..3 {
        camera.send_to(bye.as_bytes(), group).await.unwrap();
    }
    camera.send_to(hello(2, "127.0.0.1").as_bytes(), group).await.unwrap();
    assert!(matches!(next(&mut sightings).await, Sighting::Appeared(found) if found.endpoint == endpoint));
    assert_eq!(next(&mut sightings).await, Sighting::Gone { endpoint });
    assert!(matches!(next(&mut sightings).await, Sighting::Appeared(found) if found.endpoint.ends_with('2')));
}

#[tokio::test]
async fn a_hello_leads_only_to_the_host_that_sent_it_and_never_moves_a_known_camera() {
    let known = vec![(format!("{:032}", 1), "192.168.1.5".to_owned())];
    let (mut sightings, camera, group) = watched(known).await;
    camera.send_to(hello(1, "203.0.113.9").as_bytes(), group).await.unwrap();
    let Sighting::Moved { found, known_host } = next(&mut sightings).await else { panic!("it has moved") };
    assert_eq!(known_host, "192.168.1.5");
    assert_eq!(found.xaddrs.iter().map(|url| url.host_str().unwrap()).collect::<Vec<_>>(), ["127.0.0.1"]);
    // A Bye from there is not believed either, so that the next to be seen is the other camera.
    let bye = hello(1, "127.0.0.1").replace("Hello", "Bye");
    camera.send_to(bye.as_bytes(), group).await.unwrap();
    camera.send_to(hello(2, "127.0.0.1").as_bytes(), group).await.unwrap();
    assert!(matches!(next(&mut sightings).await, Sighting::Appeared(found) if found.endpoint.ends_with('2')));
}

#[tokio::test]
async fn a_hello_without_an_address_is_asked_for_it() {
    let (mut sightings, camera, group) = watched(Vec::new()).await;
    let SocketAddr::V4(at) = group else { panic!("it is IPv4") };
    let resolver = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
    resolver.set_reuse_address(true).unwrap();
    resolver.set_reuse_port(true).unwrap();
    resolver.set_nonblocking(true).unwrap();
    resolver.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, at.port())).into()).unwrap();
    let resolver = UdpSocket::from_std(resolver.into()).unwrap();
    resolver.join_multicast_v4(*at.ip(), Ipv4Addr::LOCALHOST).unwrap();
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        loop {
            let (length, from) = resolver.recv_from(&mut buffer).await.unwrap();
            if String::from_utf8_lossy(&buffer[..length]).contains("<d:Resolve>") {
                let answer = answer(5, "127.0.0.1:6688").replace("ProbeMatch", "ResolveMatch");
                resolver.send_to(answer.as_bytes(), from).await.unwrap();
            }
        }
    });
    let bare = hello(5, "127.0.0.1").replace("http://127.0.0.1/onvif/5", "");
    camera.send_to(bare.as_bytes(), group).await.unwrap();
    let Sighting::Appeared(found) = next(&mut sightings).await else { panic!("it is new") };
    assert_eq!(found.xaddrs[0].as_str(), "http://127.0.0.1:6688/onvif/5");
}

#[tokio::test]
async fn a_watch_that_nobody_listens_to_ends() {
    let (sightings, _, _) = watched(Vec::new()).await;
    drop(sightings);
    let tasks = tokio::runtime::Handle::current().metrics();
    let none = async {
        while tasks.num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), none).await.unwrap();
}
