//! Sound to the camera, further codecs, and replay of the card, by a GStreamer client.

use gstreamer::prelude::*;

use super::{Connection, PASSWORD, PATIENCE, Player, Sim, USER, features::until};

#[tokio::test]
async fn the_loudspeaker_gets_what_is_said() {
    let sim = Sim::start(&["--no-discovery", "--scene", "front"]);
    gstreamer::init().unwrap();
    let pipeline = gstreamer::parse::launch(
        "rtspsrc name=source protocols=tcp backchannel=onvif latency=0 ! application/x-rtp,media=video ! fakesink sync=false",
    )
    .unwrap()
    .downcast::<gstreamer::Pipeline>()
    .unwrap();
    let source = pipeline.by_name("source").unwrap();
    source.set_property("location", &sim.rtsp_sub);
    source.set_property("user-id", USER);
    source.set_property("user-pw", PASSWORD);
    let (found, speaker) = std::sync::mpsc::channel();
    source.connect("select-stream", false, move |values| {
        let number = values[1].get::<u32>().unwrap();
        let caps = values[2].get::<gstreamer::Caps>().unwrap();
        if caps.structure(0).unwrap().has_field("a-sendonly") {
            found.send(number).unwrap();
        }
        Some(true.to_value())
    });
    pipeline.set_state(gstreamer::State::Playing).unwrap();
    let stream = speaker.recv_timeout(std::time::Duration::from_secs(10)).expect("a back channel");
    let number = std::cell::Cell::new(0_u8);
    let saying = || async {
        number.set(number.get().wrapping_add(1));
        let mut packet = gstreamer::Buffer::with_size(172).unwrap();
        packet.get_mut().unwrap().map_writable().unwrap().copy_from_slice(&loud_packet(number.get()));
        let caps =
            gstreamer::Caps::builder("application/x-rtp").field("media", "audio").field("payload", 0).build();
        let sample = gstreamer::Sample::builder().buffer(&packet).caps(&caps).build();
        let _ = source.emit_by_name::<gstreamer::FlowReturn>("push-backchannel-buffer", &[&stream, &sample]);
        let state = sim.state().await;
        state["heard_packets"].as_u64().unwrap() > 2 && state["heard_loudness"].as_u64().unwrap() > 10_000
    };
    until("it is heard", saying).await;
    pipeline.set_state(gstreamer::State::Null).unwrap();
}

/// RTP (RFC 3550) with 20 ms of a loud constant in G.711 mu-law.
fn loud_packet(number: u8) -> [u8; 172] {
    let mut packet = [0x10; 172];
    packet[..12].copy_from_slice(&[0x80, 0, 0, number, 0, 0, 0, 0, 0, 0, 0, 7]);
    packet[4..8].copy_from_slice(&(u32::from(number) * 160).to_be_bytes());
    packet
}

#[tokio::test]
async fn a_camera_without_a_loudspeaker_says_551() {
    let sim = Sim::start(&["--no-discovery", "--scene", "front", "--without", "talk"]);
    let (status, _) = sim.describe("/main", "Require: www.onvif.org/ver20/backchannel\r\n");
    assert!(status.contains(" 551 "), "{status}");
}

#[tokio::test]
async fn further_codecs_are_streamed() {
    let sim = Sim::start(&["--no-discovery", "--scene", "garage", "--feature", "mjpeg", "--feature", "h265"]);
    for (path, rtp) in [("/mjpeg", "JPEG/90000"), ("/h265", "H265/90000")] {
        let (_, sdp) = sim.describe(path, "");
        assert!(sdp.contains(rtp), "{path}: {sdp}");
    }
    let profiles = sim
        .call(&sim.at("/onvif/media2_service"), "<tr2:GetProfiles><tr2:Type>All</tr2:Type></tr2:GetProfiles>")
        .await;
    let encodings: Vec<_> =
        profiles.children.iter().map(|profile| profile.text_of("Encoding").unwrap()).collect();
    assert_eq!(encodings, ["H264", "H264", "JPEG", "H265"]);
}

