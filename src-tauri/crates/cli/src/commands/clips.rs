//! `clips` and `open`.

use std::{fs::File, io, path::Path, process::ExitCode};

use anyhow::Context;
use hausrecht_engine::{
    Handle,
    wire::{ClipQuery, EraseOrder, EraseWhat},
};
use hausrecht_model::{ClipId, UnixMicros};

use super::camera_named;
use crate::{
    args::Clips,
    output::{self, local, parse_time},
};

pub(crate) async fn list(
    json: bool,
    handle: &Handle,
    camera: Option<&str>,
    from: Option<&str>,
    to: Option<&str>,
    limit: u32,
) -> anyhow::Result<ExitCode> {
    let cameras = match camera {
        Some(camera) => vec![camera_named(handle, camera)?],
        None => Vec::new(),
    };
    let query = ClipQuery {
        cameras,
        from_us: from.map_or(Ok(UnixMicros(0)), parse_time)?,
        to_us: to.map_or(Ok(UnixMicros(i64::MAX)), parse_time)?,
        events: Vec::new(),
        limit,
    };
    let clips = handle.clips(query).await?;
    if json {
        output::json(&clips)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<_> = clips
        .iter()
        .map(|clip| {
            let kinds: Vec<_> = clip.events.iter().map(|kind| kind.as_str()).collect();
            vec![
                clip.id.to_string(),
                clip.camera_name.clone(),
                local(clip.start_us),
                format!(
                    "{:.1} s",
                    std::time::Duration::from_micros(u64::try_from(clip.duration_us).unwrap_or(0))
                        .as_secs_f64()
                ),
                format!("{} KiB", clip.size_bytes / 1024),
                kinds.join(","),
                if clip.cut_short { "cut short".to_owned() } else { String::new() },
            ]
        })
        .collect();
    output::table(&["ID", "CAMERA", "START", "LENGTH", "SIZE", "EVENTS", ""], &rows)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn erase(json: bool, handle: &Handle, wish: &Clips) -> anyhow::Result<ExitCode> {
    let Clips::Erase { clips, camera, from, to, reason, demanded, forget_copies } = wish else {
        anyhow::bail!("this is another command");
    };
    let what = match (camera, from, to) {
        (Some(camera), Some(from), Some(to)) => EraseWhat::Span {
            camera: camera_named(handle, camera)?,
            from_us: parse_time(from)?,
            to_us: parse_time(to)?,
        },
        (_, _, _) => {
            EraseWhat::Clips { clips: clips.iter().map(|clip| clip.parse()).collect::<Result<_, _>>()? }
        }
    };
    let order =
        EraseOrder { what, demanded: *demanded, forget_copies: *forget_copies, reason: reason.clone() };
    let erased = handle.erase(order).await?;
    if json {
        output::json(&erased)?;
    } else {
        output::print(&format!("erased {} clips of {} KiB\n", erased.clips, erased.size_bytes / 1024))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn open(handle: &Handle, clip: &str, target: &Path) -> anyhow::Result<ExitCode> {
    let clip: ClipId = clip.parse()?;
    if target.as_os_str() == "-" {
        handle.copy_clip(clip, io::stdout()).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let file = File::create_new(target).with_context(|| format!("{}", target.display()))?;
    if let Err(error) = handle.copy_clip(clip, io::BufWriter::new(file)).await {
        // Half a copy is worse than none.
        std::fs::remove_file(target).with_context(|| format!("{}", target.display()))?;
        return Err(error.into());
    }
    Ok(ExitCode::SUCCESS)
}
