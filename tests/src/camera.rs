//! Simulated cameras for tests: `hausrecht-simcam` as a child, and what it says about itself.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use crate::process::{Owned, first_line};
use crate::programs;

/// How long a camera may take to be ready; a loaded machine needs most of it.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Account of the cameras that tests start.
pub const USER: &str = "demo";
/// Its password.
pub const PASSWORD: &str = "demo";

/// A running simulated camera.
#[derive(Debug)]
pub struct SimCam {
    process: Owned,
    /// What it printed when it was ready.
    pub ready: serde_json::Value,
}

impl SimCam {
    /// Starts one camera on the loopback with `args` added to its command line.
    ///
    /// # Panics
    /// It does not get ready in time.
    pub fn start(args: &[&str]) -> Self {
        let mut command = Command::new(programs::simcam());
        command.arg("--exit-with-parent").args(args).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = Owned::start(&mut command);
        let line = first_line(&mut process.0, READY_WITHIN);
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        Self { process, ready }
    }

    /// `host:port` of its ONVIF service: what a person types to add it by address.
    ///
    /// # Panics
    /// It printed none.
    pub fn address(&self) -> String {
        let service = self.ready["http"].as_str().expect("the line names the service");
        let without_scheme = service.split("://").last().expect("split gives one part at least");
        without_scheme.split('/').next().expect("split gives one part at least").to_owned()
    }

    /// RTSP address of its main stream, without the account.
    ///
    /// # Panics
    /// It printed none.
    pub fn rtsp_main(&self) -> String {
        self.ready["rtsp_main"].as_str().expect("the line names the main stream").to_owned()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.0.id()
    }
}
