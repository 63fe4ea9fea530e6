//! The connections below HTTP: plain or under TLS, all of them gone at once when the camera leaves the network, and closed without
//! an answer when a fault asks for it.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use axum::{Extension, Router, extract::ConnectInfo, response::Response};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::camera::Camera;

/// Put into an answer's extensions, it closes the connection in place of the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct HangUp;

/// A connection that was closed in place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed without an answer")]
struct HungUp;

/// Answers with `router` until it is dropped, which closes every connection.
pub(super) async fn serve(listener: TcpListener, camera: Arc<Camera>, router: Router) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            // The client is gone already, or the program has too many files open; either passes.
            Err(error) => {
                tracing::debug!(%error, "HTTP");
                tokio::task::yield_now().await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        let router = router.clone();
        let certificate = camera.identity.as_ref().map(|identity| identity.certificate().https);
        connections.spawn(async move {
            match certificate {
                None => talk(stream, peer, router).await,
                Some(certificate) => match TlsAcceptor::from(certificate).accept(stream).await {
                    Ok(stream) => talk(stream, peer, router).await,
                    Err(error) => tracing::debug!(%error, %peer, "TLS"),
                },
            }
        });
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, peer: SocketAddr, router: Router) {
    let router = TowerToHyperService::new(router.layer(Extension(ConnectInfo(peer))));
    let answer = service_fn(move |request| answer(router.clone(), request));
    let mut http = http1::Builder::new();
    http.auto_date_header(false).timer(TokioTimer::new());
    if let Err(error) = http.serve_connection(TokioIo::new(stream), answer).await {
        tracing::debug!(%error, %peer, "HTTP");
    }
}

async fn answer(
    router: TowerToHyperService<Router>,
    request: hyper::Request<Incoming>,
) -> Result<Response, HungUp> {
    let Ok(response) = router.call(request.map(axum::body::Body::new)).await;
    if response.extensions().get::<HangUp>().is_some() { Err(HungUp) } else { Ok(response) }
}
