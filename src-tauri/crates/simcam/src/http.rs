//! The camera's HTTP server: ONVIF requests, snapshots, and the control by which tests make it fail.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::net::{TcpListener, TcpSocket};

use crate::{
    camera::{Camera, Ports},
    fault::Fault,
    onvif::{self, Answer, Caller, Service},
    soap::Request,
};

pub mod auth;
mod control;
mod odd;
mod wire;

/// Requests are a few kilobytes.
const BODY_LIMIT_BYTES: usize = 256 << 10;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 256;

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
pub fn listen(camera: &Camera, port: u16) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(camera.address, port);
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A camera that comes back finds its own closed connections still around.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().with_context(|| format!("HTTP cannot listen on {address}"))
}

/// Answers until dropped, which closes every connection.
pub async fn serve(listener: TcpListener, camera: Arc<Camera>, ports: Ports) {
    let gate = auth::Gate::new(
        camera.accounts.clone(),
        !camera.fails(&Fault::TokenOnly),
        !camera.fails(&Fault::DigestOnly),
        &mut rand::rng(),
    );
    let site = Arc::new(Site { camera: camera.clone(), ports, gate });
    let router = Router::new()
        .route("/onvif/{service}", post(service))
        .route("/onvif/subscription/{number}", post(subscription))
        .route("/snapshot.jpg", get(snapshot))
        .route("/control/state", get(state))
        .route("/control/{what}", post(obey))
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .with_state(site);
    match wire::serve(listener, camera, router).await {}
}

/// `host` as it stands in a URI.
pub fn uri_host(host: IpAddr) -> String {
    match host {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

type Site_ = State<Arc<Site>>;

async fn service(
    site: Site_,
    peer: ConnectInfo<SocketAddr>,
    Path(path): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let service = Service::OFFERED.into_iter().find(|service| service.path() == path);
    let Some(service) = service.filter(|service| service.is_part_of(&site.camera)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    answer(&site, service, peer.0, &uri, &headers, &body).await
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
    let camera = &site.camera;
    let request = Request::parse(body);
    let operation = request.as_ref().map_or_else(|_| String::new(), |request| request.operation.name.clone());
    let operation = operation.as_str();
    let now = camera.loop_clock.camera_time();
    let hides_clock = operation == "GetSystemDateAndTime" && camera.fails(&Fault::ClockNeedsPassword);
    let level = site.gate.level(&Method::POST, uri, headers, request.as_ref().ok(), now);
    // Some clients send an empty body first, to be challenged.
    if level.is_none() && (hides_clock || !service.is_open_to_all(operation)) {
        tracing::debug!(%peer, operation, "not authorised");
        return with_challenge(site, soap(camera, onvif::Fault::NotAuthorized.answer()));
    }
    let request = match request {
        Ok(request) => request,
        Err(error) => return soap(camera, onvif::Fault::Malformed(error.to_string()).answer()),
    };
    if level.is_some_and(|level| !service.is_open_to(level, operation)) {
        return soap(camera, onvif::Fault::TooLow.answer());
    }
    let caller = caller(site, headers);
    let doing = onvif::handle(camera, service, &request, &caller);
    let result = if let (true, Some(span)) = (operation == "PullMessages", early_end(camera)) {
        match tokio::time::timeout(span, doing).await {
            Ok(result) => result,
            Err(_) => {
                let mut response = Response::default();
                response.extensions_mut().insert(wire::HangUp);
                return response;
            }
        }
    } else {
        doing.await
    };
    soap(camera, result.unwrap_or_else(|fault| fault.answer()))
}

/// After which time a pull is closed without an answer, if it is.
fn early_end(camera: &Camera) -> Option<std::time::Duration> {
    camera.planned.iter().find_map(
        |fault| {
            if let Fault::PullClosesEarly(span) = fault { Some(*span) } else { None }
        },
    )
}

/// How the client knows the camera, which its addresses repeat, unless a fault says otherwise.
fn caller(site: &Site, headers: &HeaderMap) -> Caller {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let wrong = site
        .camera
        .planned
        .iter()
        .find_map(|fault| if let Fault::BadXaddr(host) = fault { Some(host.as_str()) } else { None });
    let authority = wrong.or(named).and_then(|host| host.parse::<axum::http::uri::Authority>().ok());
    let host = authority
        .as_ref()
        .map_or_else(|| uri_host(site.camera.address), |authority| authority.host().to_owned());
    let port = authority.and_then(|authority| authority.port_u16()).unwrap_or(site.ports.http);
    Caller { http: site.ports.http_at(&format!("{host}:{port}")), rtsp: site.ports.rtsp_at(&host) }
}

fn soap(camera: &Camera, answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = if camera.fails(&Fault::Trickle) {
        odd::trickle(answer.xml)
    } else if camera.fails(&Fault::HugeAnswer) {
        odd::huge(&answer.xml)
    } else if camera.fails(&Fault::Bomb) {
        odd::bomb().into()
    } else {
        answer.xml.into()
    };
    let mut response =
        (status, [(header::CONTENT_TYPE, "application/soap+xml; charset=utf-8")], body).into_response();
    // The time of day as HTTP has it, by the camera's own clock.
    let now = jiff::Timestamp::from_microsecond(camera.loop_clock.camera_time().0);
    if let Some(date) = now
        .ok()
        .and_then(|now| HeaderValue::from_str(&now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok())
    {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

fn with_challenge(site: &Site, mut response: Response) -> Response {
    if site.gate.challenges()
        && let Ok(value) = site.gate.challenge(site.camera.loop_clock.elapsed()).parse()
    {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

async fn snapshot(State(site): Site_, uri: Uri, headers: HeaderMap) -> Response {
    let now = site.camera.loop_clock.camera_time();
    if site.gate.level(&Method::GET, &uri, &headers, None, now).is_none() {
        return with_challenge(&site, StatusCode::UNAUTHORIZED.into_response());
    }
    ([(header::CONTENT_TYPE, "image/jpeg")], site.camera.footage.snapshot_jpeg).into_response()
}

/// What the camera knows of itself; for programs on this computer only.
async fn state(State(site): Site_, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> Response {
    if !peer.ip().to_canonical().is_loopback() {
        return StatusCode::FORBIDDEN.into_response();
    }
    match serde_json::to_string(&control::state(&site.camera, site.gate.sign_ins())) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Makes the camera fail or come back; for programs on this computer only.
async fn obey(
    State(site): Site_,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(what): Path<String>,
) -> Response {
    if !peer.ip().to_canonical().is_loopback() {
        return StatusCode::FORBIDDEN.into_response();
    }
    if control::obey(&site.camera, &what) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}
