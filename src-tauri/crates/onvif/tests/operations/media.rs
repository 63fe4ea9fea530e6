//! Encoder, text, masks, loudspeaker and metadata.

use hausrecht_model::Codec;
use hausrecht_onvif::{
    Error, MediaService,
    camera::{Osd, OsdContent, OsdPosition, Point, Range},
};

use crate::table::{PROFILES, PROFILES2, Table, ok};

const ENCODER2: (&str, &str, &str) = (
    "media2",
    "GetVideoEncoderConfigurations",
    r#"<tr2:GetVideoEncoderConfigurationsResponse>
    <tr2:Configurations token="other"><tt:Name>x</tt:Name></tr2:Configurations>
    <tr2:Configurations token="ve1" GovLength="50" Profile="Main"><tt:Name>main</tt:Name><tt:UseCount>1</tt:UseCount>
    <tt:Encoding>H265</tt:Encoding><tt:Resolution><tt:Width>2560</tt:Width><tt:Height>1440</tt:Height></tt:Resolution>
    <tt:RateControl ConstantBitRate="false"><tt:FrameRateLimit>25</tt:FrameRateLimit><tt:BitrateLimit>4096</tt:BitrateLimit>
    </tt:RateControl><tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type></tt:Address><tt:Port>0</tt:Port></tt:Multicast>
    <tt:Quality>4</tt:Quality></tr2:Configurations></tr2:GetVideoEncoderConfigurationsResponse>"#,
);

#[tokio::test]
async fn an_encoder_of_media2_is_changed_and_keeps_what_is_not_known_of_it() {
    let options = r#"<tr2:GetVideoEncoderConfigurationOptionsResponse>
        <tr2:Options GovLengthRange="1 400" FrameRatesSupported="25 12.5 1" ProfilesSupported="Main" ConstantBitRateSupported="true">
        <tt:Encoding>H265</tt:Encoding><tt:QualityRange><tt:Min>0</tt:Min><tt:Max>5</tt:Max></tt:QualityRange>
        <tt:ResolutionsAvailable><tt:Width>2560</tt:Width><tt:Height>1440</tt:Height></tt:ResolutionsAvailable>
        <tt:ResolutionsAvailable><tt:Height>720</tt:Height><tt:Width>1280</tt:Width></tt:ResolutionsAvailable>
        <tt:BitrateRange><tt:Min>32</tt:Min><tt:Max>16384</tt:Max></tt:BitrateRange></tr2:Options>
        <tr2:Options><tt:Encoding>MPV4-ES</tt:Encoding></tr2:Options></tr2:GetVideoEncoderConfigurationOptionsResponse>"#;
    let table = Table::start(
        &["media2"],
        &[
            PROFILES2,
            ENCODER2,
            ("media2", "GetVideoEncoderConfigurationOptions", options),
            ("media2", "SetVideoEncoderConfiguration", "<R/>"),
        ],
    )
    .await;
    let camera = table.connect().await;
    let profile = camera.profiles().await.unwrap().remove(0);
    let mut encoder = camera.encoder(&profile).await.unwrap();
    assert_eq!((encoder.codec, encoder.fps, encoder.gov_length), (Some(Codec::H265), 25.0, Some(50)));
    let options = camera.encoder_options(&encoder).await.unwrap();
    assert_eq!(options.len(), 1);
    assert_eq!(options[0].resolutions, [(2560, 1440), (1280, 720)]);
    assert_eq!(options[0].fps, [25.0, 12.5, 1.0]);
    assert_eq!(options[0].gov_length, Some(Range { min: 1.0, max: 400.0 }));
    assert!(options[0].has_constant_bitrate);
    (encoder.width, encoder.height, encoder.fps, encoder.gov_length) = (1280, 720, 12.5, Some(25));
    encoder.is_constant_bitrate = Some(true);
    camera.set_encoder(&encoder).await.unwrap();
    insta::assert_snapshot!("set_encoder_media2", table.last("SetVideoEncoderConfiguration"));
}