#[tokio::test]
async fn the_card_is_searched_and_replayed() {
    let sim = Sim::start(&["--no-discovery", "--scene", "shop"]);
    let search = sim.at("/onvif/search_service");
    let summary = sim.call(&search, "<tse:GetRecordingSummary/>").await;
    let (from, until) =
        (summary.text_of("DataFrom").unwrap().to_owned(), summary.text_of("DataUntil").unwrap().to_owned());
    let find = format!(
        "<tse:FindEvents><tse:StartPoint>{from}</tse:StartPoint><tse:EndPoint>{until}</tse:EndPoint><tse:Scope/>\
         <tse:SearchFilter><wsnt:TopicExpression>tns1:RecordingHistory/Track/State</wsnt:TopicExpression></tse:SearchFilter>\
         <tse:IncludeStartState>false</tse:IncludeStartState><tse:KeepAliveTime>PT10S</tse:KeepAliveTime></tse:FindEvents>"
    );
    let token = sim.call(&search, &find).await.text_of("SearchToken").unwrap().to_owned();
    let results = format!(
        "<tse:GetEventSearchResults><tse:SearchToken>{token}</tse:SearchToken></tse:GetEventSearchResults>"
    );
    let found = sim.call(&search, &results).await;
    let list = found.child("ResultList").unwrap();
    assert_eq!(list.text_of("SearchState"), Some("Completed"));
    let begins = |result: &&hausrecht_simcam::soap::Element| {
        let item = result.find("Data").and_then(|data| data.find("SimpleItem"));
        item.and_then(|item| item.attribute("Value")) == Some("true")
    };
    let began = list.children.iter().filter(|child| child.name == "Result").rfind(begins).unwrap();
    let uri = sim
        .call(
            &sim.at("/onvif/replay_service"),
            "<trp:GetReplayUri><trp:RecordingToken>card</trp:RecordingToken></trp:GetReplayUri>",
        )
        .await;
    let uri = uri.text_of("Uri").unwrap().to_owned();
    let began: jiff::Timestamp = began.text_of("Time").unwrap().parse().unwrap();
    for asked in [began, began.saturating_add(jiff::SignedDuration::from_secs(60)).unwrap()] {
        let first = sim.replay_from(asked);
        let late = first - asked.as_second();
        assert!((0..=2).contains(&late), "asked for {asked}, got a picture {late} s later");
    }
    // Without a time it begins with the oldest picture.
    let player = Player::start(&uri);
    assert!(player.picture(PATIENCE).is_some());
}

impl Sim {
    /// When the first picture was taken, in seconds since 1970, that a replay from `time` sends.
    fn replay_from(&self, time: jiff::Timestamp) -> i64 {
        let uri = self.rtsp.replace("/main", "/replay");
        let mut connection = Connection::open(&uri);
        connection.ask("DESCRIBE", &uri, "Accept: application/sdp\r\nRequire: onvif-replay\r\n");
        let (status, session, _) = connection.ask_all(
            "SETUP",
            &format!("{uri}/stream=0"),
            "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nRequire: onvif-replay\r\n",
        );
        assert!(status.contains(" 200 "), "{status}");
        let time = time.strftime("%Y%m%dT%H%M%SZ");
        let wish = format!(
            "Session: {}\r\nRange: clock={time}-\r\nRate-Control: no\r\nRequire: onvif-replay\r\n",
            session.unwrap().split(';').next().unwrap()
        );
        let (status, _) = connection.ask("PLAY", &uri, &wish);
        assert!(status.contains(" 200 "), "{status}");
        loop {
            let (channel, packet) = connection.packet();
            // The replay extension, ONVIF Streaming Specification, 6.3: its number, its length, and a time as in NTP.
            if channel == 0 && packet[0] & 0x10 != 0 {
                assert_eq!(packet[12..16], [0xab, 0xac, 0, 3]);
                return i64::from(u32::from_be_bytes(packet[16..20].try_into().unwrap())) - 2_208_988_800;
            }
        }
    }
}
