//! What the program is told when it is started: arguments and environment.

use std::path::PathBuf;

use clap::Parser;

/// Shows and records cameras; nobody but the owner can open a clip.
///
/// Recording starts at once, with the vault locked too. Closing the window leaves the recording running where the
/// desktop has a tray; "Quit" in the tray ends it.
#[derive(Clone, Debug, Parser)]
#[command(name = "hausrecht-app", version)]
pub(crate) struct Arguments {
    /// Folder with the vault, the log and the clips. One window or `hausrecht run` at a time.
    #[arg(long, value_name = "DIR", env = "HAUSRECHT_DATA")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Starts the three demo cameras by itself when no camera was added and none answers a search.
    #[arg(long)]
    pub(crate) auto_demo: bool,
    /// Reports a failed start on standard error alone, without a dialog.
    #[arg(long, env = "HAUSRECHT_NO_DIALOG", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) no_dialog: bool,
    /// The worker program that reads cameras; by default `hausrecht-worker` beside this one.
    #[arg(long, value_name = "FILE", env = "HAUSRECHT_WORKER")]
    pub(crate) worker: Option<PathBuf>,
    /// Sealed clips of this vault to open, and films to import.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

impl Arguments {
    /// What the engine is started with.
    pub(crate) fn engine(&self) -> hausrecht_engine::Options {
        hausrecht_engine::Options::new(
            self.data_dir.clone().unwrap_or_else(hausrecht_engine::Options::default_data_folder),
            self.worker.clone().unwrap_or_else(hausrecht_engine::Options::default_worker),
        )
    }
}

/// The path of another program of ours, which lies in the same folder as this one.
pub(crate) fn beside(program: &str) -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    Some(own.with_file_name(format!("{program}{}", std::env::consts::EXE_SUFFIX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_folder_and_the_demo_are_understood() {
        let arguments = Arguments::parse_from(["hausrecht-app", "--data-dir", "/somewhere", "--auto-demo"]);
        assert_eq!(arguments.engine().data_folder, PathBuf::from("/somewhere"));
        assert!(arguments.auto_demo && !arguments.no_dialog);
    }
}
