//! A simulated camera: a whole one to any ONVIF and RTSP client, for the demo and for tests. It encodes nothing; the footage in
//! `assets/footage` is sent as it is, in step with the events, on one clock per camera. It is no part of the product: nothing but
//! the demo and tests starts it.

pub mod accounts;
pub mod args;
pub mod camera;
pub mod card;
pub mod discovery;
pub mod events;
pub mod fault;
pub mod feature;
pub mod footage;
pub mod http;
mod lock;
pub mod loop_clock;
pub mod onvif;
pub mod picture;
pub mod power;
pub mod ptz;
pub mod rtsp;
pub mod run;
pub mod settings;
pub mod soap;
pub mod tls;
pub mod transcode;
