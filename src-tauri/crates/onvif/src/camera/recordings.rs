//! What is kept on the camera's own card (Profile G): what there is, when, and where it is played.
//!
//! All times are ours: the camera's corrected by its clock offset. The RTSP range of a replay wants the camera's own,
//! see [`Camera::camera_time`].

mod search;

use hausrecht_model::UnixMicros;
use url::Url;

pub use self::search::RecordedEvent;
use super::{
    Camera,
    media::named_uri,
    read::{count, listed, text, time},
    services::Part,
};
use crate::{
    Error,
    xml::{Element, escape},
};

/// Cameras tell their time in whole seconds: below this, their clock is as good as what is known of its error.
const OFFSET_SEEN_US: i64 = 1_500_000;

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct Span {
    /// The first moment.
    pub from: UnixMicros,
    /// The first moment after it.
    pub until: UnixMicros,
}

impl Span {
    /// What both have in common.
    pub(super) fn common(self, other: Self) -> Option<Self> {
        let both = Self { from: self.from.max(other.from), until: self.until.min(other.until) };
        (both.from < both.until).then_some(both)
    }
}

/// All that is kept, in one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct RecordingSummary {
    /// When the oldest begins; `None` if not said.
    pub from: Option<UnixMicros>,
    /// When the newest ends; `None` if not said.
    pub until: Option<UnixMicros>,
    /// How many there are.
    pub count: u32,
}

/// A recording: usually one for each lens, which goes on for ever and has gaps.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct Recording {
    /// The camera's id of it.
    pub token: String,
    /// The camera's name of what was recorded.
    pub source: String,
    /// When its oldest picture was taken; `None` if not said.
    pub from: Option<UnixMicros>,
    /// When its newest was; `None` if not said.
    pub until: Option<UnixMicros>,
    /// Whether it has pictures; `true` if not said.
    pub has_video: bool,
    /// Whether it has sound.
    pub has_audio: bool,
}

/// A stretch without a gap, as far as the camera says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, specta::Type)]
pub struct RecordedSpan {
    /// The recording that it belongs to, for [`Camera::replay_uri`].
    pub recording: String,
    /// The camera's name of what was recorded.
    pub source: String,
    /// From when to when.
    pub span: Span,
    /// Whether the camera told where the gaps are. If not, there may be gaps inside.
    pub is_exact: bool,
}

impl Camera {
    /// Asks for a summary of all that is kept. GetRecordingSummary.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] without the search service.
    pub async fn recording_summary(&self) -> Result<RecordingSummary, Error> {
        let body = self.ask(Part::Search, "GetRecordingSummary", "").await?;
        let summary = body.child("Summary").unwrap_or(&body);
        Ok(RecordingSummary {
            from: self.time_at(summary, &["DataFrom"]),
            until: self.time_at(summary, &["DataUntil"]),
            count: count(summary, &["NumberRecordings"]).unwrap_or(0),
        })
    }

    /// Asks for all recordings: by a search, and by the list of the recording service where a camera cannot search.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] if it has neither service.
    pub async fn all_recordings(&self) -> Result<Vec<Recording>, Error> {
        let searched = self.find_recordings().await;
        match searched {
            Ok(found) if !found.is_empty() || !self.has(Part::Recording) => Ok(found),
            Err(error) if error.needs_a_person() || !self.has(Part::Recording) => Err(error),
            Ok(_) | Err(_) => self.listed_recordings().await,
        }
    }

