//! The command line.

use std::net::IpAddr;

use clap::Parser;
use uuid::Uuid;

use crate::{fault::Fault, feature::Feature, footage::Scene};

const FAULTS: &str = "Fail on purpose; may be repeated:
  freeze-after=SECONDS         pictures stop, connections stay
  drop-after=SECONDS           connections are closed once
  no-keyframe                  key frames are left out
  refuse-stream                RTSP answers 503
  udp-only                     RTSP answers 461 to TCP
  tcp-only                     RTSP answers 461 to UDP
  wrong-clock                  GetSystemDateAndTime is two hours ahead of the clock that tokens are checked by
  no-utc                       GetSystemDateAndTime leaves the UTC time out
  clock-needs-password         GetSystemDateAndTime is refused without a password
  digest-only                  WS-UsernameToken is not understood
  token-only                   HTTP digest is not understood, and never asked for
  bad-xaddr[=HOST[:PORT]]      every address that an answer holds names this host [192.0.2.1]
  renew-refused                Renew is answered with a fault
  pull-closes-early[=SECONDS]  a pull that waits this long is closed without an answer [2]
  no-events                    subscriptions are refused
  event-flood=N                N reports a second, for ever
  sleep[=SECONDS]              the camera is on the network and off it in turn, this long each [10]
  trickle                      every answer comes a byte a second
  huge-answer                  every answer is 100 MiB long
  bomb                         every answer is an XML document whose entities grow without end
A camera with trickle, huge-answer or bomb gives whole answers to nobody.";

/// A simulated ONVIF camera: discovery, the ONVIF services over HTTP, and its streams over RTSP.
///
/// When a camera is ready, one line of JSON with its addresses is printed. The pictures were encoded beforehand and stay as they are:
/// encoder, imaging, OSD, mask and PTZ settings are checked, kept and given back, but change nothing that is seen. Everything that is
/// set is forgotten when the program ends.
///
/// Programs on this computer may POST to /control/ on the HTTP port: freeze, thaw, refuse, accept, motion, ring, input-on, input-off,
/// reboot, new-certificate. GET /control/state gives what the camera knows of itself as JSON: PTZ position, relays, sound heard over
/// the back channel.
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
    /// Address to listen on, `::` for IPv6; a loopback address is announced to this computer only
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
    /// Something the camera can do beside what its scene can; may be repeated
    #[arg(long, value_enum)]
    pub feature: Vec<Feature>,
    /// Something the camera cannot do; may be repeated
    #[arg(long, value_enum)]
    pub without: Vec<Feature>,
    /// Fail on purpose; may be repeated
    #[arg(long, long_help = FAULTS)]
    pub fault: Vec<Fault>,
    /// How far the camera's clock is ahead of the computer's, in seconds
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub clock_offset: i64,
    /// HTTPS and RTSP over TLS in place of HTTP and RTSP, with a certificate that the camera makes for itself
    #[arg(long)]
    pub tls: bool,
    /// How long the camera is away when it is told to reboot, in seconds
    #[arg(long, default_value_t = 4.0, value_parser = seconds)]
    pub reboot_seconds: f64,
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

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        Ok(_) | Err(_) => Err("expected seconds from 0 to 3600".to_owned()),
    }
}
