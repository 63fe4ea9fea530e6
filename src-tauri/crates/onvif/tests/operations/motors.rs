//! Turning, zooming, focus and the picture.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hausrecht_onvif::{
    Camera, Error, Profile,
    camera::{IrCut, PtzVector, Range, WhiteBalance},
};

use crate::table::{PROFILES, PROFILES2, Table, fault, ok};

const CONFIGURATIONS: &str = r#"<R><PTZConfiguration token="other"><tt:NodeToken>n0</tt:NodeToken></PTZConfiguration>
    <PTZConfiguration token="ptz1"><tt:Name>c</tt:Name><tt:NodeToken>n1</tt:NodeToken>
    <tt:DefaultContinuousPanTiltVelocitySpace>http://www.onvif.org/ver10/tptz/PanTiltSpaces/VelocityGenericSpace</tt:DefaultContinuousPanTiltVelocitySpace>
    </PTZConfiguration></R>"#;
const NODES: &str = r#"<R><PTZNode token="n1" FixedHomePosition="false"><tt:Name>node</tt:Name><tt:SupportedPTZSpaces>
    <tt:AbsolutePanTiltPositionSpace><tt:URI>http://www.onvif.org/ver10/tptz/PanTiltSpaces/PositionGenericSpace</tt:URI>
    <tt:XRange><tt:Min>-180</tt:Min><tt:Max>180</tt:Max></tt:XRange><tt:YRange><tt:Min>-90</tt:Min><tt:Max>90</tt:Max></tt:YRange>
    </tt:AbsolutePanTiltPositionSpace>
    <tt:ContinuousPanTiltVelocitySpace><tt:URI>http://www.onvif.org/ver10/tptz/PanTiltSpaces/VelocityGenericSpace</tt:URI>
    <tt:XRange><tt:Min>-1</tt:Min><tt:Max>1</tt:Max></tt:XRange><tt:YRange><tt:Min>-1</tt:Min><tt:Max>1</tt:Max></tt:YRange>
    </tt:ContinuousPanTiltVelocitySpace><tt:ContinuousZoomVelocitySpace>
    <tt:URI>http://www.onvif.org/ver10/tptz/ZoomSpaces/VelocityGenericSpace</tt:URI><tt:XRange><tt:Min>-7</tt:Min><tt:Max>7</tt:Max></tt:XRange>
    </tt:ContinuousZoomVelocitySpace></tt:SupportedPTZSpaces><tt:MaximumNumberOfPresets>255</tt:MaximumNumberOfPresets>
    <tt:HomeSupported>true</tt:HomeSupported><tt:AuxiliaryCommands>tt:Wiper|On</tt:AuxiliaryCommands></PTZNode></R>"#;

async fn first_profile(table: &Table) -> (Camera, Profile) {
    let camera = table.connect().await;
    let profile = camera.profiles().await.unwrap().remove(0);
    (camera, profile)
}

fn to_the_right() -> PtzVector {
    PtzVector { pan: 0.5, tilt: -0.25, zoom: 1.0 }
}

#[tokio::test]
async fn moves_are_on_the_cameras_own_scale_and_name_a_space_where_there_is_no_default() {
    let table = Table::start(
        &["media2", "ptz"],
        &[
            PROFILES2,
            ("ptz", "GetConfigurations", CONFIGURATIONS),
            ("ptz", "GetNodes", NODES),
            ("ptz", "ContinuousMove", "<R/>"),
            ("ptz", "AbsoluteMove", "<R/>"),
            ("ptz", "Stop", "<R/>"),
            ("ptz", "GotoHomePosition", "<R/>"),
            (
                "ptz",
                "GetStatus",
                r#"<R><PTZStatus><tt:Position><tt:PanTilt x="90" y="-45"/></tt:Position><tt:MoveStatus>
                <tt:PanTilt>IDLE</tt:PanTilt><tt:Zoom>MOVING</tt:Zoom></tt:MoveStatus></PTZStatus></R>"#,
            ),
        ],
    )
    .await;
    let (camera, profile) = first_profile(&table).await;
    let ptz = camera.ptz(&profile).await.unwrap();
    let can = ptz.abilities();
    assert!(can.can_pan_tilt && can.can_zoom && can.can_move_to && !can.can_move_by && can.has_home);
    assert_eq!((can.presets_most, &can.auxiliary_commands[..]), (255, &["tt:Wiper|On".to_owned()][..]));
    ptz.move_on(to_the_right(), Duration::from_secs(2)).await.unwrap();
    insta::assert_snapshot!("continuous_move", table.last("ContinuousMove"));
    ptz.move_to(PtzVector { pan: -1.0, tilt: 0.5, zoom: 0.0 }).await.unwrap();
    insta::assert_snapshot!("absolute_move", table.last("AbsoluteMove"));
    let status = ptz.status().await.unwrap();
    assert_eq!(status.position, Some(PtzVector { pan: 0.5, tilt: -0.5, zoom: 0.0 }));
    assert_eq!(status.is_moving, Some(true));
    ptz.stop().await.unwrap();
    assert_eq!(table.asked("Stop").len(), 1);
    ptz.go_home().await.unwrap();
    assert!(matches!(ptz.move_by(to_the_right()).await, Err(Error::NotOffered { .. })));
}

