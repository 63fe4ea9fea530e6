//! The checks, one function each.

use std::time::Duration;

use hausrecht_model::{Clock, Codec, EventKind, link_local};

use super::{Check, Outcome, Report, sentence};
use crate::{
    Camera, Error, Profile,
    camera::{Features, Presence, UserLevel, main_and_sub},
};

/// A clock that is further off than this shows a wrong time in the picture.
const CLOCK_TOLERANCE_US: u64 = 5_000_000;
/// Key frames that are rarer make the picture appear late and recordings start late.
const KEY_FRAMES_EVERY_MAX_S: f32 = 4.0;
/// How long the port of the stream is waited for.
const STREAM_PATIENCE: Duration = Duration::from_secs(3);
/// A first answer to a pull must come within this; a quiet camera answers with nothing before.
const EVENTS_PATIENCE: Duration = Duration::from_secs(30);

/// An examination on its way.
pub(super) struct Examination<'p> {
    pub(super) report: Report,
    progress: &'p mut (dyn FnMut(&Check) + Send),
}

impl<'p> Examination<'p> {
    pub(super) fn new(address: &str, progress: &'p mut (dyn FnMut(&Check) + Send)) -> Self {
        let report = Report {
            address: address.to_owned(),
            manufacturer: None,
            model: None,
            firmware: None,
            features: None,
            checks: Vec::new(),
        };
        Self { report, progress }
    }

    /// Makes all checks, one after the other: cameras are slow, and some fall over when asked two things at once.
    pub(super) async fn all(&mut self, camera: &Camera, has_password: bool, clock: &dyn Clock) {
        self.works("reached", format!("The camera answers at {}.", camera.address()));
        self.information(camera).await;
        self.named_addresses(camera);
        self.encryption(camera).await;
        self.clock(camera, clock).await;
        let profiles = self.streams(camera).await;
        self.events(camera).await;
        self.topics(camera).await;
        self.features(camera).await;
        // Only now has the camera been asked for something that it must protect.
        self.sign_in(camera, has_password);
        if has_password {
            self.rights(camera).await;
        }
        if profiles.iter().any(|profile| profile.codec == Some(Codec::H265)) {
            self.works("h265", "It streams H.265.");
        } else if camera.has_media2() {
            self.missing("h265", "None of its streams is H.265.", None);
        } else {
            self.missing(
                "h265",
                "It has no second media service, so it can only tell of H.264 and MJPEG.",
                None,
            );
        }
    }

