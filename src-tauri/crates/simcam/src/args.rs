//! The command line.

use std::net::IpAddr;

use clap::Parser;
use uuid::Uuid;

use crate::{fault::Fault, footage::Scene};

/// A simulated ONVIF camera: discovery, device, media and events over HTTP, and H.264 over RTSP.
///
/// When a camera is ready, one line of JSON with its addresses is printed.
#[derive(Clone, Debug, Parser)]
#[command(name = "hausrecht-simcam", version)]
pub struct Args {
    /// Name of the camera [default: the scene's]; with --cameras, a number follows
    #[arg(long)]
    pub name: Option<String>,
    /// What the camera sees [default: front; with --cameras, one after the other]
    #[arg(long)]
    pub scene: Option<Scene>,
    /// How many cameras to be, each with its own ports, name and UUID
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub cameras: u16,
    /// Address to listen on; a loopback address is announced to this computer only
    #[arg(long, default_value = "127.0.0.1")]
    pub address: IpAddr,
    /// HTTP port, 0 for a free one; with --cameras, the first of them
    #[arg(long, default_value_t = 0)]
    pub http_port: u16,
    /// RTSP port, 0 for a free one; with --cameras, the first of them
    #[arg(long, default_value_t = 0)]
    pub rtsp_port: u16,
    /// Account that may use the camera
    #[arg(long, env = "HAUSRECHT_SIMCAM_USER", default_value = "demo")]
    pub user: String,
    /// Its password
    #[arg(long, env = "HAUSRECHT_SIMCAM_PASSWORD", default_value = "demo", hide_env_values = true)]
    pub password: String,
    /// Identity in discovery [default: derived from the name]
    #[arg(long)]
    pub uuid: Option<Uuid>,
    /// Do not answer discovery
    #[arg(long)]
    pub no_discovery: bool,
    /// UDP port of discovery
    #[arg(long, default_value_t = 3702)]
    pub discovery_port: u16,
    /// Fail on purpose: freeze-after=SECONDS, drop-after=SECONDS, no-keyframe or refuse-stream; may be repeated
    #[arg(long)]
    pub fault: Vec<Fault>,
    /// How far the camera's clock is ahead of the computer's, in seconds
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub clock_offset: i64,
    /// Send sound too (a quiet G.711 tone)
    #[arg(long)]
    pub sound: bool,
    /// Pad the main stream to this many kbit/s, the sub stream to a tenth of it
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=200_000))]
    pub bitrate_kbps: u32,
    /// End when the program that started this one ends
    #[arg(long)]
    pub exit_with_parent: bool,
}
