//! Cameras that come, go and move while the engine runs. What is heard on the network is nobody's word: it informs, and a
//! password goes to a new address only after the camera has proven itself there without one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use hausrecht_ledger::Kind;
use hausrecht_model::CameraId;
use hausrecht_onvif::{
    Backoff, Camera, CertificatePin, Settings,
    discovery::{self, Found, Sighting, WatchOptions},
};
use hausrecht_store::{CameraRow, Tables};
use url::Url;

use crate::{
    Result,
    camera::{CameraTask, address_of},
    handle::{found_view, known_row},
    inner::{Inner, lock},
    logbook::Note,
    wire::{Event, NoticeKind, PictureState},
};

/// How long to wait before the network is listened to again when there is none.
const NO_NETWORK_PAUSE: Duration = Duration::from_secs(30);
/// How often a camera that says it has moved is tried at its new address: it may still be starting.
const TRIES: u32 = 5;
/// Notices that are remembered so as not to be repeated.
const TOLD_MAX: usize = 256;

/// What is known of comings and goings.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    /// The cameras that were added have changed, or their addresses.
    pub(crate) known_changed: tokio::sync::Notify,
    /// Cameras that are being asked to prove themselves.
    proving: Mutex<BTreeSet<CameraId>>,
    /// What the owner was told already.
    told: Mutex<BTreeSet<String>>,
}

impl Sightings {
    fn is_first_time(&self, what: String) -> bool {
        let mut told = lock(&self.told);
        told.len() < TOLD_MAX && told.insert(what)
    }
}

/// Listens until the engine stops.
pub(crate) async fn watch(inner: Arc<Inner>) {
    let mut stopping = inner.stopping.subscribe();
    while !*stopping.borrow_and_update() {
        let known = known(&inner);
        let options = WatchOptions { known: known.clone().into_iter().collect(), ..WatchOptions::default() };
        let mut sightings = match discovery::watch(options) {
            Ok(sightings) => sightings,
            Err(error) => {
                tracing::debug!("cameras that come and go are not heard: {error}");
                tokio::select! {
                    _ = stopping.changed() => return,
                    () = tokio::time::sleep(NO_NETWORK_PAUSE) => continue,
                }
            }
        };
        loop {
            tokio::select! {
                _ = stopping.changed() => break,
                () = inner.sightings.known_changed.notified() => {
                    if crate::sightings::known(&inner) != known {
                        break;
                    }
                }
                sighting = sightings.recv() => match sighting {
                    Some(sighting) => take(&inner, sighting),
                    None => break,
                },
            }
        }
    }
}

/// The endpoints of all cameras and the hosts at which they are.
fn known(inner: &Inner) -> BTreeMap<String, String> {
    lock(&inner.camera_rows)
        .values()
        .filter(|row| row.removed_us.is_none() && !row.imported)
        .filter_map(|row| Some((row.endpoint.clone(), host_of(&row.xaddr)?)))
        .collect()
}