    async fn information(&mut self, camera: &Camera) {
        match camera.information().await {
            Ok(information) => {
                let some = |text: String| Some(text).filter(|text| !text.is_empty());
                let words = [&information.manufacturer, &information.model, &information.firmware];
                let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).cloned().collect();
                if words.is_empty() {
                    self.wrong("information", "It does not say what it is.", "Newer firmware may help.");
                } else {
                    self.works("information", format!("It is: {}.", words.join(" ")));
                }
                self.report.manufacturer = some(information.manufacturer);
                self.report.model = some(information.model);
                self.report.firmware = some(information.firmware);
            }
            Err(error) => self.failed("information", &error),
        }
    }

    fn named_addresses(&mut self, camera: &Camera) {
        let elsewhere = camera.addresses_elsewhere();
        if elsewhere.is_empty() {
            self.works("addresses", "It names its services at the address where it answers.");
        } else {
            let all = elsewhere.join(", ");
            self.wrong(
                "addresses",
                format!("It says that its services are at {all}, which is not where it answers. Hausrecht uses the address that answers."),
                "Nothing must be done for Hausrecht. For other programs, set the right address, gateway and ports in the camera's network settings.",
            );
        }
    }

    async fn encryption(&mut self, camera: &Camera) {
        if camera.is_encrypted() {
            return self.works("encryption", "What is said to the camera is encrypted (HTTPS).");
        }
        let offers = camera.network_protocols().await.unwrap_or_default();
        match offers.iter().find(|protocol| protocol.name == "HTTPS") {
            Some(https) if https.is_on => self.wrong(
                "encryption",
                "What is said to the camera is not encrypted, though it offers HTTPS.",
                format!("Add the camera as https://, port {}.", https.ports.first().copied().unwrap_or(443)),
            ),
            Some(_) => self.wrong(
                "encryption",
                "What is said to the camera is not encrypted: HTTPS is switched off.",
                "Switch on HTTPS in the camera's network settings.",
            ),
            None => self.missing(
                "encryption",
                "What is said to the camera is not encrypted; passwords travel as digests only.",
                Some("Keep cameras in a network of their own."),
            ),
        }
    }

    async fn clock(&mut self, camera: &Camera, clock: &dyn Clock) {
        let said = camera.clock().await;
        let is_by_ntp = said.as_ref().is_ok_and(|said| said.is_by_ntp);
        let off_us = match &said {
            Ok(said) => said.utc.map(|utc| utc.0.saturating_sub(clock.now().0)),
            Err(_) => None,
        };
        let off_us = off_us.or_else(|| camera.clock_offset().map(|offset| offset.offset_us));
        match off_us {
            Some(off_us) if off_us.unsigned_abs() <= CLOCK_TOLERANCE_US => {
                self.works("clock", "Its clock is right.");
            }
            Some(off_us) => {
                let seconds = off_us.unsigned_abs() / 1_000_000;
                let direction = if off_us > 0 { "fast" } else { "slow" };
                self.wrong(
                    "clock",
                    format!("Its clock is {} {direction}.", in_words(seconds)),
                    "Set it to the time of this computer, and give the camera a time server that it can reach.",
                );
            }
            None => self.unknown("clock", "It does not tell its time."),
        }
        if is_by_ntp {
            match camera.time_servers().await {
                Ok(servers) if servers.servers.is_empty() => self.wrong(
                    "time_server",
                    "It shall ask a time server, but none is set.",
                    "Enter a time server in its settings, for example the address of the router.",
                ),
                Ok(servers) => {
                    self.works(
                        "time_server",
                        format!("It asks {} for the time.", servers.servers.join(", ")),
                    );
                }
                Err(error) => self.failed("time_server", &error),
            }
        } else if said.is_ok() {
            self.missing(
                "time_server",
                "Its clock is set by hand and will drift.",
                Some("Enter a time server in its settings, for example the address of the router."),
            );
        }
    }

    async fn streams(&mut self, camera: &Camera) -> Vec<Profile> {
        let profiles = match camera.profiles().await {
            Ok(profiles) => profiles,
            Err(error) => {
                self.failed("streams", &error);
                return Vec::new();
            }
        };
        let Some((main, sub)) = main_and_sub(&profiles) else {
            self.wrong(
                "streams",
                "It lists no stream.",
                "Set up at least one stream in the camera's settings, or reset it.",
            );
            return profiles;
        };
        self.works("streams", format!("It lists {}.", number_of(profiles.len(), "stream")));
        self.main_stream(camera, &main).await;
        match &sub {
            Some(sub) => self.works("sub_stream", format!("For small pictures it streams {}.", described(sub))),
            None => self.missing(
                "sub_stream",
                "It has no second, smaller stream, so that many cameras on one screen need much more computing.",
                Some("Switch on a second stream of about 640 pixels width in the camera's settings."),
            ),
        }
        self.snapshot(camera, &main).await;
        profiles
    }

    async fn main_stream(&mut self, camera: &Camera, main: &Profile) {
        match main.codec {
            Some(Codec::Mjpeg) => self.wrong(
                "main_stream",
                format!("Its largest stream is {}.", described(main)),
                "Switch the stream to H.264 or H.265 in the camera's settings: MJPEG needs ten times the space.",
            ),
            Some(Codec::H264 | Codec::H265) => {
                self.works("main_stream", format!("Its largest stream is {}.", described(main)));
            }
            None => self.unknown(
                "main_stream",
                format!("Its largest stream is {}; it does not say how it is encoded.", described(main)),
            ),
        }
        match camera.stream_uri(main).await {
            Ok(uri) => self.stream_port(&uri).await,
            Err(error) => self.failed("stream_address", &error),
        }
        let Ok(encoder) = camera.encoder(main).await else { return };
        if let (Some(frames), true) = (encoder.gov_length, encoder.fps > 0.0) {
            let every_s = frames as f32 / encoder.fps;
            if every_s > KEY_FRAMES_EVERY_MAX_S {
                self.wrong(
                    "key_frames",
                    format!(
                        "A whole picture comes only every {every_s:.0} s, so that the picture appears late."
                    ),
                    format!(
                        "Set the interval of key frames to {:.0} frames, two seconds.",
                        encoder.fps * 2.0
                    ),
                );
            } else {
                self.works("key_frames", format!("A whole picture comes every {every_s:.1} s."));
            }
        }
    }

    async fn stream_port(&mut self, uri: &url::Url) {
        let host = match uri.host() {
            Some(url::Host::Domain(name)) => match link_local::address(name) {
                Some(address) => format!("{}%{}", address.ip(), address.scope_id()),
                None => name.to_owned(),
            },
            Some(url::Host::Ipv4(address)) => address.to_string(),
            Some(url::Host::Ipv6(address)) => address.to_string(),
            None => return self.unknown("stream_address", "It names no host for its stream."),
        };
        let usual = if uri.scheme() == "rtsps" { 322 } else { 554 };
        let port = uri.port_or_known_default().unwrap_or(usual);
        let connecting = tokio::net::TcpStream::connect((host, port));
        match tokio::time::timeout(STREAM_PATIENCE, connecting).await {
            Ok(Ok(_)) => self.works("stream_address", format!("Its stream is served at port {port}.")),
            Ok(Err(_)) | Err(_) => self.wrong(
                "stream_address",
                format!("Nothing answers at port {port}, where it says that its stream is."),
                "Switch on RTSP in the camera's network settings, and check its port and any firewall between.",
            ),
        }
    }

    async fn snapshot(&mut self, camera: &Camera, main: &Profile) {
        match camera.snapshot(main).await {
            Ok(bytes) if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) => {
                self.works("snapshot", format!("It gives still pictures ({} KiB).", bytes.len() / 1024));
            }
            Ok(bytes) => self.wrong(
                "snapshot",
                format!("What it gives as a still picture is none ({} bytes).", bytes.len()),
                "Hausrecht takes still pictures from the stream instead. Newer firmware may help.",
            ),
            Err(Error::NotOffered { .. } | Error::Fault { .. }) => self.missing(
                "snapshot",
                "It gives no still pictures; Hausrecht takes them from the stream.",
                None,
            ),
            Err(error) => self.failed("snapshot", &error),
        }
    }

    async fn events(&mut self, camera: &Camera) {
        if !camera.has_events() {
            return self.missing(
                "events",
                "It has no events; Hausrecht can measure motion in the picture itself.",
                None,
            );
        }
        let mut subscription = match camera.events().await {
            Ok(subscription) => subscription,
            Err(error) => return self.failed("events", &error),
        };
        let pulled = tokio::time::timeout(EVENTS_PATIENCE, subscription.next()).await;
        match pulled {
            Ok(Ok(events)) if events.is_empty() => {
                self.works("events", "It takes subscriptions for events; nothing happened meanwhile.");
            }
            Ok(Ok(events)) => {
                self.works("events", format!("It sends events: {} so far.", events.len()));
            }
            Ok(Err(error)) => self.failed("events", &error),
            Err(_) => self.wrong(
                "events",
                "It takes subscriptions for events and then says nothing.",
                "Restart the camera: it may hold subscriptions of programs that are long gone. Newer firmware may help.",
            ),
        }
        subscription.unsubscribe().await;
    }

    async fn topics(&mut self, camera: &Camera) {
        if !camera.has_events() {
            return;
        }
        let topics = match camera.topics_offered().await {
            Ok(topics) => topics,
            Err(error) => return self.failed("event_kinds", &error),
        };
        let mut kinds: Vec<EventKind> = topics.iter().flat_map(|topic| topic.means.iter().copied()).collect();
        kinds.sort();
        kinds.dedup();
        let unknown = topics.iter().filter(|topic| topic.means.is_empty()).count();
        let names: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
        if names.is_empty() {
            self.unknown(
                "event_kinds",
                format!(
                    "It offers {}, none of which Hausrecht knows.",
                    number_of(topics.len(), "kind of event")
                ),
            );
        } else {
            let rest = match unknown {
                0 => String::new(),
                unknown => format!(" {unknown} more are shown as they come."),
            };
            self.works("event_kinds", format!("It offers events for: {}.{rest}", names.join(", ")));
        }
    }

    async fn features(&mut self, camera: &Camera) {
        let features = match camera.features().await {
            Ok(features) => features,
            Err(error) => return self.failed("features", &error),
        };
        self.report.features = Some(features);
        let Features {
            ptz,
            imaging,
            focus,
            encoder,
            osd,
            masks,
            relays,
            inputs,
            talk,
            recordings,
            replay,
            analytics,
            metadata,
            ..
        } = features;
        let all = [
            ("ptz", ptz, "It can be turned or zoomed.", "It cannot be turned or zoomed."),
            ("imaging", imaging, "Its picture can be adjusted.", "Its picture cannot be adjusted by ONVIF."),
            ("focus", focus, "Its focus can be moved.", "Its focus is fixed."),
            ("encoder", encoder, "Its streams can be adjusted.", "Its streams cannot be adjusted by ONVIF."),
            ("osd", osd, "It can write onto its picture.", "It cannot write onto its picture by ONVIF."),
            (
                "masks",
                masks,
                "It can cover parts of its picture itself.",
                "It cannot cover parts of its picture itself by ONVIF; Hausrecht does it when a recording is disclosed.",
            ),
            ("relays", relays, "It has a relay.", "It has no relay."),
            ("inputs", inputs, "It has a digital input.", "It has no digital input."),
            ("talk", talk, "It has a loudspeaker.", "It has no loudspeaker that ONVIF can use."),
            (
                "recordings",
                recordings,
                "It tells what is on its own card.",
                "It does not tell what is on a card of its own.",
            ),
            ("replay", replay, "It plays its own recordings.", "It does not play recordings of its own."),
            (
                "analytics",
                analytics,
                "It has rules for its picture analysis.",
                "It shows no rules for a picture analysis.",
            ),
            ("metadata", metadata, "It has a metadata stream.", "It has no metadata stream."),
        ];
        for (id, presence, there, not_there) in all {
            match presence {
                Presence::Present => self.works(id, there),
                Presence::Absent => self.missing(id, not_there, None),
                Presence::NotAllowed => self.missing(
                    id,
                    "This account may not ask for it.",
                    Some("Sign in with an account that has more rights, if this is wanted."),
                ),
                Presence::Unclear => self.unknown(id, "It gave no clear answer."),
            }
        }
    }

    fn sign_in(&mut self, camera: &Camera, has_password: bool) {
        if camera.is_signed_in() {
            self.works("sign_in", "It asked for the password and accepted it.");
        } else if has_password {
            self.wrong(
                "sign_in",
                "It never asked for the password: anybody in this network can see and change everything.",
                "Set a password for the camera, and switch on the sign-in for ONVIF in its settings.",
            );
        } else {
            self.wrong(
                "sign_in",
                "It lets anybody in this network see and change everything.",
                "Set a password for the camera.",
            );
        }
    }

    async fn rights(&mut self, camera: &Camera) {
        match camera.users().await {
            Ok(users) => {
                let own = camera.user_name();
                let level = users.iter().find(|user| Some(user.name.as_str()) == own).map(|user| user.level);
                match level {
                    Some(UserLevel::Administrator) => self.wrong(
                        "account",
                        "Hausrecht signs in as an administrator, which is more than it needs.",
                        "Make an account of its own for Hausrecht with the level Operator, and use that.",
                    ),
                    Some(_) => {
                        self.works("account", "Hausrecht signs in with an account that has few rights.")
                    }
                    None => self
                        .unknown("account", "The account in use is not among those that the camera lists."),
                }
            }
            // Who may not list accounts is no administrator.
            Err(error) if matches!(error.code(), "camera_not_authorized" | "camera_not_allowed") => {
                self.works("account", "Hausrecht signs in with an account that may not manage others.");
            }
            Err(Error::NotOffered { .. } | Error::Fault { .. } | Error::Status { .. }) => {
                self.missing("account", "Its accounts cannot be managed by ONVIF.", None);
            }
            Err(error) => self.failed("account", &error),
        }
    }

    pub(super) fn works(&mut self, id: &'static str, says: impl Into<String>) {
        self.add(Check { id, outcome: Outcome::Works, says: says.into(), fix: None });
    }

    pub(super) fn wrong(&mut self, id: &'static str, says: impl Into<String>, fix: impl Into<String>) {
        self.add(Check { id, outcome: Outcome::Wrong, says: says.into(), fix: Some(fix.into()) });
    }

    fn missing(&mut self, id: &'static str, says: impl Into<String>, fix: Option<&str>) {
        self.add(Check { id, outcome: Outcome::Missing, says: says.into(), fix: fix.map(str::to_owned) });
    }

    fn unknown(&mut self, id: &'static str, says: impl Into<String>) {
        self.add(Check { id, outcome: Outcome::Unknown, says: says.into(), fix: None });
    }

    /// A check that an error ended: the error's own words say what is wrong.
    fn failed(&mut self, id: &'static str, error: &Error) {
        let says = sentence(&error.to_string());
        let is_absent = matches!(error, Error::NotOffered { .. })
            || matches!(error, Error::Fault { code, .. }
                if matches!(code.as_str(), "ActionNotSupported" | "OptionalActionNotImplemented"));
        if is_absent {
            return self.missing(id, says, None);
        }
        let fix = match error.code() {
            "camera_fault"
            | "camera_http_status"
            | "camera_answer_unreadable"
            | "camera_answer_too_large" => "Restart the camera; if it stays so, newer firmware may help.",
            "camera_not_authorized" | "camera_not_allowed" => {
                "Sign in with an account that may do this, or give this account the right in the camera's settings."
            }
            _ => "Check its power and network, and whether it is overloaded by other programs.",
        };
        self.wrong(id, says, fix);
    }

    fn add(&mut self, check: Check) {
        (self.progress)(&check);
        self.report.checks.push(check);
    }
}

fn described(profile: &Profile) -> String {
    let codec = match profile.codec {
        Some(Codec::H264) => "H.264",
        Some(Codec::H265) => "H.265",
        Some(Codec::Mjpeg) => "MJPEG",
        None => "in an unknown encoding",
    };
    let size = match (profile.width, profile.height) {
        (0, _) | (_, 0) => "of unknown size".to_owned(),
        (width, height) => format!("{width}×{height}"),
    };
    let fps =
        if profile.fps > 0.0 { format!(", {:.0} pictures a second", profile.fps) } else { String::new() };
    format!("“{}”, {codec}, {size}{fps}", profile.name)
}

fn number_of(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count if noun.starts_with("kind ") => format!("{count} {}", noun.replacen("kind", "kinds", 1)),
        count => format!("{count} {noun}s"),
    }
}

fn in_words(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
