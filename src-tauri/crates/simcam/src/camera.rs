//! One camera: what it is called, what it sees, who may use it, and what is wrong with it.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use hausrecht_model::{Clock, StreamRole};
use uuid::Uuid;

use crate::{
    args::Args,
    events::Events,
    fault::{Fault, Faults},
    footage::{Footage, FootageError, Scene},
    loop_clock::LoopClock,
};

/// The maker that every simulated camera names.
pub const MANUFACTURER: &str = "Hausrecht";
/// The model that every simulated camera names, so that nobody takes it for a real one.
pub const MODEL: &str = "Demo camera";
/// The realm of HTTP digest authentication.
pub const REALM: &str = "Hausrecht demo camera";

/// Which bytes to derive identities from; any constant does.
const UUID_NAMESPACE: Uuid = Uuid::from_u128(0x6a1c_84f0_53d2_4c0e_9b71_0e1d_7f35_c2a8);

/// A camera's properties, which stay, and its state.
#[derive(Debug)]
pub struct Camera {
    /// Its name.
    pub name: String,
    /// Its identity in discovery.
    pub uuid: Uuid,
    /// The account that may use it.
    pub user: String,
    /// That account's password.
    pub password: String,
    /// The address it listens on.
    pub address: IpAddr,
    /// Whether it sends sound.
    pub sound: bool,
    /// What it sees.
    pub footage: Arc<Footage>,
    /// What its streams and events follow.
    pub loop_clock: LoopClock,
    /// What it reports.
    pub events: Events,
    /// What fails now.
    pub faults: Faults,
    /// Failures that come by themselves.
    pub planned: Vec<Fault>,
}

impl Camera {
    /// Camera `index`, from zero, of those that `args` asks for. Cameras that see the same share it through `seen`.
    ///
    /// # Errors
    /// When the built-in footage is broken.
    pub fn new(
        args: &Args,
        index: u16,
        clock: Arc<dyn Clock>,
        seen: &mut HashMap<Scene, Arc<Footage>>,
    ) -> Result<Arc<Self>, FootageError> {
        let row = usize::from(index);
        let scene = args.scene.unwrap_or(Scene::ALL[row % Scene::ALL.len()]);
        let footage = match seen.entry(scene) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => new.insert(Arc::new(Footage::load(scene, args.bitrate_kbps)?)).clone(),
        };
        let mut name = args.name.clone().unwrap_or_else(|| scene.default_name().to_owned());
        if args.cameras > 1 && (args.name.is_some() || args.scene.is_some() || row >= Scene::ALL.len()) {
            name = format!("{name} {}", index + 1);
        }
        let uuid = match args.uuid {
            Some(uuid) if index == 0 => uuid,
            Some(uuid) => Uuid::new_v5(&uuid, &index.to_be_bytes()),
            None => Uuid::new_v5(&UUID_NAMESPACE, name.as_bytes()),
        };
        let loop_clock = LoopClock::start(clock, footage.length, args.clock_offset);
        let faults = Faults::default();
        faults.no_keyframe.set(args.fault.contains(&Fault::NoKeyframe));
        faults.refusing.set(args.fault.contains(&Fault::RefuseStream));
        Ok(Arc::new(Self {
            events: Events::new(&footage, loop_clock.clone()),
            name,
            uuid,
            user: args.user.clone(),
            password: args.password.clone(),
            address: args.address,
            sound: args.sound,
            footage,
            loop_clock,
            faults,
            planned: args.fault.clone(),
        }))
    }
}

/// Where a camera answers, known once its sockets are open.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// HTTP, for ONVIF.
    pub http: u16,
    /// RTSP.
    pub rtsp: u16,
}

impl Ports {
    /// The address of the device service on `host`.
    pub fn device_service(self, host: IpAddr) -> String {
        format!("http://{}/onvif/device_service", SocketAddr::new(host, self.http))
    }

    /// The stream's address on `host`, which is a name or an address as in a URI.
    pub fn stream(self, host: &str, role: StreamRole) -> String {
        format!("rtsp://{host}:{}{}", self.rtsp, mount(role))
    }
}

/// The path of a stream.
pub fn mount(role: StreamRole) -> &'static str {
    match role {
        StreamRole::Main => "/main",
        StreamRole::Sub => "/sub",
    }
}
