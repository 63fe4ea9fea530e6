//! Gaps in what was recorded of a camera, and whether its card can fill them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hausrecht_model::{CameraId, CardJobId, UnixMicros};
use hausrecht_onvif::camera::Span;
use hausrecht_store::{CardJobRow, ClipFilter, Tables};

use super::{fetch::End, jobs::Job, stretch::Stretch};
use crate::{Result, camera::CameraTask, inner::Inner, retention::gaps};

/// Gaps that ended earlier are left as they are.
const REACH: Duration = Duration::from_secs(7 * 86_400);
/// Cameras close what they write to their card now and then; after this long a card has what it ever will have.
const SETTLED_AFTER: Duration = Duration::from_secs(15 * 60);
/// How often it is noted that there was no gap.
const NOTED_EVERY_US: i64 = 3_600_000_000;
/// Pauses after a fetch that failed. After the last of them a gap is given up.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(60 * 60),
];
/// How many pieces one look finds at most; the rest waits for the next.
const PIECES_MAX: usize = 32;

/// What was tried in this run.
#[derive(Debug, Default)]
pub(super) struct Filler {
    /// Fetched, stopped or given up: the card gave what it has.
    tried: Vec<Stretch>,
    failures: usize,
    /// Monotonic time before which nothing is tried.
    not_before: Duration,
}

/// What the database says of gaps.
struct Seen {
    since_us: UnixMicros,
    holes: Vec<Stretch>,
}

impl Filler {
    /// Looks for gaps that the card may fill; returns whether there is something to fetch now.
    pub(super) async fn look(&mut self, task: &Arc<CameraTask>, inner: &Arc<Inner>) -> Result<bool> {
        if inner.options.clock.monotonic() < self.not_before {
            return Ok(false);
        }
        let Some(Seen { since_us, holes }) = seen(task, inner).await? else { return Ok(false) };
        self.tried.retain(|tried| tried.to_us > since_us);
        let settled_us = inner.now().minus(SETTLED_AFTER);
        let (Some(first), Some(last)) = (holes.first(), holes.last()) else {
            if settled_us.0.saturating_sub(since_us.0) > NOTED_EVERY_US {
                advance(task, inner, settled_us).await?;
            }
            return Ok(false);
        };
        let live = task.live(inner).await?;
        let features = match live.features().await {
            Ok(features) => features,
            Err(error) => return Err(task.failed(&live, error).await),
        };
        if !features.recordings.is_present() || !features.replay.is_present() {
            return Ok(false);
        }
        let span = Span { from: first.from_us, until: last.to_us };
        let recorded = match live.camera.recordings(span).await {
            Ok(recorded) => recorded,
            Err(error) => return Err(task.failed(&live, error).await),
        };
        let on_card: Vec<_> = recorded
            .into_iter()
            .map(|recorded| (recorded.recording, Stretch::new(recorded.span.from, recorded.span.until)))
            .collect();
        let mut found = Vec::new();
        let mut all_settled = true;
        for hole in holes {
            let pieces = self.pieces(hole, &on_card);
            // What the card does not have yet it may have a little later.
            all_settled &= pieces.is_empty() && hole.to_us < settled_us;
            if all_settled {
                advance(task, inner, hole.to_us).await?;
            }
            found.extend(pieces);
        }
        found.truncate(PIECES_MAX);
        for (recording, piece) in &found {
            let row = CardJobRow {
                id: CardJobId::random(&mut rand::rng()),
                camera: task.id,
                recording: recording.clone(),
                from_us: piece.from_us,
                to_us: piece.to_us,
                asked_by: None,
            };
            inner.begin_card_job(task, row, None).await?;
        }
        Ok(!found.is_empty())
    }

    /// What the card has of `hole` and was not tried. Of several recordings, the one that has most of it: a camera with
    /// several lenses has one for each.
    fn pieces(&self, hole: Stretch, on_card: &[(String, Stretch)]) -> Vec<(String, Stretch)> {
        let mut by_recording: BTreeMap<&str, Vec<Stretch>> = BTreeMap::new();
        for (recording, stretch) in on_card {
            by_recording.entry(recording).or_default().extend(stretch.common(hole));
        }
        let length = |stretches: &[Stretch]| stretches.iter().map(|piece| piece.length_us()).sum::<i64>();
        let fullest = by_recording.into_iter().rev().max_by_key(|(_, stretches)| length(stretches));
        let Some((recording, stretches)) = fullest else { return Vec::new() };
        let left = stretches.iter().flat_map(|stretch| stretch.without(&self.tried));
        left.map(|piece| (recording.to_owned(), piece)).collect()
    }

    /// Takes note of how a fetch ended.
    pub(super) fn ended(&mut self, job: &Job, end: &End, now: Duration) {
        if job.row.asked_by.is_some() {
            return;
        }
        let piece = Stretch::new(job.row.from_us, job.row.to_us);
        match end {
            End::Done | End::Stopped => {
                self.failures = 0;
                self.tried.push(piece);
            }
            End::Interrupted => {}
            End::Failed(_) => match PAUSES.get(self.failures) {
                Some(pause) => {
                    self.failures += 1;
                    self.not_before = now + *pause;
                }
                None => {
                    self.failures = 0;
                    self.tried.push(piece);
                }
            },
        }
    }
}