fn host_of(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

fn take(inner: &Arc<Inner>, sighting: Sighting) {
    match sighting {
        Sighting::Appeared(found) => {
            if let Some(task) = task_of(inner, &found) {
                // At the same host, but perhaps at another port.
                if is_elsewhere(&task, &found) {
                    moved(inner, &found);
                } else {
                    task.said_hello();
                }
                inner.put_sighted(&found, true, false);
                inner.tell(Event::Cameras(inner.cameras_view()));
            } else {
                inner.put_sighted(&found, false, true);
                if inner.is_owner_signed_in() && inner.sightings.is_first_time(found.endpoint.clone()) {
                    let name = found.name.or(found.hardware).unwrap_or(found.endpoint);
                    inner.notice(NoticeKind::CameraCame, None, name);
                }
            }
        }
        Sighting::Moved { found, .. } => moved(inner, &found),
        Sighting::Gone { endpoint } => {
            let task = known_row(inner, &endpoint).and_then(|row| lock(&inner.cameras).get(&row.id).cloned());
            if let Some(task) = task {
                lock(&task.status).said_bye = true;
                inner.tell(Event::Cameras(inner.cameras_view()));
            }
            inner.mark_gone(&endpoint);
        }
    }
}

fn task_of(inner: &Inner, found: &Found) -> Option<Arc<CameraTask>> {
    let by_address = || found.xaddrs.iter().find_map(|url| known_row(inner, &address_of(url.as_str())));
    let row = known_row(inner, &found.endpoint).or_else(by_address)?;
    lock(&inner.cameras).get(&row.id).cloned()
}

/// Whether none of the addresses is where the camera was last.
fn is_elsewhere(task: &CameraTask, found: &Found) -> bool {
    let known = address_of(&task.row().xaddr);
    !found.xaddrs.is_empty() && !found.xaddrs.iter().any(|url| address_of(url.as_str()) == known)
}

/// Something says that it is an added camera at another address: it is asked to prove that, without a password, and
/// taken at its word only if the camera is no longer seen where it was.
pub(crate) fn moved(inner: &Arc<Inner>, found: &Found) {
    let Some(task) = task_of(inner, found) else { return };
    let is_seen = lock(&task.status).picture == PictureState::Live;
    if is_seen || !is_elsewhere(&task, found) || !lock(&inner.sightings.proving).insert(task.id) {
        return;
    }
    let (inner, found) = (Arc::clone(inner), found.clone());
    tokio::spawn(async move {
        let mut stopping = inner.stopping.subscribe();
        let proof = tokio::select! {
            proof = prove(&inner, &task, &found) => proof,
            _ = stopping.wait_for(|stopping| *stopping) => Ok(None),
        };
        let outcome = match proof {
            Ok(Some((address, proof))) => relocate(&inner, &task, &address, proof).await,
            Ok(None) => Ok(()),
            Err(Unproven) => {
                inner.put_sighted(&found, false, true);
                let address = found.xaddrs.first().map(|url| address_of(url.as_str())).unwrap_or_default();
                if inner.is_owner_signed_in()
                    && inner.sightings.is_first_time(format!("{} {address}", task.id))
                {
                    inner.notice(NoticeKind::CameraMoved, Some(task.id), address);
                }
                Ok(())
            }
        };
        if let Err(error) = outcome {
            tracing::warn!(camera = %task.id, "the new address is not kept: {error}");
        }
        lock(&inner.sightings.proving).remove(&task.id);
    });
}

/// What answers at the new address has not shown that it is the camera.
struct Unproven;

/// Where the camera has proven itself, and by what; `None`: nothing answers there.
async fn prove(
    inner: &Arc<Inner>,
    task: &CameraTask,
    found: &Found,
) -> Result<Option<(Url, &'static str)>, Unproven> {
    let id = task.id;
    let known = inner.db.read(move |tables| Ok(tables.identity(id)?)).await.ok().flatten();
    let serial = known.ok_or(Unproven)?.serial;
    let pin = task.row().certificate.map(CertificatePin::from_bytes);
    let is_known_endpoint = task.row().endpoint == found.endpoint;
    let mut backoff = Backoff::default();
    while backoff.failures() < TRIES {
        for address in &found.xaddrs {
            match ask(inner, &serial, pin, address).await {
                Asked::Certificate => return Ok(Some((address.clone(), "certificate"))),
                Asked::Serial if is_known_endpoint => return Ok(Some((address.clone(), "serial"))),
                Asked::Serial | Asked::Other => return Err(Unproven),
                Asked::Silence => {}
            }
        }
        tokio::time::sleep(backoff.failed(rand::random())).await;
    }
    Ok(None)
}

/// What came of asking without a password.
enum Asked {
    /// The connection is encrypted with the key of the known certificate.
    Certificate,
    /// It says the known serial number to anybody, and there is no certificate to hold it to.
    Serial,
    /// Something else, or it does not say.
    Other,
    /// No answer.
    Silence,
}

async fn ask(inner: &Inner, serial: &str, pin: Option<CertificatePin>, address: &Url) -> Asked {
    use hausrecht_onvif::Error;
    let mut settings = Settings::new(Arc::clone(&inner.options.clock));
    settings.pin = pin;
    let reached = Camera::connect(std::slice::from_ref(address), None, settings).await;
    let is_silent = |error: &Error| {
        matches!(error, Error::NothingThere { .. } | Error::NoNetwork { .. } | Error::Unreachable { .. })
            || matches!(error, Error::ClosedEarly { .. } | Error::TimedOut { .. })
    };
    match (reached, pin) {
        (Err(error), _) if is_silent(&error) => Asked::Silence,
        // With a pin nothing is sent before the certificate has been found to be the known one.
        (Ok(camera), Some(pin)) if camera.certificate() == Some(pin) => Asked::Certificate,
        (Err(Error::PasswordNeeded { .. }), Some(_)) if address.scheme() == "https" => Asked::Certificate,
        (Ok(_) | Err(_), Some(_)) | (Err(_), None) => Asked::Other,
        (Ok(camera), None) => match camera.information().await {
            Ok(said) if !serial.is_empty() && said.serial.trim() == serial => Asked::Serial,
            Ok(_) => Asked::Other,
            Err(error) if is_silent(&error) => Asked::Silence,
            Err(_) => Asked::Other,
        },
    }
}

/// Keeps the new address of a camera that has proven itself there.
async fn relocate(
    inner: &Arc<Inner>,
    task: &Arc<CameraTask>,
    address: &Url,
    proof: &'static str,
) -> Result<()> {
    let old = task.row();
    if lock(&inner.camera_rows).get(&old.id).is_none_or(|known| known.removed_us.is_some()) {
        return Ok(());
    }
    let note = Note::new(Kind::CameraChanged)
        .camera(old.id)
        .fact("address", address_of(address.as_str()))
        .fact("from", address_of(&old.xaddr))
        .fact("proven_by", proof);
    let address = address.clone();
    let moved = move |row: &mut CameraRow, _: &Tables<'_>| {
        *row = at_address(row.clone(), &address);
        Ok(())
    };
    inner.change_camera(old.id, vec![note], None, moved).await?;
    lock(&task.status).said_bye = false;
    task.hold_link().await.end();
    // Whatever answered at the old address, it was not asked about.
    task.forget_question();
    task.restart();
    inner.sightings.known_changed.notify_one();
    inner.tell(Event::Cameras(inner.cameras_view()));
    Ok(())
}

