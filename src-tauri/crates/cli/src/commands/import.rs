//! `clips import`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use hausrecht_engine::{
    Handle,
    wire::{Event, Footage, FootageFile, FootageState, ImportFootage},
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::output::{self, local, parse_time};

pub(crate) async fn run(
    json: bool,
    handle: &Handle,
    paths: &[PathBuf],
    source: &str,
    start: Option<&str>,
    time_zone: Option<&str>,
) -> anyhow::Result<ExitCode> {
    for path in paths {
        anyhow::ensure!(path.exists(), "{} is not there", path.display());
    }
    if let Some(zone) = time_zone {
        handle.set_footage_zone(zone)?;
    }
    let start = start.map(parse_time).transpose()?;
    let mut events = handle.subscribe();
    handle.look_at_footage(paths.to_vec()).await?;
    let looked = wait(handle, &mut events, |footage| !footage.looking).await?;
    anyhow::ensure!(!looked.files.is_empty(), "there is no film: MP4, MOV, MKV, AVI or TS");
    anyhow::ensure!(
        start.is_none() || looked.files.len() == 1,
        "--start is for one file, and these are {}: import them one by one",
        looked.files.len()
    );
    let mut wanted = Vec::new();
    for file in
        looked.files.iter().filter(|file| file.state == FootageState::Ready && file.known_in.is_none())
    {
        // What does not say when it begins is left where it is, and reported below.
        if let Some(start_us) = start.or(file.start_us) {
            wanted.push(ImportFootage { id: file.id, start_us, source: named(source, file) });
        }
    }
    handle.import_footage(wanted)?;
    let done = wait(handle, &mut events, |footage| !footage.importing).await?;
    if json {
        output::json(&done)?;
    } else {
        let rows: Vec<_> = done.files.iter().map(row).collect();
        output::table(&["FILE", "START", "CLIPS", "PICTURES", "RESULT"], &rows)?;
    }
    let all_well = done.files.iter().all(|file| file.state == FootageState::Done || file.known_in.is_some());
    Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn wait(
    handle: &Handle,
    events: &mut Receiver<Event>,
    fits: impl Fn(&Footage) -> bool,
) -> anyhow::Result<Footage> {
    loop {
        let footage = handle.footage()?;
        if fits(&footage) {
            return Ok(footage);
        }
        match events.recv().await {
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(error @ RecvError::Closed) => return Err(error).context("the engine has ended"),
        }
    }
}

fn named(source: &str, file: &FootageFile) -> String {
    let view = file.view.and_then(|view| serde_json::to_value(view).ok());
    match view.as_ref().and_then(|view| view.as_str()) {
        Some(view) => format!("{source} ({view})"),
        None => source.to_owned(),
    }
}

fn row(file: &FootageFile) -> Vec<String> {
    let result = match (file.state, &file.known_in) {
        (FootageState::Done, _) if file.cut_short => {
            format!("imported as far as it can be read: {}", file.detail)
        }
        (FootageState::Done, _) => "imported".to_owned(),
        (_, Some(source)) => format!("left out: imported before, into {source}"),
        (FootageState::Ready, None) => "left out: it does not say when it begins; give --start".to_owned(),
        (FootageState::Stopped, None) => "stopped".to_owned(),
        _ => {
            let why = file.refusal.and_then(|refusal| serde_json::to_value(refusal).ok());
            format!(
                "refused: {} ({})",
                why.as_ref().and_then(|why| why.as_str()).unwrap_or("unknown"),
                file.detail
            )
        }
    };
    vec![
        file.name.clone(),
        file.start_us.map(local).unwrap_or_default(),
        file.clips.to_string(),
        file.pictures.to_string(),
        result,
    ]
}