#[tokio::test]
async fn motors_that_are_announced_and_absent_are_not_offered() {
    for configurations in
        ["<R/>", r#"<R><PTZConfiguration token="ptz1"><tt:NodeToken>n</tt:NodeToken></PTZConfiguration></R>"#]
    {
        let table = Table::start_with(&["media2", "ptz"], move |asked| {
            Some(match asked.operation.as_str() {
                "GetProfiles" => ok(PROFILES2.2),
                "GetConfigurations" => ok(configurations),
                "GetNodes" => ok("<R/>"),
                _ => return None,
            })
        })
        .await;
        let (camera, profile) = first_profile(&table).await;
        assert!(matches!(camera.ptz(&profile).await, Err(Error::NotOffered { .. })));
    }
}

#[tokio::test]
async fn a_camera_that_refuses_a_time_limit_is_moved_without() {
    let table = Table::start_with(&["media2", "ptz"], |asked| {
        Some(match asked.operation.as_str() {
            "GetProfiles" => ok(PROFILES2.2),
            "GetConfigurations" => ok(CONFIGURATIONS),
            "GetNodes" => fault(500, "ActionNotSupported", "no nodes"),
            "ContinuousMove" if asked.envelope.contains("Timeout") => fault(400, "TimeoutNotSupported", "no"),
            "ContinuousMove" => ok("<R/>"),
            _ => return None,
        })
    })
    .await;
    let (camera, profile) = first_profile(&table).await;
    let ptz = camera.ptz(&profile).await.unwrap();
    assert!(!ptz.abilities().can_zoom);
    for _ in 0..2 {
        ptz.move_on(to_the_right(), Duration::from_secs(2)).await.unwrap();
    }
    // Once with a limit, once without, and from then on without.
    assert_eq!(table.asked("ContinuousMove").len(), 3);
    assert!(!table.last("ContinuousMove").contains("Zoom"));
    // The camera has no Stop: the speed zero stops it.
    ptz.stop().await.unwrap();
    assert!(table.last("ContinuousMove").contains(r#"<tt:PanTilt x="0" y="0"/>"#));
}

#[tokio::test]
async fn a_stop_during_a_move_is_sent_at_once_and_again_after_it() {
    let (reached, is_reached) = (Arc::new(tokio::sync::Notify::new()), Arc::new(AtomicBool::new(false)));
    let (noted, flag) = (Arc::clone(&reached), Arc::clone(&is_reached));
    let table = Table::start_with(&["media2", "ptz"], move |asked| {
        Some(match asked.operation.as_str() {
            "GetProfiles" => ok(PROFILES2.2),
            "GetConfigurations" => ok(CONFIGURATIONS),
            "GetNodes" => ok(NODES),
            "Stop" => ok("<R/>"),
            "ContinuousMove" => {
                flag.store(true, Ordering::SeqCst);
                noted.notify_one();
                ok("<R/>")
            }
            _ => return None,
        })
    })
    .await;
    let (camera, profile) = first_profile(&table).await;
    let ptz = camera.ptz(&profile).await.unwrap();
    {
        // The move is given up as soon as the camera has it, before its answer is read.
        let moving = ptz.move_on(to_the_right(), Duration::from_secs(60));
        tokio::select! {
            biased;
            () = reached.notified() => {}
            result = moving => result.unwrap(),
        }
    }
    let was_answered = table.asked("ContinuousMove").is_empty();
    assert!(is_reached.load(Ordering::SeqCst) && !was_answered);
    ptz.stop().await.unwrap();
    assert_eq!(table.asked("Stop").len(), 2);
    ptz.stop().await.unwrap();
    assert_eq!(table.asked("Stop").len(), 3);
}

#[tokio::test]
async fn presets_are_listed_set_and_left() {
    let presets = r#"<R><tptz:Preset token="1"><tt:Name>Gate</tt:Name></tptz:Preset><tptz:Preset token="2"/><tptz:Preset token=""/></R>"#;
    let table = Table::start_with(&["media2", "ptz"], move |asked| {
        Some(match asked.operation.as_str() {
            "GetProfiles" => ok(PROFILES2.2),
            "GetConfigurations" => ok(CONFIGURATIONS),
            "GetNodes" => ok(NODES),
            "GetPresets" => ok(presets),
            "SetPreset" if asked.envelope.contains("PresetToken") => ok("<R/>"),
            "SetPreset" => ok("<R><PresetToken>3</PresetToken></R>"),
            "GotoPreset" | "RemovePreset" | "SendAuxiliaryCommand" | "SetHomePosition" => ok("<R/>"),
            _ => return None,
        })
    })
    .await;
    let (camera, profile) = first_profile(&table).await;
    let ptz = camera.ptz(&profile).await.unwrap();
    let presets = ptz.presets().await.unwrap();
    assert_eq!(presets.iter().map(|preset| preset.name.as_str()).collect::<Vec<_>>(), ["Gate", "2"]);
    assert_eq!(ptz.set_preset("Yard & <door>", None).await.unwrap(), "3");
    assert!(table.last("SetPreset").contains("<PresetName>Yard &amp; &lt;door&gt;</PresetName>"));
    assert_eq!(ptz.set_preset("Gate", Some("1")).await.unwrap(), "1");
    ptz.go_to_preset("2").await.unwrap();
    ptz.remove_preset("2").await.unwrap();
    ptz.set_home().await.unwrap();
    ptz.auxiliary("tt:Wiper|On").await.unwrap();
    assert_eq!(
        table.last("SendAuxiliaryCommand"),
        "<ProfileToken>p1</ProfileToken><AuxiliaryData>tt:Wiper|On</AuxiliaryData>"
    );
}

#[tokio::test]
async fn the_picture_is_adjusted_within_what_the_camera_can_do() {
    let settings = "<R><ImagingSettings><tt:BacklightCompensation><tt:Mode>OFF</tt:Mode><tt:Level>0</tt:Level></tt:BacklightCompensation>\
        <tt:Brightness>50</tt:Brightness><tt:ColorSaturation>60,5</tt:ColorSaturation><tt:IrCutFilter>AUTO</tt:IrCutFilter>\
        <tt:WideDynamicRange><tt:Level>30</tt:Level><tt:Mode>ON</tt:Mode></tt:WideDynamicRange><tt:WhiteBalance><tt:Mode>MANUAL</tt:Mode>\
        <tt:CrGain>10</tt:CrGain></tt:WhiteBalance><tt:Sharpness>x</tt:Sharpness></ImagingSettings></R>";
    let options = "<R><ImagingOptions><tt:BacklightCompensation><tt:Mode>ON</tt:Mode><tt:Mode>OFF</tt:Mode></tt:BacklightCompensation>\
        <tt:Brightness><tt:Min>0</tt:Min><tt:Max>100</tt:Max></tt:Brightness><tt:Contrast><tt:Min>0</tt:Min><tt:Max>0</tt:Max></tt:Contrast>\
        <tt:IrCutFilterModes>ON</tt:IrCutFilterModes><tt:IrCutFilterModes>AUTO</tt:IrCutFilterModes></ImagingOptions></R>";
    let moves = "<R><MoveOptions><tt:Continuous><tt:Speed><tt:Min>-1</tt:Min><tt:Max>1</tt:Max></tt:Speed></tt:Continuous></MoveOptions></R>";
    let table = Table::start(
        &["media", "imaging"],
        &[
            PROFILES,
            ("imaging", "GetImagingSettings", settings),
            ("imaging", "GetOptions", options),
            ("imaging", "SetImagingSettings", "<R/>"),
            ("imaging", "GetMoveOptions", moves),
            ("imaging", "Move", "<R/>"),
            ("imaging", "Stop", "<R/>"),
        ],
    )
    .await;
    let (camera, profile) = first_profile(&table).await;
    let mut settings = camera.imaging(&profile).await.unwrap();
    assert_eq!(
        (settings.brightness, settings.saturation, settings.sharpness),
        (Some(50.0), Some(60.5), None)
    );
    assert_eq!(settings.white_balance, Some(WhiteBalance::Manual { red: Some(10.0), blue: None }));
    let options = camera.imaging_options(&profile).await.unwrap();
    assert_eq!(options.brightness, Some(Range { min: 0.0, max: 100.0 }));
    assert_eq!((options.contrast, &options.ir_cut[..]), (None, &[IrCut::On, IrCut::Auto][..]));
    settings.ir_cut = Some(IrCut::Off);
    settings.brightness = Some(70.0);
    camera.set_imaging(&profile, &settings).await.unwrap();
    insta::assert_snapshot!("set_imaging", table.last("SetImagingSettings"));
    assert!(camera.focus_options(&profile).await.unwrap().continuous.is_some());
    camera.focus_move(&profile, -0.5).await.unwrap();
    assert!(table.last("Move").contains("<tt:Speed>-0.5</tt:Speed>"));
    camera.focus_stop(&profile).await.unwrap();
    assert_eq!(table.last("Stop"), "<VideoSourceToken>VideoSource_1</VideoSourceToken>");
}