#[tokio::test]
async fn an_encoder_of_media_is_changed_in_the_order_of_its_schema() {
    let known = r#"<trt:GetVideoEncoderConfigurationResponse><trt:Configuration token="VideoEncoderToken_1">
        <tt:Name>VideoEncoder_1</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>MPEG4</tt:Encoding><tt:Resolution>
        <tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution><tt:Quality>3.000000</tt:Quality>
        <tt:MPEG4><tt:GovLength>50</tt:GovLength></tt:MPEG4><tt:SessionTimeout>PT5S</tt:SessionTimeout>
        </trt:Configuration></trt:GetVideoEncoderConfigurationResponse>"#;
    let options = r#"<trt:GetVideoEncoderConfigurationOptionsResponse><trt:Options><tt:QualityRange><tt:Min>0</tt:Min><tt:Max>5</tt:Max>
        </tt:QualityRange><tt:H264><tt:ResolutionsAvailable><tt:Width>640</tt:Width><tt:Height>360</tt:Height></tt:ResolutionsAvailable>
        <tt:GovLengthRange><tt:Min>1</tt:Min><tt:Max>400</tt:Max></tt:GovLengthRange><tt:FrameRateRange><tt:Min>0</tt:Min><tt:Max>25</tt:Max>
        </tt:FrameRateRange><tt:H264ProfilesSupported>Main</tt:H264ProfilesSupported><tt:H264ProfilesSupported>High</tt:H264ProfilesSupported>
        </tt:H264><tt:Extension><tt:H264><tt:BitrateRange><tt:Min>32</tt:Min><tt:Max>8192</tt:Max></tt:BitrateRange></tt:H264>
        </tt:Extension></trt:Options></trt:GetVideoEncoderConfigurationOptionsResponse>"#;
    let table = Table::start(
        &["media"],
        &[
            PROFILES,
            ("media", "GetVideoEncoderConfiguration", known),
            ("media", "GetVideoEncoderConfigurationOptions", options),
            ("media", "SetVideoEncoderConfiguration", "<R/>"),
        ],
    )
    .await;
    let camera = table.connect().await;
    let profile = camera.profiles().await.unwrap().remove(0);
    let mut encoder = camera.encoder(&profile).await.unwrap();
    assert_eq!(encoder.codec, None);
    let options = camera.encoder_options(&encoder).await.unwrap();
    assert_eq!(options[0].fps, [1.0, 25.0]);
    assert_eq!(options[0].bitrate_kbps, Some(Range { min: 32.0, max: 8192.0 }));
    assert_eq!(options[0].profiles, ["Main", "High"]);
    encoder.codec = Some(Codec::H264);
    (encoder.width, encoder.height, encoder.fps, encoder.bitrate_kbps) = (640, 360, 12.5, 512);
    encoder.gov_length = Some(25);
    encoder.profile = Some("High".to_owned());
    camera.set_encoder(&encoder).await.unwrap();
    insta::assert_snapshot!("set_encoder_media", table.last("SetVideoEncoderConfiguration"));
}

#[tokio::test]
async fn text_on_the_picture_is_read_changed_and_made() {
    let osds = r#"<trt:GetOSDsResponse><trt:OSDs token="OsdToken_1">
        <tt:VideoSourceConfigurationToken>vsc1</tt:VideoSourceConfigurationToken><tt:Type>Text</tt:Type>
        <tt:Position><tt:Type>Custom</tt:Type><tt:Pos y="0.9" x="-0.8"/></tt:Position><tt:TextString><tt:Type>Plain</tt:Type>
        <tt:FontSize>32</tt:FontSize><tt:FontColor><tt:Color X="1" Y="2" Z="3"/></tt:FontColor>
        <tt:PlainText>Front &amp; yard</tt:PlainText></tt:TextString></trt:OSDs>
        <trt:OSDs token="elsewhere"><tt:VideoSourceConfigurationToken>vsc2</tt:VideoSourceConfigurationToken></trt:OSDs>
        </trt:GetOSDsResponse>"#;
    let options = r#"<trt:GetOSDOptionsResponse><trt:OSDOptions><tt:MaximumNumberOfOSDs Total="6" PlainText="4"/><tt:Type>Text</tt:Type>
        <tt:PositionOption>UpperLeft</tt:PositionOption><tt:PositionOption>Custom</tt:PositionOption><tt:TextOption><tt:Type>Plain</tt:Type>
        <tt:Type>DateAndTime</tt:Type><tt:FontSizeRange><tt:Min>16</tt:Min><tt:Max>64</tt:Max></tt:FontSizeRange>
        <tt:DateFormat>MM/dd/yyyy</tt:DateFormat><tt:DateFormat>yyyy-MM-dd</tt:DateFormat></tt:TextOption></trt:OSDOptions></trt:GetOSDOptionsResponse>"#;
    // Media2 is there and does not know these operations: Media does.
    let table = Table::start(
        &["media", "media2"],
        &[
            PROFILES2,
            ("media", "GetOSDs", osds),
            ("media", "GetOSDOptions", options),
            ("media", "SetOSD", "<R/>"),
            ("media", "CreateOSD", "<R><trt:OSDToken>new</trt:OSDToken></R>"),
            ("media", "DeleteOSD", "<R/>"),
        ],
    )
    .await;
    let camera = table.connect().await;
    let profile = camera.profiles().await.unwrap().remove(0);
    let mut all = camera.osds(&profile).await.unwrap();
    assert_eq!(all.len(), 1);
    let mut osd = all.remove(0);
    assert_eq!(osd.content, OsdContent::Text("Front & yard".to_owned()));
    assert_eq!(osd.service, MediaService::Media);
    let OsdPosition::At(place) = osd.position else { panic!("{osd:?}") };
    assert!((place.x - 0.1).abs() < 0.001 && (place.y - 0.05).abs() < 0.001, "{place:?}");
    let options = camera.osd_options(&profile).await.unwrap();
    assert_eq!((options.most, options.most_plain_texts), (Some(6), Some(4)));
    assert_eq!(options.date_formats, ["MM/dd/yyyy", "yyyy-MM-dd"]);
    assert_eq!(options.font_sizes, Some(Range { min: 16.0, max: 64.0 }));
    osd.content = OsdContent::DateAndTime;
    osd.date_format = Some("MM/dd/yyyy".to_owned());
    osd.position = OsdPosition::LowerRight;
    camera.set_osd(&osd).await.unwrap();
    insta::assert_snapshot!("set_osd", table.last("SetOSD"));
    let new = Osd { token: String::new(), content: OsdContent::Text("<Gate>".to_owned()), ..osd.clone() };
    assert_eq!(camera.create_osd(&new).await.unwrap(), "new");
    insta::assert_snapshot!("create_osd", table.last("CreateOSD"));
    camera.delete_osd(&osd).await.unwrap();
    assert_eq!(table.last("DeleteOSD"), "<OSDToken>OsdToken_1</OSDToken>");
}

