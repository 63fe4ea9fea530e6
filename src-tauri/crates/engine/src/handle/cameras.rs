//! Finding, connecting, renaming and removing cameras.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hausrecht_ledger::Kind;
use hausrecht_model::CameraId;
use hausrecht_onvif::{
    Camera, CertificatePin, Credentials, Error as OnvifError, Settings,
    discovery::{self, Found, SearchOptions},
    main_and_sub,
};
use hausrecht_store::{CameraRow, IdentityRow, Tables};
use hausrecht_vault::SecretString;
use url::Url;

use super::{Handle, control::factory};
use crate::{
    Result,
    camera::{self, CameraTask, address_of, link},
    inner::{Inner, lock},
    logbook::Note,
    sightings,
    wire::Event,
    wire::{CameraView, ConnectCameras, ConnectOutcome, Discovery, Error, ErrorCode, FoundCamera},
};

/// How long the window listens for answers.
const SEARCH: Duration = Duration::from_secs(5);
/// Cameras that are listed as found, more than a home has: anybody can say Hello in any number of names.
const FOUND_MAX: usize = 512;
/// What the simulated cameras of the demo call themselves.
const DEMO_MODEL: &str = "Demo camera";

/// The search as the engine holds it.
#[derive(Debug, Default)]
pub(crate) struct Search {
    view: Discovery,
    addresses: BTreeMap<String, Vec<Url>>,
    round: u64,
}

impl Handle {
    /// Starts the search, or starts it anew.
    ///
    /// # Errors
    /// Only the owner searches; no network.
    pub fn discover(&self) -> Result<()> {
        self.inner.signed_in()?.owner_keys()?;
        let options = SearchOptions { duration: SEARCH, ..SearchOptions::default() };
        let mut answers = discovery::search(options)?;
        let inner = Arc::clone(&self.inner);
        let round = {
            let mut search = lock(&inner.discovery);
            search.round += 1;
            search.view.searching = true;
            search.view.cameras.iter_mut().for_each(|camera| camera.new = false);
            search.round
        };
        self.inner.tell(Event::Discovery(self.discovery()));
        tokio::spawn(async move {
            while let Some(found) = answers.recv().await {
                let by_address =
                    found.xaddrs.iter().any(|url| known_row(&inner, &address_of(url.as_str())).is_some());
                let known = by_address || known_row(&inner, &found.endpoint).is_some();
                inner.put_found(found_view(&found, known), found.xaddrs.clone());
                if known {
                    sightings::moved(&inner, &found);
                }
            }
            {
                let mut search = lock(&inner.discovery);
                if search.round != round {
                    return;
                }
                search.view.searching = false;
            }
            inner.tell(Event::Discovery(lock(&inner.discovery).view.clone()));
        });
        Ok(())
    }

    /// The search as it stands.
    pub fn discovery(&self) -> Discovery {
        if self.inner.is_owner_signed_in() {
            lock(&self.inner.discovery).view.clone()
        } else {
            Discovery::default()
        }
    }

    /// Looks for a camera at an address that the owner typed.
    ///
    /// # Errors
    /// Not an address, or no ONVIF camera there.
    pub async fn add_by_address(&self, address: &str) -> Result<FoundCamera> {
        self.inner.signed_in()?.owner_keys()?;
        let settings = Settings::new(Arc::clone(&self.inner.options.clock));
        let urls = discovery::by_address(address, &settings).await?;
        let first = urls
            .first()
            .ok_or_else(|| Error::new(ErrorCode::CameraUnreachable, "no camera answers there"))?;
        let key = address_of(first.as_str());
        let known = known_row(&self.inner, &key).is_some();
        let view = FoundCamera {
            name: key.clone(),
            maker_model: String::new(),
            address: key.clone(),
            outside_range: false,
            known,
            demo: false,
            gone: false,
            new: false,
            key,
        };
        self.inner.put_found(view.clone(), urls);
        Ok(view)
    }

    /// A still picture of a camera that was found, as base64 JPEG; `None` if it gives none.
    ///
    /// # Errors
    /// The camera refuses the sign-in or does not answer.
    pub async fn found_picture(&self, key: &str, user: &str, password: String) -> Result<Option<String>> {
        self.inner.signed_in()?.owner_keys()?;
        let credentials = Credentials::new(user, SecretString::from(password));
        let camera = self.reach(key, credentials).await?;
        let profiles = camera.profiles().await?;
        let Some((main, sub)) = main_and_sub(&profiles) else { return Ok(None) };
        Ok(camera.snapshot(sub.as_ref().unwrap_or(&main)).await.ok().map(|jpeg| STANDARD.encode(jpeg)))
    }

