//! Searches: started, paged through within bounds, and always ended, because cameras have few of them.

use hausrecht_model::UnixMicros;

use super::{Recording, Span};
use crate::{
    Error,
    camera::{
        Camera,
        read::{listed, text},
        services::Part,
    },
    topics::{Meaning, meaning},
    xml::{Element, escape},
};

/// Results asked for at once.
const PAGE: usize = 100;
/// Pages at most: a camera that never completes a search does not hold us for ever.
const PAGES_MAX: usize = 100;
/// Pages in a row that may be empty while the camera still searches, five seconds each.
const EMPTY_PAGES_MAX: usize = 6;
/// The topics that tell where a recording has data.
const HISTORY: [&str; 2] = ["RecordingHistory/Track/State", "RecordingHistory/Recording/State"];

/// Asks for these topics alone. Cameras cut long lists off, and a day of motion would hide where recording began and ended.
/// ONVIF Recording Search Service Specification, 5.11 (event filter) and Core Specification, 9.6.3 (topic expression).
const HISTORY_FILTER: &str = "<SearchFilter><wsnt:TopicExpression xmlns:wsnt=\"http://docs.oasis-open.org/wsn/b-2\" \
    xmlns:tns1=\"http://www.onvif.org/ver10/topics\" \
    Dialect=\"http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet\">tns1:RecordingHistory//.\
    </wsnt:TopicExpression></SearchFilter>";

/// Something that a camera kept together with its recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// The recording that it belongs to.
    pub recording: String,
    /// The track that it belongs to; empty if none.
    pub track: String,
    /// When, in our time.
    pub at: UnixMicros,
    /// The topic without prefixes.
    pub topic: String,
    /// What: names and values.
    pub data: Vec<(String, String)>,
    /// Whether this only tells the state at the beginning of the search.
    pub is_start_state: bool,
}

impl RecordedEvent {
    /// What this means in Hausrecht's own terms.
    pub fn meaning(&self) -> Meaning {
        meaning(&self.topic, &self.data)
    }

    fn is_data_there(&self) -> Option<bool> {
        let names = ["IsDataPresent", "IsRecording"];
        let value = self.data.iter().find(|(name, _)| names.contains(&name.as_str()))?;
        Some(matches!(value.1.as_str(), "true" | "1"))
    }
}

impl Camera {
    /// Finds what the camera noted within `span`, oldest first, in one recording or in all. FindEvents.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] without the search service.
    pub async fn find_events(
        &self,
        span: Span,
        recording: Option<&str>,
    ) -> Result<Vec<RecordedEvent>, Error> {
        self.events_found(span, recording, "<SearchFilter/>").await
    }

    async fn events_found(
        &self,
        span: Span,
        recording: Option<&str>,
        filter: &str,
    ) -> Result<Vec<RecordedEvent>, Error> {
        let included = recording
            .map(|token| format!("<tt:IncludedRecordings>{}</tt:IncludedRecordings>", escape(token)));
        let content = format!(
            "<StartPoint>{}</StartPoint><EndPoint>{}</EndPoint><Scope>{}</Scope>{filter}\
             <IncludeStartState>true</IncludeStartState><KeepAliveTime>PT60S</KeepAliveTime>",
            self.camera_time(span.from),
            self.camera_time(span.until),
            included.unwrap_or_default()
        );
        let names = ["FindEvents", "GetEventSearchResults"];
        let found = self.search(names, &content, &["Result"]).await?;
        let mut events: Vec<_> = found.iter().filter_map(|result| self.read_event(result)).collect();
        events.sort_by_key(|event| event.at);
        Ok(events)
    }

    pub(super) async fn find_recordings(&self) -> Result<Vec<Recording>, Error> {
        let content = "<Scope/><KeepAliveTime>PT60S</KeepAliveTime>";
        let names = ["FindRecordings", "GetRecordingSearchResults"];
        let found = self.search(names, content, &["RecordingInformation"]).await?;
        let mut recordings: Vec<Recording> = Vec::new();
        for recording in found.iter().filter_map(|item| self.read_recording(item)) {
            if recordings.iter().all(|known| known.token != recording.token) {
                recordings.push(recording);
            }
        }
        Ok(recordings)
    }

    /// Where `recording` has data within `whole`; `None` if the camera does not tell.
    pub(super) async fn spans_with_data(
        &self,
        recording: &str,
        whole: Span,
    ) -> Result<Option<Vec<Span>>, Error> {
        let told = match self.events_found(whole, Some(recording), HISTORY_FILTER).await {
            Ok(events) => spans(&events, recording, whole),
            // Not every camera knows filters.
            Err(Error::Fault { .. }) => None,
            Err(error) => return Err(error),
        };
        if told.is_some() {
            return Ok(told);
        }
        let events = self.find_events(whole, Some(recording)).await?;
        Ok(spans(&events, recording, whole))
    }