#[tokio::test]
async fn masks_are_drawn_in_the_pictures_coordinates() {
    let masks = r#"<tr2:GetMasksResponse><tr2:Masks token="m1"><tr2:ConfigurationToken>vsc1</tr2:ConfigurationToken><tr2:Polygon>
        <tt:Point x="-1" y="1"/><tt:Point x="0" y="1"/><tt:Point x="0" y="0"/></tr2:Polygon><tr2:Type>Color</tr2:Type>
        <tr2:Color X="0" Y="0" Z="0"/><tr2:Enabled>true</tr2:Enabled></tr2:Masks></tr2:GetMasksResponse>"#;
    let options = r#"<tr2:GetMaskOptionsResponse><tr2:Options RectangleOnly="true" SingleColorOnly="false"><tr2:MaxMasks>4</tr2:MaxMasks>
        <tr2:MaxPoints>4</tr2:MaxPoints><tr2:Types>Color</tr2:Types><tr2:Types>Pixelated</tr2:Types></tr2:Options></tr2:GetMaskOptionsResponse>"#;
    let table = Table::start(
        &["media", "media2"],
        &[
            PROFILES2,
            ("media2", "GetMasks", masks),
            ("media2", "GetMaskOptions", options),
            ("media2", "SetMask", "<R/>"),
            ("media2", "CreateMask", "<R><tr2:Token>m2</tr2:Token></R>"),
            ("media2", "DeleteMask", "<R/>"),
        ],
    )
    .await;
    let camera = table.connect().await;
    let profile = camera.profiles().await.unwrap().remove(0);
    let mut mask = camera.masks(&profile).await.unwrap().remove(0);
    assert_eq!(mask.corners, [(0.0, 0.0), (0.5, 0.0), (0.5, 0.5)].map(|(x, y)| Point { x, y }));
    let options = camera.mask_options(&profile).await.unwrap();
    assert!(options.is_rectangle_only && options.most == Some(4), "{options:?}");
    mask = mask.as_rectangle();
    mask.is_on = false;
    camera.set_mask(&mask).await.unwrap();
    insta::assert_snapshot!("set_mask", table.last("SetMask"));
    mask.token.clear();
    assert_eq!(camera.create_mask(&mask).await.unwrap(), "m2");
    insta::assert_snapshot!("create_mask", table.last("CreateMask"));
    mask.token = "m2".to_owned();
    camera.delete_mask(&mask).await.unwrap();
    assert_eq!(table.last("DeleteMask"), "<Token>m2</Token>");
}

