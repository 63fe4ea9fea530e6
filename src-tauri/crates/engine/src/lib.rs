//! The controller: camera tasks, recording, retention, people, grants.
//!
//! [`Engine::start`] opens a data folder and begins to record; the [`Handle`] it gives is what the window and the
//! command line call. The engine never decodes video: workers do, and they hold no key. It knows no window.

mod backup;
mod camera;
mod card_player;
mod db;
mod disk;
pub mod doctor;
mod export;
mod failure;
mod footage;
mod grants;
mod handle;
mod inner;
mod logbook;
mod options;
mod package;
mod player;
mod recorder;
mod rekey;
mod restore;
mod retention;
mod session;
mod shares;
mod sightings;
mod snapshots;
mod start;
mod together;
mod viewport;
pub mod wire;
mod witness;
mod wrapping;

pub use backup::is_backup;
pub use disk::{Disk, Space, SystemDisk};
pub use handle::{Handle, KeptKeys, SmallPicture, check_clip_proof, find_cameras};
pub use hausrecht_vault::ExposeSecret;
pub use options::Options;
pub use package::{Package, is_package, package_lock};
pub use restore::restore;
pub use start::{Engine, StartError};
pub use viewport::View;
pub use witness::{Witness, WitnessAnswer};

type Result<T, E = wire::Error> = std::result::Result<T, E>;
