//! Examining a camera: what works, what is missing, what is wrong, and what to do about it, in plain words. Nothing at
//! the camera is changed; one subscription for events is made and ended.

mod checks;

use serde::Serialize;
use url::Url;

use self::checks::Examination;
use crate::{Camera, Credentials, Error, Settings, camera::Features, discovery};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It works.
    Works,
    /// The camera does not have it, which need not be a fault.
    Missing,
    /// It is there and wrong; the check says what to do.
    Wrong,
    /// It could not be found out.
    Unknown,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Check {
    /// A stable name for programs, `clock`.
    pub id: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found, in a sentence.
    pub says: String,
    /// What to do about it, in a sentence; `None` if there is nothing to do.
    pub fix: Option<String>,
}

/// What an examination found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Report {
    /// The address that was examined, as it was entered.
    pub address: String,
    /// The maker, if the camera said it.
    pub manufacturer: Option<String>,
    /// The model, if the camera said it.
    pub model: Option<String>,
    /// The firmware, if the camera said it.
    pub firmware: Option<String>,
    /// What the camera has, if it was reached.
    pub features: Option<Features>,
    /// All checks, in the order in which they were made.
    pub checks: Vec<Check>,
}

impl Report {
    /// How many checks came out so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.checks.iter().filter(|check| check.outcome == outcome).count()
    }

    /// The check of this name, if it was made.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.id == id)
    }
}

/// Examines the camera at `address`, entered by a person: a host, a host and port, or a URL. `progress` is called with
/// each check as soon as it is made.
///
/// To keep what was said for a bug report, put a [`Recorder`](crate::capture::Recorder) into
/// [`Settings::capture`](crate::Settings::capture).
pub async fn examine(
    address: &str,
    credentials: Option<Credentials>,
    settings: Settings,
    progress: &mut (dyn FnMut(&Check) + Send),
) -> Report {
    let mut examination = Examination::new(address, progress);
    match discovery::by_address(address, &settings).await {
        Ok(xaddrs) => examination.connect(&xaddrs, credentials, settings).await,
        Err(error) => examination.not_reached(&error),
    }
    examination.report
}

/// As [`examine`], at the addresses of the device service, as a search finds them.
pub async fn examine_at(
    xaddrs: &[Url],
    credentials: Option<Credentials>,
    settings: Settings,
    progress: &mut (dyn FnMut(&Check) + Send),
) -> Report {
    let address = xaddrs.first().map(Url::to_string).unwrap_or_default();
    let mut examination = Examination::new(&address, progress);
    examination.connect(xaddrs, credentials, settings).await;
    examination.report
}

impl Examination<'_> {
    async fn connect(&mut self, xaddrs: &[Url], credentials: Option<Credentials>, settings: Settings) {
        let has_password = credentials.is_some();
        let clock = settings.clock.clone();
        match Camera::connect(xaddrs, credentials, settings).await {
            Ok(camera) => self.all(&camera, has_password, &*clock).await,
            Err(error) => self.not_reached(&error),
        }
    }

    fn not_reached(&mut self, error: &Error) {
        // By code and not by variant: whatever else may go wrong, the camera was not reached.
        let (id, fix) = match error.code() {
            "camera_password_needed" => ("sign_in", "Enter a user name and a password of the camera."),
            "camera_not_authorized" => (
                "sign_in",
                "Check user name and password. Some makers keep accounts for ONVIF apart from those of their web page: make one there.",
            ),
            "camera_locked_out" => {
                ("sign_in", "Wait some minutes, or restart the camera, before the next attempt.")
            }
            "camera_password_in_clear" => {
                ("sign_in", "Switch on Digest sign-in or HTTPS in the camera's settings.")
            }
            "camera_bad_address" => ("reached", "Enter the camera's address, for example 192.168.1.20."),
            "camera_certificate_changed" => (
                "reached",
                "If the camera was reset or got a new certificate, add it anew. If not, something else answers in its place.",
            ),
            "camera_answer_too_large"
            | "camera_answer_unreadable"
            | "camera_http_status"
            | "camera_fault" => (
                "reached",
                "Check that this is a camera and that ONVIF is switched on in its settings; newer firmware may help.",
            ),
            _ => (
                "reached",
                "Check the camera's power, cable and address, and that ONVIF is switched on in its settings.",
            ),
        };
        if id == "sign_in" {
            self.works("reached", "The camera answers.");
        }
        self.wrong(id, sentence(&error.to_string()), fix);
    }
}

/// A sentence with a capital at its beginning and a full stop at its end.
fn sentence(text: &str) -> String {
    let mut characters = text.trim().trim_end_matches('.').chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}