#[tokio::test]
async fn a_camera_with_media_only_has_no_masks() {
    let table = Table::start(&["media"], &[PROFILES]).await;
    let camera = table.connect().await;
    let profile = camera.profiles().await.unwrap().remove(0);
    assert!(matches!(camera.masks(&profile).await, Err(Error::NotOffered { .. })));
    assert!(matches!(camera.mask_options(&profile).await, Err(Error::NotOffered { .. })));
}

#[tokio::test]
async fn a_profile_is_made_ready_for_talking() {
    let outputs = r#"<R><trt:Configurations token="AudioOutputConfigToken"><tt:Name>out</tt:Name><tt:OutputToken>a</tt:OutputToken>
        <tt:OutputLevel>50</tt:OutputLevel></trt:Configurations></R>"#;
    let decoders = r#"<R><trt:Configurations token="dec"><tt:Name>d</tt:Name></trt:Configurations></R>"#;
    let formats = "<R><trt:Options><tt:G711DecOptions><tt:Bitrate><tt:Items>64</tt:Items></tt:Bitrate>\
        <tt:SampleRateRange><tt:Items>8</tt:Items></tt:SampleRateRange></tt:G711DecOptions></trt:Options></R>";
    let table = Table::start(
        &["media"],
        &[
            PROFILES,
            ("media", "GetAudioOutputConfigurations", outputs),
            ("media", "GetAudioDecoderConfigurations", decoders),
            ("media", "GetAudioDecoderConfigurationOptions", formats),
            ("media", "AddAudioDecoderConfiguration", "<R/>"),
        ],
    )
    .await;
    let camera = table.connect().await;
    let profile = camera.profiles().await.unwrap().remove(0);
    assert_eq!(camera.audio_outputs().await.unwrap()[0].level, Some(50.0));
    let formats = camera.talk_formats(&profile).await.unwrap();
    assert_eq!((formats[0].encoding.as_str(), &formats[0].sample_rates_khz[..]), ("G711", &[8.0][..]));
    camera.prepare_talk(&profile).await.unwrap();
    // The output was in the profile already; only the decoder was missing.
    assert!(table.asked("AddAudioOutputConfiguration").is_empty());
    assert_eq!(
        table.last("AddAudioDecoderConfiguration"),
        "<ProfileToken>Profile_1</ProfileToken><ConfigurationToken>dec</ConfigurationToken>"
    );
}

#[tokio::test]
async fn metadata_is_switched_on_and_its_stream_is_the_profiles_own() {
    let metadata = r#"<R><tr2:Configurations token="m1"><tt:Name>meta</tt:Name><tt:UseCount>1</tt:UseCount><tt:PTZStatus>
        <tt:Status>true</tt:Status><tt:Position>false</tt:Position></tt:PTZStatus><tt:Multicast/><tt:SessionTimeout>PT60S</tt:SessionTimeout>
        </tr2:Configurations></R>"#;
    let table = Table::start_with(&["media2"], move |asked| {
        Some(match asked.operation.as_str() {
            "GetProfiles" => ok(PROFILES2.2),
            "GetMetadataConfigurations" => ok(metadata),
            "SetMetadataConfiguration" => ok("<R/>"),
            "GetStreamUri" => ok("<R><tr2:Uri>rtsp://10.0.0.1/meta</tr2:Uri></R>"),
            _ => return None,
        })
    })
    .await;
    let camera = table.connect().await;
    let profile = camera.profiles().await.unwrap().remove(0);
    let mut known = camera.metadata().await.unwrap().remove(0);
    assert_eq!((known.has_analytics, known.has_events, known.has_ptz), (None, false, true));
    (known.has_analytics, known.has_events) = (Some(true), true);
    camera.set_metadata(&known).await.unwrap();
    insta::assert_snapshot!("set_metadata", table.last("SetMetadataConfiguration"));
    assert_eq!(camera.metadata_uri(&profile).await.unwrap().as_str(), "rtsp://127.0.0.1/meta");
    assert!(table.asked("AddConfiguration").is_empty());
}

#[tokio::test]
async fn a_camera_that_cannot_name_one_encoder_is_asked_for_all() {
    let all = r#"<R><trt:Configurations token="other"/><trt:Configurations token="VideoEncoderToken_1"><tt:Encoding>JPEG</tt:Encoding>
        <tt:Quality>70</tt:Quality></trt:Configurations></R>"#;
    let table = Table::start(&["media"], &[PROFILES, ("media", "GetVideoEncoderConfigurations", all)]).await;
    let camera = table.connect().await;
    let profile = camera.profiles().await.unwrap().remove(0);
    let encoder = camera.encoder(&profile).await.unwrap();
    assert_eq!((encoder.codec, encoder.quality), (Some(Codec::Mjpeg), Some(70.0)));
}