/// `row` at another address: its streams are at the same host as before, with their own ports and paths.
pub(crate) fn at_address(row: CameraRow, address: &Url) -> CameraRow {
    let old = host_of(&row.xaddr);
    let moved = |uri: &str| {
        let Ok(mut url) = Url::parse(uri) else { return uri.to_owned() };
        if url.host_str().map(str::to_owned) == old && url.set_host(address.host_str()).is_ok() {
            url.into()
        } else {
            uri.to_owned()
        }
    };
    CameraRow {
        main_uri: moved(&row.main_uri),
        sub_uri: row.sub_uri.as_deref().map(moved),
        xaddr: address.to_string(),
        ..row
    }
}

impl Inner {
    /// Adds a camera that was heard of to what the window shows as found.
    fn put_sighted(&self, found: &Found, known: bool, new: bool) {
        let mut view = found_view(found, known);
        view.new = new;
        self.put_found(view, found.xaddrs.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_move_with_their_camera_and_keep_port_and_path() {
        let row = CameraRow {
            id: "00000000000000c0".parse().unwrap(),
            name: "Front".to_owned(),
            endpoint: "endpoint".to_owned(),
            xaddr: "http://10.0.0.7:8080/onvif/device_service".to_owned(),
            maker: String::new(),
            model: String::new(),
            firmware: String::new(),
            demo: false,
            main_uri: "rtsp://10.0.0.7:8554/main?x=1".to_owned(),
            sub_uri: Some("rtsp://recorder/sub".to_owned()),
            sign_in: Vec::new(),
            added_us: hausrecht_model::UnixMicros(1),
            removed_us: None,
            main_token: None,
            sub_token: None,
            certificate: None,
            own_level: None,
            imported: false,
        };
        let moved = at_address(row, &Url::parse("http://10.0.0.9:8080/onvif/device_service").unwrap());
        assert_eq!(moved.xaddr, "http://10.0.0.9:8080/onvif/device_service");
        assert_eq!(moved.main_uri, "rtsp://10.0.0.9:8554/main?x=1");
        assert_eq!(moved.sub_uri.as_deref(), Some("rtsp://recorder/sub"), "it was never at the camera");
    }
}
