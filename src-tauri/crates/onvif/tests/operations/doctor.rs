//! Examinations, and what is written of them.

use std::{sync::Arc, time::Duration};

use axum::response::IntoResponse as _;
use hausrecht_onvif::{
    Credentials, Settings,
    capture::Recorder,
    doctor::{Check, Outcome, examine_at},
};

use crate::table::{PROFILES2, Table, fault, ok};

fn credentials() -> Credentials {
    Credentials::new("admin", "secret-word".to_owned().into())
}

/// A camera that asks for a token and then does most things right.
async fn camera() -> Table {
    let services = ["media2", "events"];
    Table::start_with(&services, |asked| {
        if asked.operation.is_empty() {
            return Some([0xFF, 0xD8, 0xFF, 0xE0].into_response());
        }
        let needs_none = ["GetSystemDateAndTime", "GetServices"].contains(&asked.operation.as_str());
        if !needs_none && !asked.envelope.contains("UsernameToken") {
            return Some(fault(401, "NotAuthorized", "Sender not authorized"));
        }
        Some(match asked.operation.as_str() {
            "GetProfiles" => ok(PROFILES2.2),
            "GetStreamUri" => ok("<R><tr2:Uri>rtsp://admin:secret-word@192.168.7.9:1/SN-4711-0815</tr2:Uri></R>"),
            "GetSnapshotUri" => ok("<R><tr2:Uri>http://192.168.7.9/snap.jpg</tr2:Uri></R>"),
            "CreatePullPointSubscription" => {
                fault(500, "OutOfMemory", "too many subscriptions from 192.168.7.44, 9c:8e:cd:01:02:03")
            }
            "GetUsers" => ok("<R><tds:User><tt:Username>admin</tt:Username><tt:UserLevel>Administrator</tt:UserLevel></tds:User>\
                <tds:User><tt:Username>grandmother</tt:Username><tt:UserLevel>User</tt:UserLevel></tds:User></R>"),
            _ => return None,
        })
    })
    .await
}

#[tokio::test]
async fn an_examination_says_what_works_what_is_missing_and_what_is_wrong() {
    let table = camera().await;
    let mut seen: Vec<&'static str> = Vec::new();
    let mut progress = |check: &Check| seen.push(check.id);
    let xaddrs = std::slice::from_ref(&table.address);
    let report = examine_at(xaddrs, Some(credentials()), table.settings(), &mut progress).await;
    assert_eq!(seen, report.checks.iter().map(|check| check.id).collect::<Vec<_>>());
    let mut distinct = seen.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), seen.len(), "{seen:?}");
    for (id, outcome) in [
        ("reached", Outcome::Works),
        ("clock", Outcome::Works),
        ("sub_stream", Outcome::Missing),
        ("stream_address", Outcome::Wrong),
        ("snapshot", Outcome::Works),
        ("events", Outcome::Wrong),
        ("h265", Outcome::Works),
        ("sign_in", Outcome::Works),
        ("account", Outcome::Wrong),
        ("ptz", Outcome::Missing),
    ] {
        assert_eq!(report.check(id).unwrap().outcome, outcome, "{:?}", report.check(id));
    }
    for check in &report.checks {
        assert!(check.outcome != Outcome::Wrong || check.fix.is_some(), "{check:?}");
        assert!(check.says.ends_with('.'), "{check:?}");
    }
    let port = table.address.port().unwrap().to_string();
    let json = serde_json::to_string_pretty(&report).unwrap().replace(&port, "PORT");
    insta::assert_snapshot!(json);
}

#[tokio::test]
async fn what_is_captured_tells_nobody_anything() {
    let table = camera().await;
    let recorder = Arc::new(Recorder::new(Some(&credentials())));
    let capture: Arc<dyn hausrecht_onvif::capture::Capture> = recorder.clone();
    let settings = Settings { capture: Some(capture), ..table.settings() };
    let xaddrs = std::slice::from_ref(&table.address);
    let report = examine_at(xaddrs, Some(credentials()), settings, &mut |_| {}).await;
    assert!(report.count(Outcome::Works) > 5);
    let directory = tempfile::tempdir().unwrap();
    let written = recorder.write_to(directory.path()).unwrap();
    assert!(written > 20, "{written}");
    let mut files: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), written);
    let envelopes: Vec<String> = table.all().into_iter().map(|asked| asked.envelope).collect();
    let between = |text: &str, from: &str| {
        let start = text.find(from)? + from.len();
        let start = start + text[start..].find('>')? + 1;
        Some(text[start..start + text[start..].find('<')?].to_owned())
    };
    let digests = envelopes.iter().filter_map(|text| between(text, "<wsse:Password"));
    let nonces = envelopes.iter().filter_map(|text| between(text, "<wsse:Nonce"));
    let mut secrets: Vec<String> = digests.chain(nonces).collect();
    assert!(secrets.len() > 20);
    secrets.extend(
        ["secret-word", "admin", "grandmother", "SN-4711-0815", "192.168.7", "9c:8e:cd:01:02:03"]
            .map(str::to_owned),
    );
    for file in &files {
        let content = std::fs::read_to_string(file).unwrap();
        for secret in &secrets {
            assert!(!content.contains(secret), "{secret} in {}: {content}", file.display());
        }
    }
    let first = std::fs::read_to_string(&files[0]).unwrap();
    assert!(first.starts_with("--- request /onvif/device_service\n"), "{first}");
    assert!(files[0].ends_with("001-GetSystemDateAndTime.txt"), "{}", files[0].display());
}

#[tokio::test]
async fn a_wrong_password_is_one_wrong_check_and_one_request() {
    let table = Table::start_with(&[], |asked| {
        (asked.operation == "GetDeviceInformation").then(|| fault(401, "NotAuthorized", "no"))
    })
    .await;
    let xaddrs = std::slice::from_ref(&table.address);
    let report = examine_at(xaddrs, Some(credentials()), table.settings(), &mut |_| {}).await;
    assert_eq!(report.check("reached").unwrap().outcome, Outcome::Works);
    assert_eq!(report.check("sign_in").unwrap().outcome, Outcome::Wrong);
    let signed = table.all().into_iter().filter(|asked| asked.envelope.contains("UsernameToken")).count();
    assert_eq!(signed, 1);
}

#[tokio::test]
async fn nothing_there_is_said_plainly() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/onvif/device_service", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let table = Table::start(&[], &[]).await;
    let settings = Settings { connect_timeout: Duration::from_secs(2), ..table.settings() };
    let report = examine_at(&[address], None, settings, &mut |_| {}).await;
    assert_eq!(report.checks.len(), 1);
    assert_eq!(report.check("reached").unwrap().outcome, Outcome::Wrong);
    assert!(report.checks[0].fix.is_some());
}