    /// Where the camera that was found as `key` says that it is.
    fn addresses(&self, key: &str) -> Result<Vec<Url>> {
        let addresses = lock(&self.inner.discovery).addresses.get(key).cloned();
        addresses.ok_or_else(|| Error::not_found("this camera"))
    }

    async fn reach(&self, key: &str, credentials: Credentials) -> Result<Camera> {
        let addresses = self.addresses(key)?;
        let settings = Settings::new(Arc::clone(&self.inner.options.clock));
        Ok(Camera::connect(&addresses, Some(credentials), settings).await?)
    }

    /// Connects cameras, all at once, trying the sign-in once on each.
    ///
    /// # Errors
    /// Only the owner; what goes wrong with a single camera is in its outcome.
    pub async fn connect_cameras(&self, request: ConnectCameras) -> Result<Vec<ConnectOutcome>> {
        self.inner.signed_in()?.owner_keys()?;
        let mut tries = tokio::task::JoinSet::new();
        for key in request.keys {
            let (handle, user, password) = (self.clone(), request.user.clone(), request.password.clone());
            tries.spawn(async move {
                let outcome = handle.connect(&key, &user, &password).await;
                (key, outcome)
            });
        }
        let mut outcomes = Vec::new();
        while let Some(joined) = tries.join_next().await {
            let (key, outcome) = joined.map_err(Error::internal)?;
            let (camera, error) = match outcome {
                Ok(camera) => (Some(camera), None),
                Err(error) => (None, Some(error)),
            };
            outcomes.push(ConnectOutcome { key, camera, error });
        }
        self.inner.tell(Event::Cameras(self.inner.cameras_view()));
        self.inner.tell(Event::Discovery(self.discovery()));
        Ok(outcomes)
    }

    async fn connect(&self, key: &str, user: &str, password: &str) -> Result<CameraId> {
        let inner = &self.inner;
        let person = inner.signed_in()?;
        let keys = person.owner_keys()?;
        let addresses = lock(&inner.discovery).addresses.get(key).cloned().unwrap_or_default();
        let by_address = addresses.iter().find_map(|url| known_row(inner, &address_of(url.as_str())));
        if let Some(row) = known_row(inner, key).or(by_address) {
            let known = address_of(&row.xaddr);
            if !addresses.is_empty() && !addresses.iter().any(|url| address_of(url.as_str()) == known) {
                return self.connect_moved(key, row.id, user, password).await;
            }
            return Ok(row.id);
        }
        let credentials = Credentials::new(user, SecretString::from(password.to_owned()));
        let camera = self.reach(key, credentials).await?;
        let information = camera.information().await?;
        let profiles = camera.profiles().await?;
        let (main, sub) = main_and_sub(&profiles).ok_or_else(|| {
            Error::new(
                ErrorCode::CameraUnsuitable,
                "the camera offers no stream of H.264, H.265 or MJPEG: switch one on in its own settings",
            )
        })?;
        let main_uri = camera.stream_uri(&main).await?;
        let sub_uri = match &sub {
            Some(sub) => camera.stream_uri(sub).await.ok().map(String::from),
            None => None,
        };
        let found = lock(&inner.discovery).view.cameras.iter().find(|found| found.key == key).cloned();
        let announced = found.map(|found| found.name).filter(|name| !name.is_empty() && *name != key);
        let wanted = match announced {
            Some(name) => name,
            None => name_in(&camera.scopes().await.unwrap_or_default())
                .unwrap_or_else(|| information.model.clone()),
        };
        let row = CameraRow {
            id: CameraId::random(&mut rand::rng()),
            name: free_name(inner, if wanted.is_empty() { key } else { &wanted }),
            endpoint: key.to_owned(),
            xaddr: camera.address().to_string(),
            maker: information.manufacturer,
            model: information.model.clone(),
            firmware: information.firmware,
            demo: information.model == DEMO_MODEL,
            main_uri: main_uri.into(),
            sub_uri,
            sign_in: camera::seal_sign_in(inner, user, password)?,
            added_us: inner.now(),
            removed_us: None,
            main_token: Some(main.token),
            sub_token: sub.map(|sub| sub.token),
            certificate: camera.certificate().map(|pin| *pin.as_bytes()),
            own_level: None,
            imported: false,
        };
        let note = Note::new(Kind::CameraAdded)
            .by(person.id)
            .camera(row.id)
            .fact("name", row.name.clone())
            .fact("model", format!("{} {}", row.maker, row.model))
            .fact("firmware", row.firmware.clone())
            .fact("address", address_of(&row.xaddr))
            .fact("clock_offset_us", camera.clock_offset().map(|clock| clock.offset_us));
        let identity = IdentityRow { camera: row.id, serial: information.serial.trim().to_owned() };
        let (writer, stored) = (Arc::clone(inner), row.clone());
        inner
            .db
            .write(move |tables| {
                tables.put_camera(&stored)?;
                tables.put_identity(&identity)?;
                writer.logbook.append(tables, &note, Some(&keys))
            })
            .await?;
        lock(&inner.camera_rows).insert(row.id, row.clone());
        mark_known(inner, key, true);
        let task = CameraTask::new(inner, row);
        task.hold_link().await.go_on_with(camera);
        lock(&inner.cameras).insert(task.id, Arc::clone(&task));
        inner.sightings.known_changed.notify_one();
        if inner.options.record {
            task.spawn(inner);
        }
        Ok(task.id)
    }

