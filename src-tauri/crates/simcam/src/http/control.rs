//! The way by which programs on this computer make the camera fail, recover or see something, and ask what it knows of itself.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde::Serialize;

use crate::{camera::Camera, events::Topic, feature::Feature};

/// How long a motion or a ring lasts that a test asks for.
const ASKED: Duration = Duration::from_secs(2);

/// What `GET /control/state` gives.
#[derive(Debug, Serialize)]
pub(super) struct State {
    /// Pan, tilt and zoom; none without a head.
    pub(super) ptz: Option<[f64; 3]>,
    /// The last auxiliary command.
    pub(super) ptz_auxiliary: Option<String>,
    /// How often the head was told to stop.
    pub(super) ptz_stops: u64,
    /// Tokens of the relays, and whether they are active.
    pub(super) relays: Vec<(String, bool)>,
    /// The digital input; none without one.
    pub(super) input: Option<bool>,
    /// RTP packets heard over the back channel.
    pub(super) heard_packets: u64,
    /// Bytes of G.711 heard.
    pub(super) heard_bytes: u64,
    /// How loud the last second of them was, 0 to 32767.
    pub(super) heard_loudness: u32,
    /// The last second of them as G.711 mu-law, in hexadecimal digits.
    pub(super) heard_last_second: String,
    /// When a client last asked for a description of a stream, which has to wait for a picture, by the same clock.
    pub(super) asked_us: i64,
    /// When it got it.
    pub(super) described_us: i64,
    /// When a client last began to play a stream, microseconds since 1970 by the camera's clock; zero before.
    pub(super) played_us: i64,
    /// When the footage began, microseconds since 1970 by the computer's clock; picture n of a stream is sent n pictures later.
    pub(super) began_us: i64,
    /// Subscriptions to events.
    pub(super) subscriptions: usize,
    /// How many were ever made.
    pub(super) subscriptions_made: u64,
    /// Requests over HTTP that came with a sign-in, right or wrong.
    pub(super) sign_ins: u64,
    /// Names of accounts and what they may do.
    pub(super) accounts: Vec<(String, String)>,
}

/// What the camera knows of itself; `sign_ins` came over HTTP.
pub(super) fn state(camera: &Camera, sign_ins: u64) -> State {
    let (head, auxiliary, ptz_stops) = {
        let ptz = camera.ptz();
        (ptz.place(camera.loop_clock.elapsed()), ptz.auxiliary.clone(), ptz.stops)
    };
    let (relays, input) = {
        let settings = camera.settings.lock();
        let relays = settings.relays.iter().map(|relay| (relay.token.to_owned(), relay.active)).collect();
        (relays, settings.input)
    };
    let sound = camera.heard.sound();
    let last: Vec<u8> = sound.last.iter().copied().collect();
    State {
        ptz: camera.can(Feature::Ptz).then_some([head.pan, head.tilt, head.zoom]),
        ptz_auxiliary: auxiliary,
        ptz_stops,
        relays,
        input,
        heard_packets: sound.packets,
        heard_bytes: sound.bytes,
        heard_loudness: sound.loudness(),
        heard_last_second: hex::encode(last),
        asked_us: camera.asked.load(Ordering::Relaxed),
        described_us: camera.described.load(Ordering::Relaxed),
        played_us: camera.played.load(Ordering::Relaxed),
        began_us: camera.loop_clock.began().0,
        subscriptions: camera.events.subscriptions(),
        subscriptions_made: camera.events.subscriptions_made(),
        sign_ins,
        accounts: camera
            .accounts
            .all()
            .into_iter()
            .map(|account| (account.name, account.level.to_string()))
            .collect(),
    }
}

/// Does what a test asks for; says whether it is known.
pub(super) fn obey(camera: &Arc<Camera>, what: &str) -> bool {
    let faults = &camera.faults;
    match what {
        "freeze" => faults.frozen.set(true),
        "thaw" => faults.frozen.set(false),
        "refuse" => faults.refusing.set(true),
        "accept" => faults.refusing.set(false),
        "motion" => pulse(camera, Topic::Motion),
        "ring" => pulse(camera, Topic::Visitor),
        "input-on" => camera.set_input(true),
        "input-off" => camera.set_input(false),
        "reboot" => camera.power.leave_for(camera.reboot),
        "new-certificate" => {
            let Some(identity) = &camera.identity else { return false };
            if let Err(error) = identity.renew() {
                tracing::warn!(%error, "the certificate stays as it was");
                return false;
            }
            camera.power.leave_for(Duration::ZERO);
        }
        _ => return false,
    }
    true
}

fn pulse(camera: &Arc<Camera>, topic: Topic) {
    camera.events.set(topic, true);
    let camera = camera.clone();
    tokio::spawn(async move {
        tokio::time::sleep(ASKED).await;
        camera.events.set(topic, false);
    });
}
