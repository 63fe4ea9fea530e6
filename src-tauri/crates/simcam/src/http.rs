//! The camera's HTTP server: ONVIF requests, snapshots, and the control by which tests make it fail.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, Path, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::net::TcpListener;

use crate::{
    camera::{Camera, Ports},
    events::Topic,
    onvif::{self, Answer, Caller, Service},
    soap::Request,
};

pub mod auth;

/// Requests are a few kilobytes.
const BODY_LIMIT_BYTES: usize = 256 << 10;
/// How long a motion lasts that a test asks for.
const ASKED_MOTION: Duration = Duration::from_secs(2);

/// What every request needs.
#[derive(Debug)]
struct Site {
    camera: Arc<Camera>,
    ports: Ports,
    gate: auth::Gate,
}

/// Listens on the camera's address and `port`, 0 for a free one.
///
/// # Errors
/// When the port is taken.
pub async fn listen(camera: &Camera, port: u16) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(camera.address, port);
    TcpListener::bind(address).await.with_context(|| format!("HTTP cannot listen on {address}"))
}

/// Answers for ever.
///
/// # Errors
/// When the socket fails.
pub async fn serve(listener: TcpListener, camera: Arc<Camera>, ports: Ports) -> anyhow::Result<()> {
    let gate = auth::Gate::new(&camera.user, &camera.password, &mut rand::rng());
    let site = Arc::new(Site { camera, ports, gate });
    let router = Router::new()
        .route("/onvif/device_service", post(device))
        .route("/onvif/media_service", post(media))
        .route("/onvif/media2_service", post(media2))
        .route("/onvif/event_service", post(event))
        .route("/onvif/subscription/{number}", post(subscription))
        .route("/snapshot.jpg", get(snapshot))
        .route("/control/{what}", post(control))
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .with_state(site)
        .into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, router).await.context("HTTP failed")
}

/// `host` as it stands in a URI.
pub fn uri_host(host: IpAddr) -> String {
    match host {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

type Site_ = State<Arc<Site>>;

async fn device(
    site: Site_,
    peer: ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&site, Service::Device, peer.0, &uri, &headers, &body).await
}

async fn media(
    site: Site_,
    peer: ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&site, Service::Media, peer.0, &uri, &headers, &body).await
}

async fn media2(
    site: Site_,
    peer: ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&site, Service::Media2, peer.0, &uri, &headers, &body).await
}

async fn event(
    site: Site_,
    peer: ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&site, Service::Events, peer.0, &uri, &headers, &body).await
}

async fn subscription(
    site: Site_,
    peer: ConnectInfo<SocketAddr>,
    Path(number): Path<u64>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&site, Service::Subscription(number), peer.0, &uri, &headers, &body).await
}

async fn answer(
    site: &Site,
    service: Service,
    peer: SocketAddr,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let request = Request::parse(body);
    let operation = request.as_ref().map_or("", |request| request.operation.name.as_str());
    let now = site.camera.loop_clock.camera_time();
    // Some clients send an empty body first, to be challenged.
    if !service.is_open_to_all(operation)
        && !site.gate.lets_in(&Method::POST, uri, headers, request.as_ref().ok(), now)
    {
        tracing::debug!(%peer, operation, "not authorised");
        return with_challenge(site, soap(onvif::Fault::NotAuthorized.answer()));
    }
    let request = match request {
        Ok(request) => request,
        Err(error) => return soap(onvif::Fault::Malformed(error.to_string()).answer()),
    };
    let caller = Caller { host: host(site, headers), http_port: http_port(site, headers), ports: site.ports };
    let result = onvif::handle(&site.camera, service, &request, &caller).await;
    soap(result.unwrap_or_else(|fault| fault.answer()))
}

/// The host by which the client knows the camera, port left out.
fn host(site: &Site, headers: &HeaderMap) -> String {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = named.and_then(|host| host.parse::<axum::http::uri::Authority>().ok());
    authority.map_or_else(|| uri_host(site.camera.address), |authority| authority.host().to_owned())
}

/// The HTTP port by which the client knows the camera.
fn http_port(site: &Site, headers: &HeaderMap) -> u16 {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = named.and_then(|host| host.parse::<axum::http::uri::Authority>().ok());
    authority.and_then(|authority| authority.port_u16()).unwrap_or(site.ports.http)
}

fn soap(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/soap+xml; charset=utf-8")], answer.xml).into_response()
}

fn with_challenge(site: &Site, mut response: Response) -> Response {
    let challenge = site.gate.challenge(site.camera.loop_clock.elapsed());
    if let Ok(value) = challenge.parse() {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

async fn snapshot(State(site): Site_, uri: Uri, headers: HeaderMap) -> Response {
    let now = site.camera.loop_clock.camera_time();
    if !site.gate.lets_in(&Method::GET, &uri, &headers, None, now) {
        return with_challenge(&site, StatusCode::UNAUTHORIZED.into_response());
    }
    ([(header::CONTENT_TYPE, "image/jpeg")], site.camera.footage.snapshot_jpeg).into_response()
}

/// Makes the camera fail or come back; for programs on this computer only.
async fn control(
    State(site): Site_,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(what): Path<String>,
) -> Response {
    if !peer.ip().to_canonical().is_loopback() {
        return StatusCode::FORBIDDEN.into_response();
    }
    let faults = &site.camera.faults;
    match what.as_str() {
        "freeze" => faults.frozen.set(true),
        "thaw" => faults.frozen.set(false),
        "refuse" => faults.refusing.set(true),
        "accept" => faults.refusing.set(false),
        "motion" => {
            site.camera.events.set(Topic::Motion, true);
            let camera = site.camera.clone();
            tokio::spawn(async move {
                tokio::time::sleep(ASKED_MOTION).await;
                camera.events.set(Topic::Motion, false);
            });
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    }
    StatusCode::NO_CONTENT.into_response()
}