    /// Takes over the new address of an added camera, for which the owner has typed the password anew.
    async fn connect_moved(&self, key: &str, id: CameraId, user: &str, password: &str) -> Result<CameraId> {
        let credentials = Credentials::new(user, SecretString::from(password.to_owned()));
        let row = self.camera_row(id)?;
        let task = self.camera_task(id)?;
        let mut state = task.hold_link().await;
        // With the certificate that is known: what shows another one gets no password before the owner has said so.
        let addresses = self.addresses(key)?;
        let settings = link::settings(&self.inner, &row);
        let camera = match Camera::connect(&addresses, Some(credentials), settings).await {
            Ok(camera) => camera,
            Err(error @ OnvifError::CertificateChanged { .. }) => {
                return Err(task.take_note(&mut state, error));
            }
            Err(error) => return Err(error.into()),
        };
        link::prove(&camera).await?;
        let serial = camera.information().await?.serial.trim().to_owned();
        let identity = IdentityRow { camera: id, serial };
        let mut note = Note::new(Kind::CameraChanged)
            .camera(id)
            .fact("address", address_of(camera.address().as_str()))
            .fact("from", address_of(&row.xaddr))
            .fact("sign_in", "changed");
        let certificate = camera.certificate().map(|pin| *pin.as_bytes());
        if certificate != row.certificate {
            let words = |pin: CertificatePin| pin.to_string();
            note = note
                .fact("certificate_from", row.certificate.map(CertificatePin::from_bytes).map(words))
                .fact("certificate_to", camera.certificate().map(words));
        }
        let sign_in = camera::seal_sign_in(&self.inner, user, password)?;
        let address = camera.address().clone();
        let (user, password) = (user.to_owned(), password.to_owned());
        self.change(id, note, move |row, tables| {
            factory::note_password(tables, id, &user, &password)?;
            *row = CameraRow { sign_in, certificate, ..sightings::at_address(row.clone(), &address) };
            tables.put_identity(&identity)?;
            Ok(tables.delete_intended_sign_in(id)?)
        })
        .await?;
        mark_known(&self.inner, key, true);
        task.set_intended(None);
        task.forget_question();
        state.go_on_with(camera);
        drop(state);
        task.restart();
        Ok(id)
    }

