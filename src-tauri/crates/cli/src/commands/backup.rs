//! `backup` and `restore`.

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use hausrecht_engine::{Engine, Handle, Options, restore, wire::RestoreKey};

use crate::{
    args::{Args, Restore},
    output::{self, local},
    passphrase,
};

pub(crate) async fn make(json: bool, handle: &Handle, folder: &Path) -> anyhow::Result<ExitCode> {
    let made = handle.make_backup(std::path::absolute(folder).context("the folder")?).await?;
    if json {
        output::json(&made)?;
    } else {
        output::print(&format!("{} ({} KiB)", made.path, made.size_bytes >> 10))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Brings a backup back into a data folder without an owner, and starts it once, so that it is there.
pub(crate) async fn bring_back(args: &Args, wish: &Restore, folder: &Path) -> anyhow::Result<ExitCode> {
    let passphrase = passphrase::secret(
        args.passphrase_file.as_deref(),
        if wish.sheet.is_some() || !wish.share.is_empty() {
            "New passphrase"
        } else {
            "Passphrase of the owner"
        },
    )?;
    let key = match (&wish.sheet, wish.share.as_slice()) {
        (Some(file), _) => RestoreKey::Sheet {
            identity: passphrase::secret(Some(file), "Identity on the recovery sheet")?,
            passphrase,
        },
        (None, []) => RestoreKey::Passphrase { passphrase },
        (None, [one, other]) => RestoreKey::Shares {
            one: passphrase::secret(Some(one), "Share")?,
            other: passphrase::secret(Some(other), "Share")?,
            passphrase,
        },
        (None, _) => anyhow::bail!("--share is needed twice: the shares of two people"),
    };
    let mut options = Options::new(folder, Options::default_worker());
    options.record = false;
    let (from, to, log_n) = (wish.backup.clone(), folder.to_owned(), options.log_n);
    let restored = tokio::task::spawn_blocking(move || restore(&from, &to, key, log_n)).await??;
    let handle = Engine::start(options).await?;
    handle.stop().await;
    if args.json {
        output::json(&restored)?;
    } else {
        output::print(&format!(
            "The vault of {} is back in {}, with {} entries of its log, which goes on under another name and says so.\n\
             Clips are not in a backup: copy the folder “clips” of the old data folder beside it, if you still have it.",
            local(restored.made_us),
            folder.display(),
            restored.entries
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
