//! `camera doctor`: what works at a camera, what is missing, what is wrong and what to do about it.

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use hausrecht_engine::doctor::{Check, Outcome, Report, examine_camera};

use crate::{output, passphrase};

/// Something is wrong at the camera.
const WRONG: u8 = 3;

/// Examines the camera at `address`; needs no vault and changes nothing.
pub(crate) async fn examine(
    json: bool,
    address: &str,
    user: Option<&str>,
    password_file: Option<&Path>,
    capture: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let sign_in = match user {
        Some(user) => Some((user.to_owned(), passphrase::secret(password_file, "Camera password")?)),
        None => None,
    };
    let mut shown = Ok(());
    let mut progress = |check: &Check| {
        if !json && shown.is_ok() {
            shown = output::print(&line(check));
        }
    };
    let examined = examine_camera(address, sign_in, capture, &mut progress).await;
    shown?;
    let (report, count) =
        examined.with_context(|| format!("{}", capture.unwrap_or(Path::new("")).display()))?;
    if json {
        output::json(&report)?;
    } else {
        output::print(&summary(&report))?;
    }
    if let (Some(folder), false) = (capture, json) {
        output::print(&format!("{count} exchanges are in {}\n", folder.display()))?;
    }
    Ok(if report.count(Outcome::Wrong) == 0 { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
}

fn line(check: &Check) -> String {
    let word = match check.outcome {
        Outcome::Works => "works",
        Outcome::Missing => "missing",
        Outcome::Wrong => "WRONG",
        Outcome::Unknown => "unknown",
    };
    let fix = check.fix.as_deref().map_or_else(String::new, |fix| format!("         {fix}\n"));
    format!("{word:<8} {}\n{fix}", check.says)
}

fn summary(report: &Report) -> String {
    let parts = [&report.manufacturer, &report.model, &report.firmware];
    let what: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
    let what = if what.is_empty() { report.address.clone() } else { what.join(" ") };
    let count = |outcome| report.count(outcome);
    format!(
        "\n{what}: {} work, {} missing, {} wrong, {} unknown\n",
        count(Outcome::Works),
        count(Outcome::Missing),
        count(Outcome::Wrong),
        count(Outcome::Unknown)
    )
}
