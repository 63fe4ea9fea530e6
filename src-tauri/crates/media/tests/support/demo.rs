//! A simulated camera inside the test, so that what it heard and what it has on its card can be asked of it.

use std::{collections::HashMap, sync::Arc, thread};

use clap::Parser;
use gstreamer as gst;
use hausrecht_model::clock::SystemClock;
use hausrecht_simcam::{
    args::Args,
    camera::Camera,
    rtsp::{RtspServer, RtspThread},
};

/// The simulated camera's account.
pub(crate) const USER: &str = "demo";
/// Its password.
pub(crate) const PASSWORD: &str = "geheim";

/// A camera with RTSP and nothing else.
pub(crate) struct Demo {
    pub(crate) camera: Arc<Camera>,
    server: Arc<RtspServer>,
}

impl Demo {
    /// Starts a camera as its command line asks for.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        gst::init().unwrap();
        let fixed = ["hausrecht-simcam", "--no-discovery", "--user", USER, "--password", PASSWORD];
        let args = Args::parse_from(fixed.iter().chain(arguments));
        let camera = Camera::new(&args, 0, Arc::new(SystemClock::new()), &mut HashMap::new()).unwrap();
        let server = Arc::new(RtspServer::start(&camera, &RtspThread::start(), 0).unwrap());
        let feeding = Arc::clone(&server);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(feeding.run());
        });
        Self { camera, server }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.server.port
    }

    /// Address of one of its streams.
    pub(crate) fn uri(&self, path: &str) -> String {
        format!("rtsp://127.0.0.1:{}{path}", self.server.port)
    }
}
