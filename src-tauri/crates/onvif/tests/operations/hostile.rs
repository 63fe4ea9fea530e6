//! Answers that are hostile or nonsense, to every operation that reads: an error or nothing, never a panic, and bounded.

use hausrecht_model::UnixMicros;
use hausrecht_onvif::{MediaService, Profile, camera::Span};

use crate::table::{PROFILES2, Table, ok};

/// Contents that stand for what cameras and attackers send.
fn nonsense() -> Vec<String> {
    let names = [
        "User",
        "NetworkInterfaces",
        "RelayOutputs",
        "DigitalInputs",
        "Configurations",
        "Options",
        "OSDs",
        "Masks",
        "PTZConfiguration",
        "PTZNode",
        "ImagingSettings",
        "ImagingOptions",
        "RecordingItem",
        "Rule",
        "TopicSet",
        "Preset",
        "SupportedPTZSpaces",
        "ResultList",
        "Summary",
        "SearchToken",
        "VideoSources",
        "MoveOptions",
    ];
    let numbers = ["NaN", "inf", "-1", "1e39", "99999999999999999999", "", "é", "0x10"];
    let inside: String = numbers
        .iter()
        .flat_map(|number| {
            [
                "Min",
                "Max",
                "Width",
                "Height",
                "UseCount",
                "FrameRateLimit",
                "DelayTime",
                "Level",
                "MaxMasks",
                "DataFrom",
            ]
            .map(|name| format!("<{name}>{number}</{name}>"))
        })
        .collect();
    let tree: String = names
        .iter()
        .map(|name| {
            format!(r#"<{name} token="t" x="1e400" y="NaN" GovLengthRange="9 1 x">{inside}</{name}>"#)
        })
        .collect();
    vec![
        "<R/>".to_owned(),
        String::new(),
        "<R>words &amp; words</R>".to_owned(),
        format!("<R>{tree}</R>"),
        names.iter().fold(format!("<R>{inside}"), |all, name| format!("{all}<{name} token=''>")),
        format!("<R>{}</R>", r#"<Configurations token="t"/><User/><Masks token="x"/>"#.repeat(1_200)),
    ]
}

#[tokio::test]
async fn no_answer_makes_an_operation_panic_or_grow_without_bound() {
    for body in nonsense() {
        let answer = body.clone();
        let services = [
            "deviceio",
            "media",
            "media2",
            "events",
            "imaging",
            "ptz",
            "analytics",
            "recording",
            "search",
            "replay",
        ];
        let table = Table::start_with(&services, move |asked| {
            let is_of_connecting = ["GetServices", "GetSystemDateAndTime", "GetDeviceInformation"];
            match asked.operation.as_str() {
                operation if is_of_connecting.contains(&operation) => None,
                "GetProfiles" => Some(ok(PROFILES2.2)),
                _ => Some(ok(&answer)),
            }
        })
        .await;
        let camera = table.connect().await;
        let profile: Profile = camera.profiles().await.unwrap().remove(0);
        let old = Profile { service: MediaService::Media, ..profile.clone() };
        for profile in [&profile, &old] {
            let _ = camera.encoder(profile).await;
            let _ = camera.osds(profile).await;
            let _ = camera.osd_options(profile).await;
            let _ = camera.masks(profile).await;
            let _ = camera.mask_options(profile).await;
            let _ = camera.imaging(profile).await;
            let _ = camera.imaging_options(profile).await;
            let _ = camera.focus_options(profile).await;
            let _ = camera.focus_status(profile).await;
            let _ = camera.talk_formats(profile).await;
            let _ = camera.rules(profile).await;
            let _ = camera.rule_kinds(profile).await;
            let _ = camera.metadata_uri(profile).await;
            let _ = camera.snapshot_uri(profile).await;
            if let Ok(ptz) = camera.ptz(profile).await {
                let _ = ptz.presets().await;
                let _ = ptz.status().await;
                let _ = ptz.stop().await;
            }
        }
        for encoder in camera.encoders().await.unwrap_or_default().iter().take(3) {
            let _ = camera.encoder_options(encoder).await;
            let _ = camera.set_encoder(encoder).await;
        }
        let _ = camera.clock().await;
        assert!(camera.users().await.unwrap_or_default().len() <= 1024);
        let _ = camera.hostname().await;
        let _ = camera.network_interfaces().await;
        let _ = camera.network_protocols().await;
        let _ = camera.time_servers().await;
        let _ = camera.name_servers().await;
        let _ = camera.relays().await;
        let _ = camera.digital_inputs().await;
        let _ = camera.video_sources().await;
        assert!(camera.audio_outputs().await.unwrap_or_default().len() <= 1024);
        let _ = camera.metadata().await;
        let _ = camera.topics_offered().await;
        let _ = camera.recording_summary().await;
        let _ = camera.replay_uri("r").await;
        let span = Span { from: UnixMicros(i64::MIN), until: UnixMicros(i64::MAX) };
        let _ = camera.recordings(span).await;
        let _ = camera.find_events(span, None).await;
        let _ = camera.features().await;
    }
}
