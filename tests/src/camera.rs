//! Simulated cameras for tests: `hausrecht-simcam` as a child, and what it says about itself.

use std::{
    io::{Read, Write},
    net::TcpStream,
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
        self.ready["rtsp"].as_str().expect("the line names the main stream").to_owned()
    }

    /// RTSP address of its small stream, without the account.
    ///
    /// # Panics
    /// It printed none.
    pub fn rtsp_sub(&self) -> String {
        self.ready["rtsp_sub"].as_str().expect("the line names the small stream").to_owned()
    }

    /// What it knows of itself.
    ///
    /// # Panics
    /// It is gone, or it speaks under TLS only.
    pub fn state(&self) -> serde_json::Value {
        let address = self.address();
        let mut stream = TcpStream::connect(&address).expect("the camera listens");
        let request = format!("GET /control/state HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the camera listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the camera answers");
        let json = answer.find('{').zip(answer.rfind('}')).and_then(|(from, to)| answer.get(from..=to));
        let json = json.unwrap_or_else(|| panic!("{answer}"));
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    /// Tells it to fail, recover or report motion: `freeze`, `thaw`, `refuse`, `accept`, `motion`.
    ///
    /// # Panics
    /// It does not understand, or is gone.
    pub fn control(&self, what: &str) {
        let address = self.address();
        let mut stream = TcpStream::connect(&address).expect("the camera listens");
        let request = format!(
            "POST /control/{what} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("the camera listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the camera answers");
        assert!(answer.starts_with("HTTP/1.1 204"), "{what}: {answer}");
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.0.id()
    }
}
