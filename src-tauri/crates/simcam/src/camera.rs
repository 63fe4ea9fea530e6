//! One camera: what it is called, what it sees, what it can do, who may use it, and what is wrong with it.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, OnceLock, atomic::AtomicI64},
    time::Duration,
};

use hausrecht_model::Clock;
use uuid::Uuid;

use crate::{
    accounts::Accounts,
    args::Args,
    card::Searches,
    events::{Events, Topic},
    fault::{Fault, Faults},
    feature::Feature,
    footage::{Footage, FootageError, Scene, Stream},
    lock::lock,
    loop_clock::LoopClock,
    picture::Picture,
    power::Power,
    ptz::Ptz,
    rtsp::Heard,
    settings::{Relay, Settings, Values},
    tls::{Identity, TlsError},
};

/// The maker that every simulated camera names.
pub const MANUFACTURER: &str = "Hausrecht";
/// The model that every simulated camera names, so that nobody takes it for a real one.
pub const MODEL: &str = "Demo camera";
/// The realm of HTTP digest authentication.
pub const REALM: &str = "Hausrecht demo camera";

/// Which bytes to derive identities from; any constant does.
const UUID_NAMESPACE: Uuid = Uuid::from_u128(0x6a1c_84f0_53d2_4c0e_9b71_0e1d_7f35_c2a8);

