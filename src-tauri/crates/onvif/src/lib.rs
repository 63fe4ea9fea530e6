//! ONVIF client of Hausrecht: finds cameras, signs in, reads what they are and what they stream, and listens to
//! their events. Built for how cameras really behave, not only for the standard. It knows nothing of video.

mod address;
mod backoff;
pub mod camera;
pub mod capture;
mod certificate;
mod credentials;
pub mod discovery;
pub mod doctor;
mod error;
pub mod events;
#[doc(hidden)]
pub mod fuzz;
mod http;
mod scoped;
mod session;
mod settings;
mod signature;
mod soap;
mod tls;
pub mod topics;
mod xml;

pub use backoff::Backoff;
pub use camera::{Camera, ClockOffset, Information, MediaService, Profile, main_and_sub};
pub use certificate::{CertificatePin, NotAPin};
pub use credentials::Credentials;
pub use error::Error;
pub use events::{Notification, Operation, Subscription};
pub use settings::Settings;
pub use topics::Meaning;
