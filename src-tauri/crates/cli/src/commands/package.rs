//! `open PACKAGE`: what is in it, whether it is whole, and its films. No vault, no data folder, no network.

use std::{path::Path, process::ExitCode};

use hausrecht_engine::{
    Package, is_package,
    wire::{CheckedPart, PackageKey, PackageLock},
};
use hausrecht_model::{Clock, clock::SystemClock};

use crate::{
    args::{Args, Open},
    output::{self, local},
    passphrase,
};

/// What the program says of a package with something wrong, as of a changed log.
const CHANGED: u8 = 3;

/// Whether a package is meant, and not a clip of the vault.
pub(crate) fn is_meant(open: &Open) -> bool {
    open.output.is_none() || is_package(Path::new(&open.what))
}

pub(crate) async fn open(args: &Args, open: &Open) -> anyhow::Result<ExitCode> {
    let path = std::path::absolute(&open.what)?;
    let key = match (&open.identity, Package::lock_of(&path)?) {
        (Some(file), _) => PackageKey::File { path: file.to_string_lossy().into_owned() },
        (None, PackageLock::Key) => {
            anyhow::bail!("{} is opened by an age key: name its file with --identity", path.display())
        }
        (None, PackageLock::Passphrase) => PackageKey::Passphrase {
            passphrase: passphrase::secret(args.passphrase_file.as_deref(), "Passphrase of the package")?,
        },
    };
    let (known, folder, json) = (open.key.clone(), open.folder.clone(), args.json);
    tokio::task::spawn_blocking(move || {
        let mut package = Package::open_with(&path, key)?;
        let view = package.view();
        let check = package.check(known.as_deref(), SystemClock::new().now(), |_| true)?;
        // Films of a package with something wrong are taken out only by hand.
        let written = match folder {
            Some(folder) if check.whole => package.extract(&std::path::absolute(folder)?)?,
            Some(_) | None => Vec::new(),
        };
        let code = if check.whole { ExitCode::SUCCESS } else { ExitCode::from(CHANGED) };
        if json {
            output::json(&serde_json::json!({ "package": view, "check": check, "written": written }))?;
            return Ok(code);
        }
        let purpose = if view.purpose.is_empty() { String::new() } else { format!(", for: {}", view.purpose) };
        output::print(&format!("Given to {} on {}{purpose}", view.recipient, local(view.made_us)))?;
        let films: Vec<_> = view
            .films
            .iter()
            .map(|film| {
                vec![
                    film.name.clone(),
                    film.camera_name.clone(),
                    local(film.from_us),
                    format!("{:.3} s", film.duration_us as f64 / 1e6),
                    film.pictures.to_string(),
                    film.encoded.to_string(),
                ]
            })
            .collect();
        output::table(&["FILM", "CAMERA", "START", "LENGTH", "PICTURES", "ENCODED ANEW"], &films)?;
        output::print("")?;
        for finding in &check.findings {
            let (what, detail) = (part(finding.part), &finding.text);
            output::print(&if finding.whole { format!("good   {what}: {detail}") } else { format!("WRONG  {what}: {detail}") })?;
        }
        if !check.key_compared {
            output::print("       Whose log this is, nobody but its owner can say: ask for its key, and give it with --key.")?;
        }
        for path in written {
            output::print(&format!("wrote  {}", path.display()))?;
        }
        Ok(code)
    })
    .await?
}

fn part(part: CheckedPart) -> &'static str {
    match part {
        CheckedPart::Films => "films that are as they were packed",
        CheckedPart::Papers => "other files that are as they were packed",
        CheckedPart::LogKey => "key of the log",
        CheckedPart::Given => "entry in the log that this was given",
        CheckedPart::Clips => "clips behind the films, in the log since they were recorded",
    }
}