/// Why there is no camera.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// The built-in footage is broken.
    #[error(transparent)]
    Footage(#[from] FootageError),
    /// It cannot make itself a certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A camera's properties, which stay, and its state.
#[derive(Debug)]
pub struct Camera {
    /// Its name.
    pub name: String,
    /// Its identity in discovery.
    pub uuid: Uuid,
    /// Who may use it.
    pub accounts: Arc<Accounts>,
    /// The address it listens on.
    pub address: IpAddr,
    /// Whether it sends sound.
    pub sound: bool,
    /// What it can do.
    pub features: BTreeSet<Feature>,
    /// What it sees.
    pub footage: Arc<Footage>,
    /// What its streams and events follow.
    pub loop_clock: LoopClock,
    /// What it reports.
    pub events: Events,
    /// What fails now.
    pub faults: Faults,
    /// Failures that the command line asked for.
    pub planned: Vec<Fault>,
    /// Whether it is there at all.
    pub power: Power,
    /// How long a reboot takes.
    pub reboot: Duration,
    /// Settings of the device.
    pub settings: Settings,
    /// Settings of streams and pictures.
    pub picture: Mutex<Picture>,
    /// Its head.
    pub ptz: Mutex<Ptz>,
    /// What its loudspeaker was given.
    pub heard: Arc<Heard>,
    /// When a client last began to play a stream, by the camera's clock; zero before.
    pub played: AtomicI64,
    /// When a client last asked for a description of a stream, likewise.
    pub asked: AtomicI64,
    /// When it got it.
    pub described: AtomicI64,
    /// Searches on its card.
    pub searches: Searches,
    /// Where it answers, once it does.
    ports: OnceLock<Ports>,
    /// Its certificate; none if it speaks without TLS.
    pub identity: Option<Identity>,
}

impl Camera {
    /// Camera `index`, from zero, of those that `args` asks for. Cameras that see the same share it through `seen`.
    ///
    /// # Errors
    /// When the built-in footage is broken, or no certificate can be made.
    pub fn new(
        args: &Args,
        index: u16,
        clock: Arc<dyn Clock>,
        seen: &mut HashMap<Scene, Arc<Footage>>,
    ) -> Result<Arc<Self>, CameraError> {
        let row = usize::from(index);
        let scene = args.scene.unwrap_or(Scene::ALL[row % Scene::ALL.len()]);
        let mut features = Feature::of(scene);
        features.extend(&args.feature);
        features.retain(|feature| !args.without.contains(feature));
        let footage = match seen.entry(scene) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => {
                new.insert(Arc::new(Footage::load(scene, &features, args.bitrate_kbps)?)).clone()
            }
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
        let events = Events::new(&footage, loop_clock.clone());
        let relays = if features.contains(&Feature::Relay) { Relay::pair() } else { Vec::new() };
        for number in 0..relays.len() {
            events.begin_with(Topic::Relay(number));
        }
        if features.contains(&Feature::Input) {
            events.begin_with(Topic::Input);
        }
        let settings = Settings::new(Values {
            hostname: format!("demo-{}", &uuid.simple().to_string()[..8]),
            scopes: vec![
                format!("onvif://www.onvif.org/name/{}", crate::onvif::percent_encode(&name)),
                "onvif://www.onvif.org/location/demo".to_owned(),
            ],
            discoverable: true,
            time_by_ntp: false,
            daylight_saving: false,
            time_zone: "UTC0".to_owned(),
            ntp: Vec::new(),
            relays,
            input: features.contains(&Feature::Input).then_some(false),
        });
        Ok(Arc::new(Self {
            events,
            name,
            uuid,
            accounts: Arc::new(Accounts::new(&args.user, &args.password)),
            address: args.address,
            sound: args.sound,
            picture: Mutex::new(Picture::new(&footage)),
            features,
            footage,
            loop_clock,
            faults,
            planned: args.fault.clone(),
            power: Power::default(),
            reboot: Duration::from_secs_f64(args.reboot_seconds),
            settings,
            ptz: Mutex::default(),
            heard: Arc::default(),
            played: AtomicI64::default(),
            asked: AtomicI64::default(),
            described: AtomicI64::default(),
            searches: Searches::default(),
            ports: OnceLock::new(),
            identity: if args.tls { Some(Identity::new(args.address)?) } else { None },
        }))
    }

    /// Says where it answers; once.
    pub fn set_ports(&self, ports: Ports) {
        let _ = self.ports.set(ports);
    }

    /// Where it answers; zeros before it does.
    pub fn ports(&self) -> Ports {
        self.ports.get().copied().unwrap_or_default()
    }

    /// Whether it can do this.
    pub fn can(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// Whether it was asked to fail so.
    pub fn fails(&self, fault: &Fault) -> bool {
        self.planned.contains(fault)
    }

    /// Its streams, the main one first. The H.265 one is for Media2 alone.
    pub fn streams(&self) -> impl Iterator<Item = Stream> + '_ {
        self.footage
            .tracks
            .iter()
            .map(|&(stream, _)| stream)
            .filter(|stream| stream.feature().is_none_or(|feature| self.can(feature)))
    }

    /// Settings of streams and pictures.
    pub fn picture(&self) -> MutexGuard<'_, Picture> {
        lock(&self.picture)
    }

    /// The head.
    pub fn ptz(&self) -> MutexGuard<'_, Ptz> {
        lock(&self.ptz)
    }

    /// Sets relay `number`; one that falls back does so by itself.
    pub fn set_relay(self: &Arc<Self>, number: usize, active: bool) {
        let mut settings = self.settings.lock();
        let Some(relay) = settings.relays.get_mut(number) else { return };
        relay.active = active;
        relay.times_set += 1;
        let (set, falls_back_after) = (relay.times_set, relay.falls_back_after);
        drop(settings);
        self.events.set(Topic::Relay(number), active);
        if let (true, Some(span)) = (active, falls_back_after) {
            let camera = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(span).await;
                if camera.settings.lock().relays.get(number).is_some_and(|relay| relay.times_set == set) {
                    camera.set_relay(number, false);
                }
            });
        }
    }

    /// Sets the digital input, if there is one.
    pub fn set_input(&self, on: bool) {
        let mut settings = self.settings.lock();
        if let Some(input) = &mut settings.input {
            *input = on;
            drop(settings);
            self.events.set(Topic::Input, on);
        }
    }
}

/// Where a camera answers, known once its sockets are open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    /// HTTP, for ONVIF.
    pub http: u16,
    /// RTSP.
    pub rtsp: u16,
    /// Whether both are under TLS.
    pub tls: bool,
}

impl Ports {
    /// The address of the device service on `host`.
    pub fn device_service(self, host: IpAddr) -> String {
        format!("{}/onvif/device_service", self.http_at(&SocketAddr::new(host, self.http).to_string()))
    }

    /// The beginning of HTTP addresses on `authority`.
    pub fn http_at(self, authority: &str) -> String {
        format!("{}://{authority}", if self.tls { "https" } else { "http" })
    }

    /// The beginning of RTSP addresses on `host`, which is a name or an address as in a URI.
    pub fn rtsp_at(self, host: &str) -> String {
        format!("{}://{host}:{}", if self.tls { "rtsps" } else { "rtsp" }, self.rtsp)
    }
}
