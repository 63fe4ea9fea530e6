//! `hausrecht-simcam`: starts the cameras that the command line asks for and prints a line of JSON for each.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::Parser;
use hausrecht_model::clock::SystemClock;
use hausrecht_simcam::{args::Args, run};

fn main() -> ExitCode {
    match start(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hausrecht-simcam: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: Args) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    if args.exit_with_parent {
        // The signal follows the thread that started this process, and the main thread of this one lives to the end.
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))
            .context("cannot follow the parent process")?;
    }
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?
        .block_on(run::run(args, Arc::new(SystemClock::new())))
}