    /// Tells what is kept within `span`, oldest first, with the gaps where the camera tells them. The search is
    /// bounded: of a camera with more than some ten thousand gaps, the oldest are told.
    ///
    /// # Errors
    /// As [`Camera::all_recordings`].
    pub async fn recordings(&self, span: Span) -> Result<Vec<RecordedSpan>, Error> {
        let mut all = Vec::new();
        for recording in self.all_recordings().await? {
            let whole = Span {
                from: recording.from.unwrap_or(span.from),
                until: recording.until.unwrap_or(span.until),
            };
            let Some(whole) = whole.common(span) else { continue };
            let exact = match self.spans_with_data(&recording.token, whole).await {
                Ok(spans) => spans,
                Err(error) if error.needs_a_person() => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, "the camera does not tell gaps");
                    None
                }
            };
            let is_exact = exact.is_some();
            for span in exact.unwrap_or_else(|| vec![whole]) {
                let Recording { token, source, .. } = &recording;
                let (recording, source) = (token.clone(), source.clone());
                all.push(RecordedSpan { recording, source, span, is_exact });
            }
        }
        all.sort_by_key(|recorded| recorded.span.from);
        Ok(all)
    }

    /// Asks where a recording is played over RTSP: without credentials, at the host that answers. GetReplayUri.
    ///
    /// # Errors
    /// What the camera answers instead; [`Error::NotOffered`] without the replay service.
    pub async fn replay_uri(&self, recording: &str) -> Result<Url, Error> {
        let content = format!(
            "<StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol>\
             </tt:Transport></StreamSetup><RecordingToken>{}</RecordingToken>",
            escape(recording)
        );
        let body = self.ask(Part::Replay, "GetReplayUri", &content).await?;
        named_uri(&self.0.session, &body, Part::Replay.words())
    }

    /// What the camera's clock shows, or showed, at this time of ours: for the range of an RTSP replay.
    pub fn camera_time(&self, ours: UnixMicros) -> UnixMicros {
        UnixMicros(ours.0.saturating_add(self.seen_offset_us()))
    }

    /// Our time of a time that the camera tells.
    fn our_time(&self, theirs: UnixMicros) -> UnixMicros {
        UnixMicros(theirs.0.saturating_sub(self.seen_offset_us()))
    }

    fn seen_offset_us(&self) -> i64 {
        self.0.session.offset_us().filter(|offset| offset.abs() > OFFSET_SEEN_US).unwrap_or(0)
    }

    fn time_at(&self, element: &Element, path: &[&str]) -> Option<UnixMicros> {
        element.text_at(path).and_then(time).map(|time| self.our_time(time))
    }

    /// The list of the recording service. When each begins and ends is only known to the search service.
    async fn listed_recordings(&self) -> Result<Vec<Recording>, Error> {
        let body = self.ask(Part::Recording, "GetRecordings", "").await?;
        let summary = self.recording_summary().await.unwrap_or_default();
        let recordings = listed(&body, &["RecordingItem", "RecordingItems"]).filter_map(|item| {
            let source = item.at(&["Configuration", "Source"]);
            let tracks = item.child("Tracks").into_iter().flat_map(|tracks| tracks.children("Track"));
            let kinds: Vec<_> =
                tracks.filter_map(|track| text(track, &["Configuration", "TrackType"])).collect();
            Some(Recording {
                token: text(item, &["RecordingToken"])?,
                source: source.and_then(|source| text(source, &["Name"])).unwrap_or_default(),
                from: summary.from,
                until: summary.until,
                has_video: kinds.is_empty() || kinds.iter().any(|kind| kind == "Video"),
                has_audio: kinds.iter().any(|kind| kind == "Audio"),
            })
        });
        Ok(recordings.collect())
    }

    fn read_recording(&self, item: &Element) -> Option<Recording> {
        let tracks: Vec<_> = item.children("Track").collect();
        let kind = |name: &str| tracks.iter().any(|track| track.text_at(&["TrackType"]) == Some(name));
        let earliest = tracks.iter().filter_map(|track| self.time_at(track, &["DataFrom"])).min();
        let latest = tracks.iter().filter_map(|track| self.time_at(track, &["DataTo"])).max();
        Some(Recording {
            token: text(item, &["RecordingToken"])?,
            source: text(item, &["Source", "Name"]).unwrap_or_default(),
            from: self.time_at(item, &["EarliestRecording"]).or(earliest),
            until: self.time_at(item, &["LatestRecording"]).or(latest),
            has_video: tracks.is_empty() || kind("Video"),
            has_audio: kind("Audio"),
        })
    }
}
