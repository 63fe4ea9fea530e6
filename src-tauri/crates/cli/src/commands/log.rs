//! `log` and what is below it.

use std::{io::Read, path::Path, process::ExitCode};

use anyhow::Context;
use hausrecht_engine::{
    Handle, check_clip_proof,
    wire::{LogQuery, LogRow, Standing},
};

use crate::{
    args::Log,
    output::{self, CHANGED, local},
};

/// A checkpoint has some hundred bytes.
const MAX_NOTE_BYTES: u64 = 1 << 16;
/// A proof has about 75 bytes for each entry since the clip was recorded.
const MAX_PROOF_BYTES: u64 = 1 << 30;

pub(crate) async fn run(
    json: bool,
    handle: &Handle,
    command: Option<&Log>,
    limit: u32,
    kinds: &[String],
) -> anyhow::Result<ExitCode> {
    match command {
        None => list(json, handle, limit, kinds).await,
        Some(Log::Verify) => verify(json, handle).await,
        Some(Log::Checkpoint) => {
            let note = handle.checkpoint().await?;
            if json {
                output::json(&note)?
            } else {
                output::print(&note)?
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(Log::Key) => {
            let key = handle.verifier_key()?;
            if json {
                output::json(&key)?
            } else {
                output::print(&format!("{key}\n"))?
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(Log::Consistency { old }) => consistency(json, handle, old).await,
        Some(Log::Check { proof, key, owner_key }) => check(json, proof, key, owner_key.as_deref()),
        Some(Log::Prove { index, clip }) => {
            let proof = match (clip, index) {
                (Some(clip), _) => handle.clip_proof(clip.parse()?).await?,
                (None, Some(index)) => handle.log_proof(*index).await?,
                (None, None) => anyhow::bail!("give the number of an entry, or --clip"),
            };
            if json {
                output::json(&proof)?
            } else {
                output::print(&proof)?
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(Log::Show { index }) => {
            let detail = handle.log_entry(*index).await?;
            if json {
                output::json(&detail)?;
            } else {
                output::print(&format!("{}\n\n{}", detail.leaf, detail.proof))?;
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn list(json: bool, handle: &Handle, limit: u32, kinds: &[String]) -> anyhow::Result<ExitCode> {
    let query = LogQuery { limit, kinds: kinds.to_vec(), ..LogQuery::default() };
    let page = handle.log_page(query).await?;
    if json {
        output::json(&page)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<_> = page
        .rows
        .iter()
        .map(|row| {
            vec![
                row.index.to_string(),
                local(row.at_us),
                row.kind.clone(),
                row.actor.as_ref().map_or_else(|| "this computer".to_owned(), |face| face.name.clone()),
                about(row),
            ]
        })
        .collect();
    output::table(&["NO", "WHEN", "WHAT", "WHO", "ABOUT"], &rows)?;
    Ok(ExitCode::SUCCESS)
}

fn about(row: &LogRow) -> String {
    let mut parts = Vec::new();
    parts.extend(row.camera_name.clone());
    parts.extend(row.clip_start_us.map(local));
    parts.extend(row.person.as_ref().map(|face| face.name.clone()).filter(|name| !name.is_empty()));
    parts.extend(row.facts.iter().filter(|fact| fact.personal).map(|fact| fact.value.clone()));
    parts.join(", ")
}

async fn verify(json: bool, handle: &Handle) -> anyhow::Result<ExitCode> {
    let state = handle.verify_log_now().await?;
    if json {
        output::json(&state)?;
    } else if state.findings.is_empty() {
        output::print(&format!("complete and unaltered: {} entries and clip files checked\n", state.total))?;
    } else {
        for finding in &state.findings {
            let entry = finding.entry.map_or_else(|| "the log".to_owned(), |entry| format!("entry {entry}"));
            output::print(&format!("{entry}: {} ({})\n", finding.detail, finding.code))?;
        }
    }
    Ok(if state.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(CHANGED) })
}

/// Checks a clip's proof, without a vault.
pub(crate) fn check(
    json: bool,
    proof: &Path,
    key: &str,
    owner_key: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let text = read_text(proof, MAX_PROOF_BYTES)?;
    let history = match check_clip_proof(&text, key, owner_key) {
        Ok(history) => history,
        Err(error) => {
            output::print(&format!("not proven: {}\n", error.message))?;
            return Ok(ExitCode::from(CHANGED));
        }
    };
    if json {
        output::json(&history)?;
        return Ok(ExitCode::SUCCESS);
    }
    output::print(&format!(
        "complete: {} entries of {} in {} are about this clip\n",
        history.entries.len(),
        history.size,
        history.origin
    ))?;
    let rows: Vec<_> = history
        .entries
        .iter()
        .map(|entry| {
            let signed = if entry.signed { "yes" } else { "by another key" };
            vec![
                entry.index.to_string(),
                local(entry.at_us),
                entry.kind.clone(),
                entry.by.clone(),
                signed.to_owned(),
                entry.what.clone(),
            ]
        })
        .collect();
    output::table(&["NO", "WHEN", "WHAT", "WHO", "SIGNED", "ABOUT"], &rows)?;
    Ok(ExitCode::SUCCESS)
}

/// Text of a file, or of standard input, up to a limit.
fn read_text(path: &Path, most: u64) -> anyhow::Result<String> {
    let mut text = String::new();
    if path.as_os_str() == "-" {
        std::io::stdin().take(most).read_to_string(&mut text)?;
    } else {
        let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
        file.take(most).read_to_string(&mut text).with_context(|| path.display().to_string())?;
    }
    Ok(text)
}

async fn consistency(json: bool, handle: &Handle, old: &Path) -> anyhow::Result<ExitCode> {
    let text = read_text(old, MAX_NOTE_BYTES)?;
    let found = handle.log_consistency(&text).await?;
    if json {
        output::json(&found)?;
    } else {
        let (old, new) = (found.old_size, found.new_size);
        let said = match found.standing {
            Standing::Grown => format!("the first {old} entries are as they were; there are {new} now\n"),
            Standing::Fork => format!(
                "the first {old} entries are not those that the checkpoint was signed for: the log was written anew\n"
            ),
            Standing::Cut => format!(
                "the log has {new} entries and the checkpoint covers {old}: its end was cut off, or an older copy was put back\n"
            ),
        };
        output::print(&said)?;
        if found.standing == Standing::Grown {
            output::print(&format!("\n{}\n\n{}", found.proof.join("\n"), found.checkpoint))?;
        }
    }
    let unchanged = found.standing == Standing::Grown;
    Ok(if unchanged { ExitCode::SUCCESS } else { ExitCode::from(CHANGED) })
}
