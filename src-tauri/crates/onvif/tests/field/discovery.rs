//! Searching, on loopback alone.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use hausrecht_onvif::discovery::{Found, SearchOptions, search};
use tokio::net::UdpSocket;

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
