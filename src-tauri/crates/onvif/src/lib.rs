//! ONVIF client of Hausrecht: finds cameras, signs in, reads what they are and what they stream, and listens to
//! their events. Built for how cameras really behave, not only for the standard. It knows nothing of video.

mod address;
pub mod camera;
pub mod capture;
mod credentials;
pub mod discovery;
pub mod doctor;
mod error;
pub mod events;
mod http;
mod session;
mod settings;
mod signature;
mod soap;
pub mod topics;
mod xml;

pub use camera::{Camera, ClockOffset, Information, MediaService, Profile, main_and_sub};
pub use credentials::Credentials;
pub use error::Error;
pub use events::{Notification, Operation, Subscription};
pub use settings::Settings;
pub use topics::Meaning;
pub use xml::fuzz_parse;