    /// The cameras that the signed-in person may watch.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub fn cameras(&self) -> Result<Vec<CameraView>> {
        self.inner.signed_in()?;
        Ok(self.inner.cameras_view())
    }

    /// Gives a camera another name.
    ///
    /// # Errors
    /// Only the owner; the name is empty or taken.
    pub async fn rename_camera(&self, id: CameraId, name: &str) -> Result<CameraView> {
        let name = super::session::checked_name(name)?;
        let row = self.camera_row(id)?;
        let taken = lock(&self.inner.camera_rows)
            .values()
            .any(|other| other.id != id && other.removed_us.is_none() && other.name == name);
        if taken {
            return Err(Error::invalid(format!("another camera is called {name}")));
        }
        let note = Note::new(Kind::CameraChanged)
            .camera(id)
            .fact("name", name.clone())
            .fact("from", row.name.clone());
        self.change(id, note, |row, _| {
            row.name = name;
            Ok(())
        })
        .await
    }

    /// Sets a camera's sign-in after asking the camera whether it is right; tried once.
    ///
    /// # Errors
    /// Only the owner; the camera refuses it or does not answer.
    pub async fn set_camera_password(
        &self,
        id: CameraId,
        user: &str,
        password: String,
    ) -> Result<CameraView> {
        let row = self.camera_row(id)?;
        let task = self.camera_task(id)?;
        let address = Url::parse(&row.xaddr).map_err(Error::internal)?;
        let credentials = Credentials::new(user, SecretString::from(password.clone()));
        // Nobody tries the old one meanwhile.
        let mut state = task.hold_link().await;
        let settings = link::settings(&self.inner, &row);
        let camera = match Camera::connect(&[address], Some(credentials), settings).await {
            Ok(camera) => camera,
            Err(error @ OnvifError::CertificateChanged { .. }) => {
                return Err(task.take_note(&mut state, error));
            }
            Err(error) => return Err(error.into()),
        };
        link::prove(&camera).await?;
        task.forget_question();
        let sign_in = camera::seal_sign_in(&self.inner, user, &password)?;
        let is_same_account = task.sign_in(&self.inner).is_ok_and(|(known, _)| known == user);
        let note = Note::new(Kind::CameraChanged).camera(id).fact("sign_in", "changed");
        let before = task.sign_in(&self.inner).ok();
        let user = user.to_owned();
        let view = self
            .change(id, note, move |row, tables| {
                // An account that was in use before stays in the camera.
                if let Some((user, password)) = before {
                    factory::note_password(tables, id, &user, &password)?;
                }
                factory::note_password(tables, id, &user, &password)?;
                row.sign_in = sign_in;
                if !is_same_account {
                    row.own_level = None;
                }
                Ok(tables.delete_intended_sign_in(id)?)
            })
            .await?;
        task.set_intended(None);
        state.go_on_with(camera);
        drop(state);
        task.restart();
        Ok(view)
    }

    /// Removes a camera: recording stops, its clips stay until their time.
    ///
    /// # Errors
    /// Only the owner; no such camera.
    pub async fn remove_camera(&self, id: CameraId) -> Result<()> {
        let row = self.camera_row(id)?;
        let removed_us = self.inner.now();
        mark_known(&self.inner, &row.endpoint, false);
        self.store(id, Note::new(Kind::CameraRemoved).camera(id), move |row, tables| {
            row.removed_us = Some(removed_us);
            // The row stays for the names in the log, and nothing else of it.
            row.sign_in.clear();
            factory::forget_camera(tables, id)?;
            tables.forget_card(id)?;
            Ok(tables.forget_camera(id)?)
        })
        .await?;
        // Whoever talks through another camera does not remove one.
        self.inner.end_talk();
        let task = lock(&self.inner.cameras).remove(&id);
        if let Some(task) = task {
            task.stop();
            task.mover.stop();
            task.port.revoke();
        }
        self.inner.close_card_of(id);
        self.inner.tell(Event::Cameras(self.inner.cameras_view()));
        Ok(())
    }

    fn camera_row(&self, id: CameraId) -> Result<CameraRow> {
        self.inner.signed_in()?.owner_keys()?;
        lock(&self.inner.camera_rows)
            .get(&id)
            .filter(|row| row.removed_us.is_none() && !row.imported)
            .cloned()
            .ok_or_else(|| Error::not_found("this camera"))
    }

    /// The running camera; for the owner.
    pub(super) fn camera_task(&self, id: CameraId) -> Result<Arc<CameraTask>> {
        self.inner.signed_in()?.owner_keys()?;
        lock(&self.inner.cameras).get(&id).cloned().ok_or_else(|| Error::not_found("this camera"))
    }

    async fn store(
        &self,
        id: CameraId,
        note: Note,
        change: impl FnOnce(&mut CameraRow, &Tables<'_>) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let person = self.inner.signed_in()?;
        let keys = person.owner_keys()?;
        self.inner.change_camera(id, vec![note.by(person.id)], Some(keys), change).await?;
        self.inner.sightings.known_changed.notify_one();
        Ok(())
    }

    /// Changes what is stored of a camera, with an entry in the log.
    pub(super) async fn change(
        &self,
        id: CameraId,
        note: Note,
        change: impl FnOnce(&mut CameraRow, &Tables<'_>) -> Result<()> + Send + 'static,
    ) -> Result<CameraView> {
        self.store(id, note, change).await?;
        let views = self.inner.cameras_view();
        self.inner.tell(Event::Cameras(views.clone()));
        views.into_iter().find(|view| view.id == id).ok_or_else(|| Error::not_found("this camera"))
    }
}

impl Inner {
    /// Adds what answered to the search, or replaces what was known of it.
    pub(crate) fn put_found(&self, view: FoundCamera, addresses: Vec<Url>) {
        {
            let mut search = lock(&self.discovery);
            let is_listed = search.addresses.contains_key(&view.key);
            if !is_listed && search.view.cameras.len() >= FOUND_MAX {
                return;
            }
            search.addresses.insert(view.key.clone(), addresses);
            match search.view.cameras.iter_mut().find(|known| known.key == view.key) {
                Some(known) => *known = view,
                None => search.view.cameras.push(view),
            }
        }
        self.tell(Event::Discovery(lock(&self.discovery).view.clone()));
    }

    /// Marks a camera that was found and said that it goes.
    pub(crate) fn mark_gone(&self, key: &str) {
        {
            let mut search = lock(&self.discovery);
            let Some(found) = search.view.cameras.iter_mut().find(|found| found.key == key) else { return };
            found.gone = true;
        }
        self.tell(Event::Discovery(lock(&self.discovery).view.clone()));
    }
}

pub(crate) fn found_view(found: &Found, known: bool) -> FoundCamera {
    let hardware = found.hardware.clone().unwrap_or_default();
    let address =
        found.xaddrs.first().map_or_else(|| found.from.ip().to_string(), |url| address_of(url.as_str()));
    FoundCamera {
        name: found.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| hardware.clone()),
        demo: hardware == DEMO_MODEL,
        maker_model: hardware,
        address,
        outside_range: !found.in_own_range,
        known,
        gone: false,
        new: false,
        key: found.endpoint.clone(),
    }
}

