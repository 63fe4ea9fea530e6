//! What the engine is started with.

use std::{path::PathBuf, sync::Arc, time::Duration};

use hausrecht_media::TalkSound;
use hausrecht_model::{Clock, clock::SystemClock};
use jiff::tz::TimeZone;

use crate::disk::{Disk, SystemDisk};

/// What the engine is started with. Tests shorten clips and lower the cost of passphrases; the product does not.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data folder; made if it is not there.
    pub data_folder: PathBuf,
    /// The program `hausrecht-worker`.
    pub worker: PathBuf,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// By which wall clock a week's plan is read; `None`: by this computer's, wherever it is taken.
    pub time_zone: Option<TimeZone>,
    /// Where the room on the disk is known from.
    pub disk: Arc<dyn Disk>,
    /// Length after which a clip ends at the next key frame.
    pub clip_length: Duration,
    /// scrypt's cost for new key files, N = 2^`log_n`.
    pub log_n: u8,
    /// Whether to record; `hausrecht log` and the like look at a data folder without it.
    pub record: bool,
    /// Whether to listen for cameras that come and go.
    pub watch: bool,
    /// What a talk sends; only tests ask for something else than the microphone.
    pub talk_sound: TalkSound,
}

impl Options {
    /// The product's own values.
    pub fn new(data_folder: impl Into<PathBuf>, worker: impl Into<PathBuf>) -> Self {
        Self {
            data_folder: data_folder.into(),
            worker: worker.into(),
            clock: Arc::new(SystemClock::new()),
            time_zone: None,
            disk: Arc::new(SystemDisk),
            clip_length: Duration::from_secs(60),
            log_n: 18,
            record: true,
            watch: true,
            talk_sound: TalkSound::Microphone,
        }
    }

    /// The data folder of this user: `$HAUSRECHT_DATA`, else `$XDG_DATA_HOME/hausrecht`, else
    /// `~/.local/share/hausrecht`.
    pub fn default_data_folder() -> PathBuf {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        variable("HAUSRECHT_DATA").unwrap_or_else(|| {
            variable("XDG_DATA_HOME")
                .unwrap_or_else(|| variable("HOME").unwrap_or_default().join(".local/share"))
                .join("hausrecht")
        })
    }

    /// The worker program: `$HAUSRECHT_WORKER`, else `hausrecht-worker` beside the running program.
    pub fn default_worker() -> PathBuf {
        std::env::var_os("HAUSRECHT_WORKER").map_or_else(
            || {
                std::env::current_exe()
                    .ok()
                    .and_then(|program| program.parent().map(|folder| folder.join("hausrecht-worker")))
                    .unwrap_or_else(|| PathBuf::from("hausrecht-worker"))
            },
            PathBuf::from,
        )
    }
}
