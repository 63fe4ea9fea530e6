//! What is kept on the camera's own card.

use std::sync::atomic::{AtomicUsize, Ordering};

use hausrecht_model::UnixMicros;
use hausrecht_onvif::{Error, camera::Span};

use crate::table::{Table, fault, ok};

const SECOND_US: i64 = 1_000_000;

/// 2023-11-14, from one time of day to another.
fn span(from_s: i64, until_s: i64) -> Span {
    let midnight_us = 1_699_920_000 * SECOND_US;
    let at = |seconds: i64| UnixMicros(midnight_us + seconds * SECOND_US);
    Span { from: at(from_s), until: at(until_s) }
}

fn recording(token: &str) -> String {
    format!(
        "<tt:RecordingInformation><tt:RecordingToken>{token}</tt:RecordingToken><tt:Source><tt:Name>Lens {token}</tt:Name></tt:Source>\
         <tt:EarliestRecording>2023-11-14T00:00:00Z</tt:EarliestRecording><tt:LatestRecording>2023-11-14T12:00:00</tt:LatestRecording>\
         <tt:Track><tt:TrackType>Video</tt:TrackType></tt:Track></tt:RecordingInformation>"
    )
}

fn state(time: &str, is_there: bool) -> String {
    format!(
        r#"<tt:Result><tt:RecordingToken>r1</tt:RecordingToken><tt:TrackToken>v</tt:TrackToken><tt:Time>{time}</tt:Time><tt:Event>
        <wsnt:Topic>tns1:RecordingHistory/Track/State</wsnt:Topic><wsnt:Message><tt:Message><tt:Data>
        <tt:SimpleItem Value="{is_there}" Name="IsDataPresent"/></tt:Data></tt:Message></wsnt:Message></tt:Event>
        <tt:StartStateEvent>false</tt:StartStateEvent></tt:Result>"#
    )
}

#[tokio::test]
async fn recordings_are_paged_through_and_their_gaps_are_told() {
    let pages = AtomicUsize::new(0);
    let table = Table::start_with(&["search", "replay"], move |asked| {
        let list = |state: &str, items: &str| {
            ok(&format!("<R><ResultList><tt:SearchState>{state}</tt:SearchState>{items}</ResultList></R>"))
        };
        Some(match asked.operation.as_str() {
            "FindRecordings" => ok("<R><SearchToken>s1</SearchToken></R>"),
            "FindEvents" => ok("<R><SearchToken>s2</SearchToken></R>"),
            "GetRecordingSearchResults" => match pages.fetch_add(1, Ordering::SeqCst) {
                0 => list("Searching", ""),
                1 => list("Searching", &recording("r1")),
                _ => list("Completed", &recording("r2")),
            },
            "GetEventSearchResults" => {
                let events = [state("2023-11-14T01:00:00Z", false), state("2023-11-14T02:00:00Z", true)];
                list("Completed", &events.concat())
            }
            "EndSearch" => ok("<R/>"),
            "GetReplayUri" => ok("<R><Uri>rtsp://192.168.0.9:554/replay?r=1</Uri></R>"),
            _ => return None,
        })
    })
    .await;
    let camera = table.connect().await;
    let found = camera.recordings(span(1_800, 100_000)).await.unwrap();
    let told: Vec<_> =
        found.iter().map(|found| (found.recording.as_str(), found.span, found.is_exact)).collect();
    assert_eq!(
        told,
        [
            ("r1", span(1_800, 3_600), true),
            // Nothing is told of the second one's gaps: all of it is there as far as is known.
            ("r2", span(1_800, 43_200), false),
            ("r1", span(7_200, 43_200), true),
        ]
    );
    assert_eq!(found[0].source, "Lens r1");
    // The second one is asked once more without a filter.
    assert_eq!(table.asked("FindEvents").len(), 3);
    assert_eq!(table.asked("EndSearch").len(), 4);
    insta::assert_snapshot!(table.asked("FindEvents")[0].content());
    assert_eq!(camera.replay_uri("r1").await.unwrap().as_str(), "rtsp://127.0.0.1:554/replay?r=1");
}

#[tokio::test]
async fn a_camera_that_refuses_filters_tells_its_gaps_all_the_same() {
    let table = Table::start_with(&["search"], |asked| {
        let list = |items: &str| {
            ok(&format!("<R><ResultList><tt:SearchState>Completed</tt:SearchState>{items}</ResultList></R>"))
        };
        Some(match asked.operation.as_str() {
            "FindRecordings" => ok("<R><SearchToken>s1</SearchToken></R>"),
            "FindEvents" if asked.content().contains("TopicExpression") => {
                fault(400, "InvalidFilterFault", "what filter?")
            }
            "FindEvents" => ok("<R><SearchToken>s2</SearchToken></R>"),
            "GetRecordingSearchResults" => list(&recording("r1")),
            "GetEventSearchResults" => list(&state("2023-11-14T01:00:00Z", false)),
            "EndSearch" => ok("<R/>"),
            _ => return None,
        })
    })
    .await;
    let found = table.connect().await.recordings(span(0, 100_000)).await.unwrap();
    let told: Vec<_> = found.iter().map(|found| (found.span, found.is_exact)).collect();
    assert_eq!(told, [(span(0, 3_600), true)]);
}

#[tokio::test]
async fn a_search_that_never_ends_is_ended() {
    let table = Table::start_with(&["search"], |asked| {
        Some(match asked.operation.as_str() {
            "FindRecordings" => ok("<R><SearchToken>s1</SearchToken></R>"),
            "GetRecordingSearchResults" => {
                ok("<R><ResultList><tt:SearchState>Searching</tt:SearchState></ResultList></R>")
            }
            "EndSearch" => fault(400, "InvalidToken", "which search?"),
            _ => return None,
        })
    })
    .await;
    let camera = table.connect().await;
    assert_eq!(camera.recordings(span(0, 10)).await.unwrap(), []);
    assert_eq!(table.asked("GetRecordingSearchResults").len(), 6);
    assert_eq!(table.asked("EndSearch").len(), 1);
}

#[tokio::test]
async fn a_camera_that_cannot_search_lists_what_it_records() {
    let table = Table::start(
        &["search", "recording"],
        &[
            (
                "search",
                "GetRecordingSummary",
                "<R><Summary><tt:DataFrom>2023-11-14T00:00:00Z</tt:DataFrom><tt:DataUntil>2023-11-14T01:00:00Z</tt:DataUntil>\
                 <tt:NumberRecordings>1</tt:NumberRecordings></Summary></R>",
            ),
            (
                "recording",
                "GetRecordings",
                "<R><RecordingItem><tt:RecordingToken>only</tt:RecordingToken><tt:Configuration><tt:Source><tt:Name>Door</tt:Name>\
                 </tt:Source></tt:Configuration><tt:Tracks><tt:Track><tt:Configuration><tt:TrackType>Video</tt:TrackType>\
                 </tt:Configuration></tt:Track></tt:Tracks></RecordingItem></R>",
            ),
        ],
    )
    .await;
    let camera = table.connect().await;
    let found = camera.recordings(span(600, 100_000)).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].span, found[0].is_exact), (span(600, 3_600), false));
    assert!(matches!(camera.replay_uri("only").await, Err(Error::NotOffered { .. })));
}
