//! The card: what is on it, searching it, and where to watch it. ONVIF Recording Control, Recording Search and Replay Control
//! Service Specifications; together Profile G.

use hausrecht_model::UnixMicros;

use super::{Caller, Fault, missing, number, required, shape::SOURCE};
use crate::{
    camera::{Camera, MANUFACTURER},
    card::{Found, Span, movement, spans},
    footage::Stream,
    rtsp::REPLAY_MOUNT,
    soap::{Element, escape},
};

const RECORDING: &str = "card";
const TRACK: &str = "video";
/// Results of a search at most.
const MOST_RESULTS: usize = 1000;
const NO_RECORDING: &[&str] = &["ter:InvalidArgVal", "ter:NoRecording"];

/// The body of the answer to `operation`, which came to the recording service.
pub(super) fn recording(camera: &Camera, operation: &Element) -> Result<String, Fault> {
    let name = operation.name.as_str();
    let respond = |content: String| Ok(format!("<trc:{name}Response>{content}</trc:{name}Response>"));
    let track = "<tt:Configuration><tt:TrackType>Video</tt:TrackType><tt:Description>Main stream</tt:Description></tt:Configuration>";
    match name {
        "GetServiceCapabilities" => respond(
            "<trc:Capabilities DynamicRecordings=\"false\" DynamicTracks=\"false\" Encoding=\"H264\" MaxRecordings=\"1\" \
             MaxRecordingJobs=\"1\" Options=\"false\" MetadataRecording=\"false\"/>"
                .to_owned(),
        ),
        "GetRecordings" => respond(format!(
            "<trc:RecordingItem><tt:RecordingToken>{RECORDING}</tt:RecordingToken><tt:Configuration>{}</tt:Configuration>\
             <tt:Tracks><tt:Track><tt:TrackToken>{TRACK}</tt:TrackToken>{track}</tt:Track></tt:Tracks></trc:RecordingItem>",
            configuration(camera)
        )),
        "GetRecordingConfiguration" => {
            named(operation)?;
            respond(format!("<trc:RecordingConfiguration>{}</trc:RecordingConfiguration>", configuration(camera)))
        }
        "GetRecordingJobs" => respond(format!(
            "<trc:JobItem><tt:JobToken>job</tt:JobToken><tt:JobConfiguration><tt:RecordingToken>{RECORDING}</tt:RecordingToken>\
             <tt:Mode>Active</tt:Mode><tt:Priority>1</tt:Priority><tt:Source><tt:SourceToken \
             Type=\"http://www.onvif.org/ver10/schema/Profile\"><tt:Token>{}</tt:Token></tt:SourceToken>\
             <tt:Tracks><tt:SourceTag>video</tt:SourceTag><tt:Destination>{TRACK}</tt:Destination></tt:Tracks></tt:Source>\
             </tt:JobConfiguration></trc:JobItem>",
            Stream::Main.token()
        )),
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}

fn named(operation: &Element) -> Result<(), Fault> {
    match required(operation, "RecordingToken")? {
        RECORDING => Ok(()),
        other => Err(missing(NO_RECORDING, other)),
    }
}

fn source(camera: &Camera) -> String {
    format!(
        "<tt:Source><tt:SourceId>urn:uuid:{}</tt:SourceId><tt:Name>{}</tt:Name><tt:Location>demo</tt:Location>\
         <tt:Description>{MANUFACTURER}</tt:Description><tt:Address>urn:uuid:{}</tt:Address></tt:Source>",
        camera.uuid,
        escape(&camera.name),
        camera.uuid
    )
}

fn configuration(camera: &Camera) -> String {
    format!(
        "{}<tt:Content>Main stream</tt:Content><tt:MaximumRetentionTime>PT24H</tt:MaximumRetentionTime>",
        source(camera)
    )
}

/// From the oldest picture to the newest; the same time twice on an empty card.
fn extent(all: &[Span], now: UnixMicros) -> Span {
    let from = all.first().map_or(now, |span| span.from);
    Span { from, until: all.last().map_or(now, |span| span.until) }
}

fn information(camera: &Camera, tag: &str) -> String {
    let now = camera.loop_clock.camera_time();
    let all = spans(now);
    let extent = extent(&all, now);
    let status = if extent.until == now { "Recording" } else { "Stopped" };
    format!(
        "<{tag}><tt:RecordingToken>{RECORDING}</tt:RecordingToken>{}<tt:EarliestRecording>{}</tt:EarliestRecording>\
         <tt:LatestRecording>{}</tt:LatestRecording><tt:Content>Main stream</tt:Content>\
         <tt:Track><tt:TrackToken>{TRACK}</tt:TrackToken><tt:TrackType>Video</tt:TrackType><tt:Description>Main stream</tt:Description>\
         <tt:DataFrom>{}</tt:DataFrom><tt:DataTo>{}</tt:DataTo></tt:Track><tt:RecordingStatus>{status}</tt:RecordingStatus></{tag}>",
        source(camera),
        extent.from,
        extent.until,
        extent.from,
        extent.until,
    )
}

/// The body of the answer to `operation`, which came to the search service.
pub(super) fn search(camera: &Camera, operation: &Element) -> Result<String, Fault> {
    let name = operation.name.as_str();
    let respond = |content: String| Ok(format!("<tse:{name}Response>{content}</tse:{name}Response>"));
    let now = camera.loop_clock.camera_time();
    match name {
        "GetServiceCapabilities" => {
            respond("<tse:Capabilities MetadataSearch=\"false\" GeneralStartEvents=\"true\"/>".to_owned())
        }
        "GetRecordingSummary" => {
            let extent = extent(&spans(now), now);
            respond(format!(
                "<tse:Summary><tt:DataFrom>{}</tt:DataFrom><tt:DataUntil>{}</tt:DataUntil>\
                 <tt:NumberRecordings>1</tt:NumberRecordings></tse:Summary>",
                extent.from, extent.until
            ))
        }
        "GetRecordingInformation" => {
            named(operation)?;
            respond(information(camera, "tse:RecordingInformation"))
        }
        "FindRecordings" => {
            let wanted: Vec<&str> = scope_recordings(operation);
            let results = if wanted.is_empty() || wanted.contains(&RECORDING) {
                vec![information(camera, "tt:RecordingInformation")]
            } else {
                Vec::new()
            };
            respond(begun(camera, Found { events: false, results, until: now }))
        }
        "FindEvents" => {
            let found = find_events(camera, operation, now)?;
            respond(begun(camera, found))
        }
        "GetRecordingSearchResults" => respond(results(camera, operation, false)?),
        "GetEventSearchResults" => respond(results(camera, operation, true)?),
        "EndSearch" => {
            let token = required(operation, "SearchToken")?;
            let ended = token.parse().ok().and_then(|number| camera.searches.end(number));
            let until = ended.ok_or_else(|| no_search(token))?;
            respond(format!("<tse:Endpoint>{until}</tse:Endpoint>"))
        }
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}

fn scope_recordings(operation: &Element) -> Vec<&str> {
    operation.child("Scope").map(|scope| scope.texts("IncludedRecordings").collect()).unwrap_or_default()
}

fn no_search(token: &str) -> Fault {
    missing(&["ter:InvalidArgVal", "ter:InvalidToken"], token)
}

fn begun(camera: &Camera, found: Found) -> String {
    format!("<tse:SearchToken>{}</tse:SearchToken>", camera.searches.begin(found))
}

fn results(camera: &Camera, operation: &Element, events: bool) -> Result<String, Fault> {
    let token = required(operation, "SearchToken")?;
    let limit: usize = number(operation, "MaxResults")?.unwrap_or(MOST_RESULTS);
    let fetched = token.parse().ok().and_then(|number| camera.searches.fetch(number, events, limit.max(1)));
    let (some, last) = fetched.ok_or_else(|| no_search(token))?;
    let state = if last { "Completed" } else { "Searching" };
    Ok(format!("<tse:ResultList><tt:SearchState>{state}</tt:SearchState>{}</tse:ResultList>", some.concat()))
}

/// Events between two times: where recording began and ended, and what moved while there was one.
fn find_events(camera: &Camera, operation: &Element, now: UnixMicros) -> Result<Found, Fault> {
    let time = |name: &str| {
        let parse = |text: &str| {
            let time = text.parse::<jiff::Timestamp>();
            time.map(|time| UnixMicros(time.as_microsecond()))
                .map_err(|_| Fault::InvalidArgument(format!("{name}: “{text}” is no time")))
        };
        operation.text_of(name).map(parse).transpose()
    };
    let start =
        time("StartPoint")?.ok_or_else(|| Fault::InvalidArgument("StartPoint is missing".to_owned()))?;
    let end = time("EndPoint")?.unwrap_or(now);
    let (from, until, backward) = if end < start { (end, start, true) } else { (start, end, false) };
    let wanted = scope_recordings(operation);
    let limit = number(operation, "MaxMatches")?.unwrap_or(MOST_RESULTS).clamp(1, MOST_RESULTS);
    let all = spans(now);
    let mut changes = Vec::new();
    if wanted.is_empty() || wanted.contains(&RECORDING) {
        let includes_start =
            operation.text_of("IncludeStartState").is_some_and(|text| matches!(text, "true" | "1"));
        if includes_start && !backward {
            let there = all.iter().any(|span| span.from <= from && from < span.until);
            changes.push((from, result(from, &data_present(there), from, true)));
        }
        for span in &all {
            // The last span is still growing; nothing has ended it.
            for (at, there) in [(span.from, true), (span.until, false)] {
                if (from..=until).contains(&at) && at < now {
                    changes.push((at, result(at, &data_present(there), at, false)));
                }
            }
            let (first, last) = (from.max(span.from), until.min(span.until));
            if first <= last {
                for (at, on) in movement(&camera.footage, first, last, limit) {
                    changes.push((at, result(at, &motion(on), at, false)));
                }
            }
        }
    }
    if let Some(topic) = operation.child("SearchFilter").and_then(|filter| filter.text_of("TopicExpression"))
    {
        let names: Vec<&str> = topic.split('|').map(|name| name.trim().trim_end_matches("//.")).collect();
        changes.retain(|(_, xml)| names.iter().any(|name| xml.contains(&*escape(name))));
    }
    changes.sort_by_key(|&(at, _)| at);
    if backward {
        changes.reverse();
    }
    changes.truncate(limit);
    Ok(Found { events: true, results: changes.into_iter().map(|(_, xml)| xml).collect(), until: end })
}

fn data_present(there: bool) -> String {
    format!(
        "tns1:RecordingHistory/Track/State|<tt:SimpleItem Name=\"RecordingToken\" Value=\"{RECORDING}\"/>\
         <tt:SimpleItem Name=\"Track\" Value=\"{TRACK}\"/>|<tt:SimpleItem Name=\"IsDataPresent\" Value=\"{there}\"/>"
    )
}

fn motion(on: bool) -> String {
    format!(
        "tns1:RuleEngine/CellMotionDetector/Motion|<tt:SimpleItem Name=\"VideoSourceConfigurationToken\" Value=\"{SOURCE}\"/>\
         <tt:SimpleItem Name=\"VideoAnalyticsConfigurationToken\" Value=\"analytics\"/>\
         <tt:SimpleItem Name=\"Rule\" Value=\"MyMotionDetectorRule\"/>|<tt:SimpleItem Name=\"IsMotion\" Value=\"{on}\"/>"
    )
}

/// One result; `what` is topic, source and data with bars between.
fn result(at: UnixMicros, what: &str, time: UnixMicros, is_start: bool) -> String {
    let mut parts = what.split('|');
    let mut part = || parts.next().unwrap_or_default();
    let (topic, source, data) = (part(), part(), part());
    format!(
        "<tt:Result><tt:RecordingToken>{RECORDING}</tt:RecordingToken><tt:TrackToken>{TRACK}</tt:TrackToken><tt:Time>{time}</tt:Time>\
         <tt:Event><wsnt:Topic Dialect=\"http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet\">{topic}</wsnt:Topic>\
         <wsnt:Message><tt:Message UtcTime=\"{at}\" PropertyOperation=\"{}\"><tt:Source>{source}</tt:Source><tt:Data>{data}</tt:Data>\
         </tt:Message></wsnt:Message></tt:Event><tt:StartStateEvent>{is_start}</tt:StartStateEvent></tt:Result>",
        if is_start { "Initialized" } else { "Changed" }
    )
}

/// The body of the answer to `operation`, which came to the replay service.
pub(super) fn replay(operation: &Element, caller: &Caller) -> Result<String, Fault> {
    let name = operation.name.as_str();
    let respond = |content: String| Ok(format!("<trp:{name}Response>{content}</trp:{name}Response>"));
    match name {
        "GetServiceCapabilities" => respond(
            "<trp:Capabilities ReversePlayback=\"false\" SessionTimeoutRange=\"60 60\" RTP_RTSP_TCP=\"true\"/>".to_owned(),
        ),
        "GetReplayConfiguration" => respond(
            "<trp:Configuration><tt:SessionTimeout>PT60S</tt:SessionTimeout></trp:Configuration>".to_owned(),
        ),
        "GetReplayUri" => {
            named(operation)?;
            respond(format!("<trp:Uri>{}{REPLAY_MOUNT}</trp:Uri>", escape(&caller.rtsp)))
        }
        other => Err(Fault::NotSupported(other.to_owned())),
    }
}
