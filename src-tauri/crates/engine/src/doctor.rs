//! Examining a camera from the command line, without a vault.

use std::{path::Path, sync::Arc};

use hausrecht_model::clock::SystemClock;
pub use hausrecht_onvif::doctor::{Check, Outcome, Report};
use hausrecht_onvif::{Credentials, Settings, capture::Recorder, doctor};
use hausrecht_vault::SecretString;

use crate::Result;

/// Examines the camera at `address` with the sign-in of a user and a password, if one is given, and changes nothing
/// there. `progress` is called with each check. What was said is kept in the folder `capture`, without secrets; the
/// number of its files is given.
///
/// # Errors
/// The folder cannot be written. What is wrong at the camera is in the report.
pub async fn examine_camera(
    address: &str,
    sign_in: Option<(String, String)>,
    capture: Option<&Path>,
    progress: &mut (dyn FnMut(&Check) + Send),
) -> Result<(Report, usize)> {
    let credentials = sign_in.map(|(user, password)| Credentials::new(user, SecretString::from(password)));
    let recorder = capture.map(|folder| (folder, Arc::new(Recorder::new(credentials.as_ref()))));
    let mut settings = Settings::new(Arc::new(SystemClock::new()));
    if let Some((_, recorder)) = &recorder {
        settings.capture = Some(Arc::<Recorder>::clone(recorder));
    }
    let report = doctor::examine(address, credentials, settings, progress).await;
    let count = recorder.map(|(folder, recorder)| recorder.write_to(folder)).transpose()?;
    Ok((report, count.unwrap_or(0)))
}