/// The gaps that end before what is recorded now; `None` if they are not to be filled, or nothing is recorded now.
async fn seen(task: &CameraTask, inner: &Inner) -> Result<Option<Seen>> {
    let now = inner.now();
    let kept = inner.kept(task.id);
    let earliest = now.minus(REACH.min(kept));
    let id = task.id;
    inner
        .db
        .read(move |tables| {
            let Some(since_us) = tables.gap_filling(id)? else { return Ok(None) };
            let from_us = since_us.max(earliest);
            let live = tables.parts()?.into_iter().rev().find(|part| part.camera == id && !part.from_card);
            let Some(live) = live.filter(|live| live.start_us > from_us) else { return Ok(None) };
            let mut have = recorded(tables, id, from_us, live.start_us)?;
            have.extend(not_wanted(tables, id, from_us, live.start_us)?);
            let holes = Stretch::new(from_us, live.start_us).without(&have);
            Ok(Some(Seen { since_us, holes }))
        })
        .await
}

/// What the vault does not have of `span`.
pub(super) async fn missing(task: &CameraTask, inner: &Inner, span: Stretch) -> Result<Vec<Stretch>> {
    let id = task.id;
    let now = inner.now();
    inner
        .db
        .read(move |tables| {
            let mut have = recorded(tables, id, span.from_us, span.to_us)?;
            // What is being recorded now will be there, too.
            let live = tables.parts()?.into_iter().rev().find(|part| part.camera == id && !part.from_card);
            have.extend(live.map(|part| Stretch::new(part.start_us, now.max(part.start_us))));
            Ok(span.without(&have))
        })
        .await
}

async fn advance(task: &CameraTask, inner: &Inner, since_us: UnixMicros) -> Result<()> {
    let id = task.id;
    inner.db.write(move |tables| Ok(tables.advance_gap_filling(id, since_us)?)).await
}

/// What the owner did not want to be recorded of a camera in a span: that is not to come from the card either.
fn not_wanted(
    tables: &Tables<'_>,
    camera: CameraId,
    from_us: UnixMicros,
    to_us: UnixMicros,
) -> Result<Vec<Stretch>> {
    let rows = tables.gaps(Some(camera), from_us, to_us)?;
    Ok(rows
        .iter()
        .filter(|row| gaps::reason_of(&row.reason).is_some_and(gaps::is_wanted))
        .map(|row| Stretch::new(row.from_us, row.to_us.unwrap_or(to_us)))
        .collect())
}

/// What the vault has of a camera in a span, oldest first.
fn recorded(
    tables: &Tables<'_>,
    camera: CameraId,
    from_us: UnixMicros,
    to_us: UnixMicros,
) -> Result<Vec<Stretch>> {
    let filter =
        ClipFilter { cameras: vec![camera], span_us: Some((from_us, to_us)), ..ClipFilter::default() };
    Ok(tables
        .clip_spans(&filter)?
        .iter()
        .rev()
        .map(|clip| Stretch::new(clip.start_us, clip.end_us))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Error;

    fn s(from: i64, to: i64) -> Stretch {
        Stretch::new(UnixMicros(from * 1_000_000), UnixMicros(to * 1_000_000))
    }

    fn job(piece: Stretch, asked: bool) -> Job {
        Job::taken_up(CardJobRow {
            id: CardJobId::random(&mut rand::rng()),
            camera: "00000000000000c0".parse().unwrap(),
            recording: "a".to_owned(),
            from_us: piece.from_us,
            to_us: piece.to_us,
            asked_by: asked.then(|| hausrecht_model::PersonId::random(&mut rand::rng())),
        })
    }

    #[test]
    fn a_gap_is_filled_from_the_recording_that_has_most_of_it() {
        let filler = Filler::default();
        let named = |name: &str, stretch| (name.to_owned(), stretch);
        let card =
            [named("b", s(0, 60)), named("a", s(30, 50)), named("a", s(55, 200)), named("b", s(90, 95))];
        assert_eq!(
            filler.pieces(s(40, 100), &card),
            [named("a", s(40, 50)), named("a", s(55, 100))],
            "a has 55 s of it, b 25 s"
        );
        assert_eq!(filler.pieces(s(300, 400), &card), []);
        assert_eq!(filler.pieces(s(0, 10), &[named("b", s(0, 9)), named("a", s(0, 9))])[0].0, "a");
    }

    #[test]
    fn what_was_tried_is_not_tried_again_and_a_failure_is_only_after_a_pause() {
        let mut filler = Filler::default();
        let card = [("a".to_owned(), s(0, 100))];
        filler.ended(&job(s(0, 40), false), &End::Done, Duration::ZERO);
        assert_eq!(filler.pieces(s(0, 60), &card), [("a".to_owned(), s(40, 60))]);
        for pause in PAUSES {
            filler.ended(&job(s(40, 60), false), &End::Failed(Error::invalid("x")), Duration::ZERO);
            assert_eq!(filler.not_before, pause);
            assert_eq!(filler.pieces(s(0, 60), &card).len(), 1);
        }
        filler.ended(&job(s(40, 60), false), &End::Failed(Error::invalid("x")), Duration::ZERO);
        assert_eq!(filler.pieces(s(0, 60), &card), [], "given up");
        filler.ended(&job(s(70, 90), true), &End::Done, Duration::ZERO);
        assert_eq!(filler.pieces(s(70, 90), &card).len(), 1, "what was asked for is another matter");
    }
}
