//! `log` and what is below it.

use std::{io::Read, path::Path, process::ExitCode};

use anyhow::Context;
use hausrecht_engine::{
    Handle,
    wire::{LogQuery, LogRow, Standing},
};

use crate::{
    args::Log,
    output::{self, CHANGED, local},
};

/// A checkpoint has some hundred bytes.
const MAX_NOTE_BYTES: u64 = 1 << 16;

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
        Some(Log::Prove { index }) => {
            let proof = handle.log_proof(*index).await?;
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

async fn consistency(json: bool, handle: &Handle, old: &Path) -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    if old.as_os_str() == "-" {
        std::io::stdin().take(MAX_NOTE_BYTES).read_to_string(&mut text)?;
    } else {
        let file = std::fs::File::open(old).with_context(|| old.display().to_string())?;
        file.take(MAX_NOTE_BYTES).read_to_string(&mut text).with_context(|| old.display().to_string())?;
    }
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
