//! Cameras that misbehave as real ones do, each a small server on loopback, and what the client makes of them.

mod addresses;
mod answers;
mod events;
mod sign_in;
mod stand_in;
