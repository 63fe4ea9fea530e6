//! Where the programs under test are: next to the one that runs.

use std::path::{Path, PathBuf};

/// The root of the tree.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").to_owned()
}

/// The folder that this program was built into, `target/debug` or `target/release`.
pub fn build_dir() -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a path");
    let dir = own.parent().expect("a program lies in a folder");
    // Test binaries lie one deeper than programs.
    if dir.ends_with("deps") {
        dir.parent().expect("deps/ lies in the build folder").to_owned()
    } else {
        dir.to_owned()
    }
}

/// Where tests leave what a person may want to look at afterwards.
pub fn artefacts(name: &str) -> PathBuf {
    let dir = root().join("target").join(name);
    std::fs::create_dir_all(&dir).expect("target/ can be written");
    dir
}

/// The desktop program.
pub fn app() -> PathBuf {
    program("hausrecht-app")
}

/// The command line program.
pub fn cli() -> PathBuf {
    program("hausrecht")
}

/// The worker that decodes.
pub fn worker() -> PathBuf {
    program("hausrecht-worker")
}

/// The simulated camera.
pub fn simcam() -> PathBuf {
    program("hausrecht-simcam")
}

fn program(name: &str) -> PathBuf {
    let path = build_dir().join(name);
    assert!(
        path.exists(),
        "{} is not built: `cargo build --workspace --features hausrecht-app/custom-protocol`",
        path.display()
    );
    path
}
