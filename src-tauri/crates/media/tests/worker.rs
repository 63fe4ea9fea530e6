//! The worker program, driven as the engine drives it. Tests of the camera need an RTSP server and are skipped with a note
//! unless `HAUSRECHT_TEST_RTSP_MAIN` (and `..._SUB`) name streams; the sandbox test always runs.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may fail loudly")]

use std::{path::Path, process::Command};

#[test]
fn the_sandbox_holds() {
    let checked = Command::new(env!("CARGO_BIN_EXE_hausrecht-worker")).arg("check-sandbox").output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn the_worker_ends_without_an_engine() {
    let ended = Command::new(env!("CARGO_BIN_EXE_hausrecht-worker"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(!ended.status.success());
    assert!(Path::new(env!("CARGO_BIN_EXE_hausrecht-worker")).exists());
}
