//! Cameras that misbehave as real ones do, each a small server on loopback, and what the client makes of them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod addresses;
mod answers;
mod discovery;
mod events;
mod raw;
mod redirects;
mod refusals;
mod services;
mod sign_in;
mod stand_in;
mod streams;
mod tls;
