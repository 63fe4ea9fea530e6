//! The table of fetches, as the window shows it. What has not ended is in the database too.

use std::sync::Mutex;

use hausrecht_model::{CameraId, CardJobId};
use hausrecht_store::CardJobRow;
use tokio::sync::watch;

use super::reason;
use crate::{
    inner::lock,
    wire::{CardJob, CardJobState},
};

/// How many that have ended are still shown, of all cameras.
const ENDED_SHOWN: usize = 40;

/// A fetch.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) row: CardJobRow,
    /// The entry that said that it begins; `None`: the last run said it.
    pub(super) announced: Option<u64>,
    /// True once the owner wants it to end.
    pub(super) stop: watch::Sender<bool>,
    view: CardJob,
}

impl Job {
    pub(super) fn announced(row: CardJobRow, entry: u64) -> Self {
        Self { announced: Some(entry), ..Self::taken_up(row) }
    }

    pub(super) fn taken_up(row: CardJobRow) -> Self {
        let view = CardJob {
            id: row.id,
            camera: row.camera,
            from_us: row.from_us,
            to_us: row.to_us,
            done_us: 0,
            reason: reason(&row),
            state: CardJobState::Waiting,
            error: None,
        };
        Self { row, announced: None, stop: watch::channel(false).0, view }
    }

    /// Whether somebody waits for it now, also while the camera is not recorded.
    fn is_urgent(&self) -> bool {
        self.row.asked_by.is_some() && self.announced.is_some()
    }
}

/// All fetches of this run.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Mutex<Vec<Job>>);

impl Jobs {
    pub(super) fn add(&self, job: Job) {
        let mut jobs = lock(&self.0);
        jobs.push(job);
        let ended = jobs.iter().filter(|job| !is_open(&job.view)).count();
        let mut surplus = ended.saturating_sub(ENDED_SHOWN);
        jobs.retain(|job| {
            let goes = surplus > 0 && !is_open(&job.view);
            surplus -= usize::from(goes);
            !goes
        });
    }

    /// The next to be done for `camera`: what somebody waits for comes before what fills gaps.
    pub(super) fn next(&self, camera: CameraId, is_back: bool) -> Option<Job> {
        let jobs = lock(&self.0);
        let waiting =
            || jobs.iter().filter(|job| job.row.camera == camera && job.view.state == CardJobState::Waiting);
        // What is to be stopped ends at once, and says so.
        let stopped = waiting().find(|job| *job.stop.borrow());
        stopped
            .or_else(|| waiting().find(|job| job.is_urgent()))
            .or_else(|| waiting().find(|_| is_back))
            .cloned()
    }

    pub(super) fn change(&self, id: CardJobId, change: impl FnOnce(&mut CardJob)) {
        if let Some(job) = lock(&self.0).iter_mut().find(|job| job.row.id == id) {
            change(&mut job.view);
        }
    }

    /// Forgets what belongs to a camera that is removed.
    pub(super) fn forget(&self, camera: CameraId) {
        lock(&self.0).retain(|job| job.row.camera != camera);
    }

    /// Lets a fetch end; false if there is no such fetch, or it has ended.
    pub(crate) fn stop(&self, id: CardJobId) -> Option<CameraId> {
        let jobs = lock(&self.0);
        let job = jobs.iter().find(|job| job.row.id == id && is_open(&job.view))?;
        job.stop.send_replace(true);
        Some(job.row.camera)
    }

    /// How many of `camera` have not ended.
    pub(crate) fn open(&self, camera: CameraId) -> usize {
        lock(&self.0).iter().filter(|job| job.row.camera == camera && is_open(&job.view)).count()
    }

    pub(crate) fn views(&self) -> Vec<CardJob> {
        lock(&self.0).iter().map(|job| job.view.clone()).collect()
    }
}

fn is_open(view: &CardJob) -> bool {
    match view.state {
        CardJobState::Waiting | CardJobState::Running => true,
        CardJobState::Done | CardJobState::Failed | CardJobState::Stopped => false,
    }
}

#[cfg(test)]
mod tests {
    use hausrecht_model::{PersonId, UnixMicros};

    use super::*;

    fn job(asked: bool) -> CardJobRow {
        CardJobRow {
            id: CardJobId::random(&mut rand::rng()),
            camera: "00000000000000c0".parse().unwrap(),
            recording: "r0".to_owned(),
            from_us: UnixMicros(0),
            to_us: UnixMicros(10_000_000),
            asked_by: asked.then(|| PersonId::random(&mut rand::rng())),
        }
    }

    #[test]
    fn what_somebody_waits_for_comes_first_and_gaps_wait_for_the_camera() {
        let jobs = Jobs::default();
        let (gap, old, new) = (job(false), job(true), job(true));
        let camera = gap.camera;
        jobs.add(Job::announced(gap.clone(), 1));
        jobs.add(Job::taken_up(old));
        assert!(jobs.next(camera, false).is_none());
        assert_eq!(jobs.next(camera, true).unwrap().row, gap);
        jobs.add(Job::announced(new.clone(), 2));
        for is_back in [false, true] {
            assert_eq!(jobs.next(camera, is_back).unwrap().row, new);
        }
        assert!(jobs.next("00000000000000c1".parse().unwrap(), true).is_none());
    }

    #[test]
    fn what_has_ended_is_not_kept_for_ever_and_cannot_be_stopped() {
        let jobs = Jobs::default();
        let waiting = job(true);
        jobs.add(Job::announced(waiting.clone(), 0));
        for _ in 0..ENDED_SHOWN * 2 {
            let row = job(false);
            let id = row.id;
            jobs.add(Job::announced(row, 0));
            jobs.change(id, |view| view.state = CardJobState::Done);
            assert_eq!(jobs.stop(id), None);
        }
        assert!(jobs.views().len() <= ENDED_SHOWN + 2);
        assert_eq!(jobs.stop(waiting.id), Some(waiting.camera));
        assert_eq!(jobs.open(waiting.camera), 1);
    }
}