    /// Starts a search, pages through it, and ends it.
    async fn search(
        &self,
        [start, page]: [&'static str; 2],
        content: &str,
        results: &[&str],
    ) -> Result<Vec<Element>, Error> {
        let body = self.ask(Part::Search, start, content).await?;
        let token =
            text(&body, &["SearchToken"]).ok_or_else(|| self.unreadable(start, "it names no search"))?;
        let token = escape(&token);
        let found = self.pages(page, &token, results).await;
        let end = format!("<SearchToken>{token}</SearchToken>");
        if let Err(error) = self.ask(Part::Search, "EndSearch", &end).await {
            tracing::debug!(%error, "a search ends by itself");
        }
        found
    }

    async fn pages(&self, page: &'static str, token: &str, results: &[&str]) -> Result<Vec<Element>, Error> {
        let content = format!(
            "<SearchToken>{token}</SearchToken><MinResults>1</MinResults><MaxResults>{PAGE}</MaxResults>\
             <WaitTime>PT5S</WaitTime>"
        );
        let mut found = Vec::new();
        let mut empty = 0;
        for _ in 0..PAGES_MAX {
            let body = match self.ask(Part::Search, page, &content).await {
                // Some cameras forget a search as soon as its last result is told.
                Err(Error::Fault { .. }) if !found.is_empty() => break,
                result => result?,
            };
            let list = body.child("ResultList").unwrap_or(&body);
            let before = found.len();
            found.extend(listed(list, results).take(PAGE).cloned());
            empty = if found.len() == before { empty + 1 } else { 0 };
            let is_searching = match list.text_at(&["SearchState"]) {
                Some("Queued" | "Searching") => true,
                // Some cameras never say; a full page may be followed by another.
                Some("Unknown") | None => found.len() - before >= PAGE,
                Some(_) => false,
            };
            if !is_searching || empty >= EMPTY_PAGES_MAX {
                break;
            }
        }
        Ok(found)
    }

    fn read_event(&self, result: &Element) -> Option<RecordedEvent> {
        let event = result.child("Event")?;
        let topic = event.find("Topic")?.text.trim().split('/');
        let topic: Vec<_> = topic.map(|level| level.rsplit(':').next().unwrap_or(level)).collect();
        let data = event.find("Data").into_iter().flat_map(|data| data.children("SimpleItem"));
        let data = data.filter_map(|item| {
            Some((item.attribute("Name")?.to_owned(), item.attribute("Value")?.to_owned()))
        });
        Some(RecordedEvent {
            recording: text(result, &["RecordingToken"]).unwrap_or_default(),
            track: text(result, &["TrackToken"]).unwrap_or_default(),
            at: self.time_at(result, &["Time"])?,
            topic: topic.join("/"),
            data: data.take(64).collect(),
            is_start_state: result
                .text_at(&["StartStateEvent"])
                .is_some_and(|flag| matches!(flag, "true" | "1")),
        })
    }
}

/// Puts the begins and ends of data together to spans. Several tracks overlap: there is data while any has some.
fn spans(events: &[RecordedEvent], recording: &str, whole: Span) -> Option<Vec<Span>> {
    let of_this = |event: &&RecordedEvent| event.recording.is_empty() || event.recording == recording;
    let tells = |event: &&RecordedEvent| HISTORY.contains(&event.topic.as_str());
    let mut is_told = false;
    let mut open: Vec<&str> = Vec::new();
    let mut since = None;
    let mut spans = Vec::new();
    for event in events.iter().filter(of_this).filter(tells) {
        let Some(is_there) = event.is_data_there() else { continue };
        is_told = true;
        let at = event.at.max(whole.from);
        if is_there {
            if !open.contains(&event.track.as_str()) {
                open.push(&event.track);
            }
            since.get_or_insert(at);
        } else {
            open.retain(|track| *track != event.track);
            // An end without a begin: the data was there from the start.
            if open.is_empty() {
                let from = since.take().unwrap_or(if spans.is_empty() { whole.from } else { at });
                spans.extend(whole.common(Span { from, until: at }));
            }
        }
    }
    if let Some(from) = since {
        spans.extend(whole.common(Span { from, until: whole.until }));
    }
    is_told.then_some(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: i64, track: &str, is_there: bool, is_start_state: bool) -> RecordedEvent {
        RecordedEvent {
            recording: "r".to_owned(),
            track: track.to_owned(),
            at: UnixMicros(at),
            topic: HISTORY[0].to_owned(),
            data: vec![("IsDataPresent".to_owned(), is_there.to_string())],
            is_start_state,
        }
    }

    fn found(events: &[RecordedEvent]) -> Option<Vec<(i64, i64)>> {
        let whole = Span { from: UnixMicros(0), until: UnixMicros(100) };
        let spans = spans(events, "r", whole)?;
        Some(spans.into_iter().map(|span| (span.from.0, span.until.0)).collect())
    }

    #[test]
    fn there_is_data_while_any_track_has_some() {
        let events = [
            event(-5, "v", true, true),
            event(10, "a", true, false),
            event(20, "v", false, false),
            event(30, "a", false, false),
            event(60, "v", true, false),
        ];
        assert_eq!(found(&events), Some(vec![(0, 30), (60, 100)]));
    }

    #[test]
    fn nothing_at_the_start_and_an_end_without_begin() {
        assert_eq!(found(&[event(0, "v", false, true)]), Some(vec![]));
        assert_eq!(found(&[event(40, "v", false, false)]), Some(vec![(0, 40)]));
        assert_eq!(found(&[]), None);
    }
}
