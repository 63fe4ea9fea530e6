//! `clips export`: the same export as in the window, with its progress on standard error.

use std::{io::Write, process::ExitCode, time::Duration};

use anyhow::Context;
use hausrecht_engine::{
    Handle,
    wire::{ExportOrder, ExportState, ExportView, PackageSeal},
};

use super::camera_named;
use crate::{
    args::Export,
    output::{self, local, parse_time},
    passphrase,
};

/// How often it is looked whether there is progress, in case no event says so.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(crate) async fn run(json: bool, handle: &Handle, wish: &Export) -> anyhow::Result<ExitCode> {
    let cameras = wish.camera.iter().map(|camera| camera_named(handle, camera)).collect::<Result<_, _>>()?;
    let folder = std::path::absolute(&wish.folder).context("the folder")?;
    let order = ExportOrder {
        cameras,
        from_us: parse_time(&wish.from)?,
        to_us: parse_time(&wish.to)?,
        folder: folder.to_str().context("the folder's name is not text")?.to_owned(),
        recipient: wish.recipient.clone(),
        on_picture: wish.name_on_picture,
        purpose: wish.purpose.clone(),
        packed: wish.package,
    };
    let plan = handle.plan_export(order.clone()).await?;
    let mut say = Progress::default();
    say.line(&format!(
        "{} clips, about {} MiB, about {} s{}",
        plan.clips,
        plan.size_bytes >> 20,
        plan.seconds,
        if plan.caption.is_some() { "; every picture is encoded anew" } else { "" }
    ));
    let mut events = handle.subscribe();
    let id = handle.start_export(order, seal(handle, wish)?).await?;
    let ended = loop {
        tokio::select! {
            // Snapshots replace each other, so it does not matter which of them this is.
            _ = events.recv() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = tokio::signal::ctrl_c() => handle.stop_export(id)?,
        }
        // Whoever waits here is alive, and the vault stays open for the export.
        handle.touch();
        let view = handle.exports()?.into_iter().find(|view| view.id == id).context("the export is gone")?;
        match view.state {
            ExportState::Waiting | ExportState::Running => say.progress(&view),
            ExportState::Done | ExportState::Failed | ExportState::Stopped => break view,
        }
    };
    say.end();
    if let Some(error) = ended.error {
        return Err(error.into());
    }
    if ended.state == ExportState::Stopped {
        anyhow::bail!("stopped; nothing was kept");
    }
    if let Some(package) = &ended.package {
        say.line(&format!("all in one package: {}", folder.join(package).display()));
    }
    if json {
        let package = ended.package.as_ref().map(|name| folder.join(name));
        match package {
            Some(package) => output::json(&serde_json::json!({ "package": package, "films": ended.files }))?,
            None => output::json(&ended.files)?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<_> = ended
        .files
        .iter()
        .map(|file| {
            let path =
                if ended.package.is_some() { file.name.clone().into() } else { folder.join(&file.name) };
            vec![
                path.display().to_string(),
                local(file.from_us),
                format!("{:.3} s", file.duration_us as f64 / 1e6),
                file.pictures.to_string(),
                file.encoded.to_string(),
                if file.hidden_us > 0 {
                    format!("{:.3} s before it are in the file, not played", file.hidden_us as f64 / 1e6)
                } else {
                    String::new()
                },
            ]
        })
        .collect();
    output::table(&["FILE", "START", "LENGTH", "PICTURES", "ENCODED ANEW", ""], &rows)?;
    Ok(ExitCode::SUCCESS)
}

/// Who can open the package, if it is to be one.
fn seal(handle: &Handle, wish: &Export) -> anyhow::Result<Option<PackageSeal>> {
    Ok(match (&wish.to_key, wish.package) {
        (_, false) => None,
        (Some(key), true) => Some(PackageSeal::Key { recipient: key.clone() }),
        (None, true) => {
            let words = handle.suggest_passphrase().words;
            let question = format!("Passphrase of the package (for example: {words})");
            let passphrase = passphrase::secret(wish.package_passphrase_file.as_deref(), &question)?;
            Some(PackageSeal::Passphrase { passphrase })
        }
    })
}

/// One line on standard error that is written over.
#[derive(Default)]
struct Progress {
    permille: Option<u32>,
}

impl Progress {
    fn line(&self, text: &str) {
        // Nothing can be done if standard error is closed.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    fn progress(&mut self, view: &ExportView) {
        if self.permille == Some(view.done_permille) {
            return;
        }
        self.permille = Some(view.done_permille);
        let left = view.left_s.map(|left| format!(", {left} s left")).unwrap_or_default();
        let part = f64::from(view.done_permille) / 10.0;
        let _ = write!(std::io::stderr(), "\r{part:5.1} %{left}        ");
    }

    fn end(&self) {
        if self.permille.is_some() {
            self.line("");
        }
    }
}
