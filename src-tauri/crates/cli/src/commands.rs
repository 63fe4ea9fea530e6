//! The commands, each on the engine's handle.

mod backup;
mod cameras;
mod clips;
mod doctor;
mod export;
mod import;
mod log;
mod package;
mod people;
mod witness;

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use hausrecht_engine::{
    Engine, Handle, Options,
    wire::{self, CreateOwner, Session},
};
use hausrecht_model::CameraId;

use crate::{
    args::{Args, Camera, Clips, Command, Log},
    output, passphrase,
};

/// Runs what was typed.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let folder = args.data_dir.clone().unwrap_or_else(Options::default_data_folder);
    if matches!(args.command, Command::Discover) {
        return cameras::discover(args.json).await;
    }
    if let Command::Camera(Camera::Doctor { address, user, password_file, capture }) = &args.command {
        return doctor::examine(
            args.json,
            address,
            user.as_deref(),
            password_file.as_deref(),
            capture.as_deref(),
        )
        .await;
    }
    if let Command::Log { command: Some(Log::Check { proof, key, owner_key }), .. } = &args.command {
        return log::check(args.json, proof, key, owner_key.as_deref());
    }
    if let Command::Open(open) = &args.command
        && package::is_meant(open)
    {
        return package::open(&args, open).await;
    }
    if let Command::Witness(wish) = &args.command {
        return witness::serve(args.json, wish).await;
    }
    if let Command::Restore(wish) = &args.command {
        return backup::bring_back(&args, wish, &folder).await;
    }
    let records = matches!(args.command, Command::Run);
    if !records && !matches!(args.command, Command::Init { .. }) {
        anyhow::ensure!(
            folder.join("hausrecht.db").exists(),
            "{} holds no vault: make one with `hausrecht init --owner NAME` or in the window",
            folder.display()
        );
    }
    let mut options = Options::new(&folder, Options::default_worker());
    options.record = records;
    let handle = Engine::start(options).await?;
    let outcome = dispatch(&args, &handle, &folder).await;
    handle.stop().await;
    outcome
}

async fn dispatch(args: &Args, handle: &Handle, folder: &Path) -> anyhow::Result<ExitCode> {
    let no_passphrase = matches!(
        args.command,
        Command::Run
            | Command::Init { .. }
            | Command::Log {
                command: Some(
                    Log::Verify
                        | Log::Checkpoint
                        | Log::Key
                        | Log::Consistency { .. }
                        | Log::Prove { clip: None, .. }
                ),
                ..
            }
    );
    if !no_passphrase {
        sign_in(args, handle).await?;
    }
    match &args.command {
        Command::Init { owner, accept_weak } => init(args, handle, owner, *accept_weak).await,
        Command::Run => record(handle, folder).await,
        Command::Discover => Ok(ExitCode::SUCCESS),
        Command::Camera(command) => cameras::run(args, handle, command).await,
        Command::Clips { command: Some(command @ Clips::Erase { .. }), .. } => {
            clips::erase(args.json, handle, command).await
        }
        Command::Clips { command: Some(Clips::Export(wish)), .. } => {
            export::run(args.json, handle, wish).await
        }
        Command::Clips { command: Some(Clips::Import { paths, source, start, time_zone }), .. } => {
            import::run(args.json, handle, paths, source, start.as_deref(), time_zone.as_deref()).await
        }
        Command::Clips { command: None, camera, from, to, limit } => {
            clips::list(args.json, handle, camera.as_deref(), from.as_deref(), to.as_deref(), *limit).await
        }
        Command::Open(open) => {
            let output = open.output.as_deref().context("--output says where the clip goes")?;
            clips::open(handle, &open.what, output).await
        }
        Command::Backup { folder } => backup::make(args.json, handle, folder).await,
        // Done before there was an engine.
        Command::Restore(_) | Command::Witness(_) => Ok(ExitCode::SUCCESS),
        Command::Witnesses(wish) => witness::own(args.json, handle, wish).await,
        Command::Stamps(wish) => witness::stamps(args.json, handle, wish).await,
        Command::People { add: Some(name), role, until, new_passphrase_file, accept_weak } => {
            let who = people::Who { name, role: role.as_deref(), until: until.as_deref() };
            people::add(args.json, handle, who, new_passphrase_file.as_deref(), *accept_weak).await
        }
        Command::People { add: None, .. } => people::list(args.json, handle).await,
        Command::Grant(grant) => people::grant(args.json, handle, grant).await,
        Command::TakeBack { grant, rekey } => people::take_back(args.json, handle, grant, *rekey).await,
        Command::Log { command, limit, kind } => {
            log::run(args.json, handle, command.as_ref(), *limit, kind).await
        }
    }
}

async fn sign_in(args: &Args, handle: &Handle) -> anyhow::Result<()> {
    anyhow::ensure!(
        !matches!(handle.session(), Session::Empty),
        "the vault has no owner yet: run `hausrecht init --owner NAME`"
    );
    let secret = passphrase::secret(args.passphrase_file.as_deref(), "Passphrase")?;
    match &args.name {
        Some(name) => handle.unlock(name, secret).await?,
        None => handle.unlock_owner(secret).await?,
    };
    Ok(())
}

async fn init(args: &Args, handle: &Handle, owner: &str, accept_weak: bool) -> anyhow::Result<ExitCode> {
    let suggestion = handle.suggest_passphrase();
    let file = args.passphrase_file.as_deref();
    let question = format!("Passphrase (for example: {})", suggestion.words);
    let secret = passphrase::secret(file, &question)?;
    let sheet =
        handle.create_owner(CreateOwner { name: owner.to_owned(), passphrase: secret, accept_weak }).await?;
    if args.json {
        output::json(&sheet)?;
    } else {
        output::print(&format!(
            "The vault is made. Write this recovery identity down and keep it where you keep a passport;\n\
             whoever holds it can open every clip, and without it a forgotten passphrase is final:\n\n  {}\n",
            sheet.identity
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn record(handle: &Handle, folder: &Path) -> anyhow::Result<ExitCode> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    if matches!(handle.session(), Session::Empty) {
        anyhow::bail!(wire::Error::new(
            wire::ErrorCode::Invalid,
            format!("{} has no owner yet: run `hausrecht init --owner NAME` first", folder.display())
        ));
    }
    tracing::info!("recording; Ctrl+C ends it");
    tokio::select! {
        _ = terminate.recv() => {}
        outcome = tokio::signal::ctrl_c() => outcome?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A camera by name or id.
pub(crate) fn camera_named(handle: &Handle, text: &str) -> anyhow::Result<CameraId> {
    let cameras = handle.cameras()?;
    let by_id = text.parse::<CameraId>().ok();
    cameras
        .iter()
        .find(|camera| camera.name == text || by_id == Some(camera.id))
        .map(|camera| camera.id)
        .with_context(|| {
            let names: Vec<_> = cameras.iter().map(|camera| camera.name.as_str()).collect();
            format!("there is no camera “{text}”; there are: {}", names.join(", "))
        })
}
