//! Cameras that list their streams in odd ways.

use hausrecht_model::Codec;
use hausrecht_onvif::{MediaService, main_and_sub};

use crate::stand_in::{Asked, StandIn, ok};

/// A profile as the first media service lists it.
fn profile(token: &str, lens: &str, encoder: Option<(&str, u32, u32)>) -> String {
    let encoder = encoder.map(|(encoding, width, height)| {
        format!(
            r#"<tt:VideoEncoderConfiguration token="e{token}"><tt:Encoding>{encoding}</tt:Encoding><tt:Resolution>
            <tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution></tt:VideoEncoderConfiguration>"#
        )
    });
    format!(
        r#"<Profiles token="{token}"><tt:Name>{token}</tt:Name><tt:VideoSourceConfiguration token="c{token}">
        <tt:SourceToken>{lens}</tt:SourceToken><tt:Bounds x="0" y="0" width="3840" height="2160"/>
        </tt:VideoSourceConfiguration>{}</Profiles>"#,
        encoder.unwrap_or_default()
    )
}

/// A camera with the first media service only, and these profiles.
async fn with_media(profiles: Vec<String>) -> StandIn {
    StandIn::start(move |asked: &Asked| {
        if asked.uri.path() == "/onvif/media2" {
            return Some(axum::response::IntoResponse::into_response(axum::http::StatusCode::NOT_FOUND));
        }
        let all = profiles.concat();
        asked.is("GetProfiles").then(|| ok(&format!("<GetProfilesResponse>{all}</GetProfilesResponse>")))
    })
    .await
}

async fn chosen(profiles: Vec<String>) -> (String, Option<String>) {
    let camera = with_media(profiles).await.connect("pw").await.unwrap();
    let (main, sub) = main_and_sub(&camera.profiles().await.unwrap()).unwrap();
    assert_eq!(main.service, MediaService::Media);
    (main.token, sub.map(|sub| sub.token))
}

#[tokio::test]
async fn the_sub_stream_of_a_camera_with_two_lenses_shows_what_main_shows() {
    let all = vec![
        profile("heat", "1", Some(("H264", 640, 512))),
        profile("heat-sub", "1", Some(("H264", 320, 256))),
        profile("light", "0", Some(("H264", 2688, 1520))),
        profile("light-sub", "0", Some(("H264", 704, 576))),
    ];
    assert_eq!(chosen(all.clone()).await, ("light".into(), Some("light-sub".into())));
    assert_eq!(chosen(all[..3].to_vec()).await, ("light".into(), None), "no picture of another lens");
}

#[tokio::test]
async fn a_main_stream_whose_h265_the_first_service_leaves_out_stays_main() {
    let all = vec![profile("main", "0", None), profile("sub", "0", Some(("H264", 640, 360)))];
    assert_eq!(chosen(all).await, ("main".into(), Some("sub".into())));
}

#[tokio::test]
async fn metadata_and_foreign_codecs_are_no_main_stream() {
    let metadata = r#"<Profiles token="meta"><tt:Name>meta</tt:Name>
        <tt:MetadataConfiguration token="m"/></Profiles>"#;
    let all = vec![
        metadata.to_owned(),
        profile("old", "0", Some(("MPEG4", 1280, 720))),
        profile("pictures", "0", Some(("JPEG", 640, 360))),
    ];
    let stand_in = with_media(all.clone()).await;
    let listed = stand_in.connect("pw").await.unwrap().profiles().await.unwrap();
    assert_eq!(listed.len(), 3, "they are listed, for their other parts");
    assert_eq!(listed[1].foreign_codec.as_deref(), Some("MPEG4"));
    assert_eq!(listed[2].codec, Some(Codec::Mjpeg));
    assert_eq!(chosen(all).await, ("pictures".into(), None));
}