/// The camera with this endpoint, or, for one that was added by address, with this address.
pub(crate) fn known_row(inner: &Inner, key: &str) -> Option<CameraRow> {
    lock(&inner.camera_rows)
        .values()
        .find(|row| {
            row.removed_us.is_none()
                && !row.imported
                && (row.endpoint == key || address_of(&row.xaddr) == key)
        })
        .cloned()
}

/// The name in a camera's scopes, `onvif://www.onvif.org/name/Front%20door`.
fn name_in(scopes: &[String]) -> Option<String> {
    let name = scopes.iter().find_map(|scope| scope.strip_prefix("onvif://www.onvif.org/name/"))?;
    let plain = percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned();
    Some(plain).filter(|name| !name.trim().is_empty())
}

fn mark_known(inner: &Inner, key: &str, known: bool) {
    if let Some(found) = lock(&inner.discovery).view.cameras.iter_mut().find(|found| found.key == key) {
        found.known = known;
    }
}

/// `wanted`, or `wanted 2` and so on if that is taken.
fn free_name(inner: &Inner, wanted: &str) -> String {
    let rows = lock(&inner.camera_rows);
    let taken = |name: &str| rows.values().any(|row| row.removed_us.is_none() && row.name == name);
    std::iter::once(wanted.to_owned())
        .chain((2..).map(|number| format!("{wanted} {number}")))
        .find(|name| !taken(name))
        .expect("the numbers do not end")
}

/// Searches without a vault, for `hausrecht discover`; signs in nowhere.
///
/// # Errors
/// No network.
pub async fn find_cameras(duration: Duration) -> Result<Vec<FoundCamera>> {
    let mut answers = discovery::search(SearchOptions { duration, ..SearchOptions::default() })?;
    let mut found = Vec::new();
    while let Some(answer) = answers.recv().await {
        found.push(found_view(&answer, false));
    }
    Ok(found)
}
