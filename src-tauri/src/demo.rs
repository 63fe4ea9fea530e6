//! The demo cameras: three simulated cameras on this computer, so that there is something to see without hardware.
//!
//! They have fixed ports and identities, so that a demo camera that was added is the same one after the next start; a
//! marker in the data folder says that they were started.

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::process::{Child, Command};

use crate::options::beside;

struct DemoCamera {
    name: &'static str,
    scene: &'static str,
    uuid: &'static str,
    http_port: u16,
    rtsp_port: u16,
}

const CAMERAS: [DemoCamera; 3] = [
    DemoCamera {
        name: "Front door",
        scene: "front",
        uuid: "6d1c0e5e-0f0c-4b52-9c0d-de0000000001",
        http_port: 38080,
        rtsp_port: 38554,
    },
    DemoCamera {
        name: "Garage",
        scene: "garage",
        uuid: "6d1c0e5e-0f0c-4b52-9c0d-de0000000002",
        http_port: 38081,
        rtsp_port: 38555,
    },
    DemoCamera {
        name: "Shop counter",
        scene: "shop",
        uuid: "6d1c0e5e-0f0c-4b52-9c0d-de0000000003",
        http_port: 38082,
        rtsp_port: 38556,
    },
];

/// The demo cameras of one data folder.
pub(crate) struct Demo {
    program: Option<PathBuf>,
    marker: PathBuf,
    running: Mutex<Vec<Child>>,
}

impl Demo {
    /// Looks for the program beside this one; nothing is started.
    pub(crate) fn new(data_folder: &Path) -> Self {
        Self {
            program: beside("hausrecht-simcam").filter(|program| program.is_file()),
            marker: data_folder.join("demo-cameras"),
            running: Mutex::default(),
        }
    }

    /// Whether there is a program to start.
    pub(crate) fn available(&self) -> bool {
        self.program.is_some()
    }

    /// Starts the cameras if they ran when this data folder was last used.
    pub(crate) fn resume(&self) {
        if self.marker.exists()
            && let Err(error) = self.start()
        {
            tracing::warn!(%error, "the demo cameras do not start");
        }
    }

    /// Starts those cameras that do not run. Must be called on a runtime.
    ///
    /// # Errors
    /// The program is missing or cannot be started.
    pub(crate) fn start(&self) -> io::Result<()> {
        let Some(program) = &self.program else {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the demo needs hausrecht-simcam beside the program, and it is not there",
            ));
        };
        let mut running = self.running();
        if running.iter_mut().any(|child| !matches!(child.try_wait(), Ok(None))) {
            running.clear();
        }
        if running.is_empty() {
            for camera in &CAMERAS {
                running.push(spawn(program, camera)?);
            }
            std::fs::write(&self.marker, "The demo cameras were started from this folder.\n")?;
        }
        Ok(())
    }

    /// Ends the cameras for good: the next start does not bring them back.
    ///
    /// # Errors
    /// The marker cannot be removed.
    pub(crate) fn end(&self) -> io::Result<()> {
        self.running().clear();
        match std::fs::remove_file(&self.marker) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Ends the cameras until the next start.
    pub(crate) fn stop(&self) {
        self.running().clear();
    }

    fn running(&self) -> MutexGuard<'_, Vec<Child>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts one camera; it ends when the child is dropped, or with this program.
fn spawn(program: &Path, camera: &DemoCamera) -> io::Result<Child> {
    Command::new(program)
        .args(["--name", camera.name, "--scene", camera.scene, "--uuid", camera.uuid])
        .args(["--address", "127.0.0.1", "--user", "demo", "--password", "demo", "--exit-with-parent"])
        .args(["--http-port", &camera.http_port.to_string(), "--rtsp-port", &camera.rtsp_port.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}
