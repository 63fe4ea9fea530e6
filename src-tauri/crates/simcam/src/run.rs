//! Starts cameras, says so, and ends them when asked.

use std::{collections::HashMap, io::Write, sync::Arc};

use anyhow::Context;
use hausrecht_model::{Clock, StreamRole};
use serde::Serialize;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};

use crate::{
    args::Args,
    camera::{Camera, Ports},
    discovery::Discovery,
    http,
    rtsp::{RtspServer, RtspThread},
};

/// The line that is printed when a camera is ready.
#[derive(Debug, Serialize)]
pub struct Ready {
    /// Its name.
    pub name: String,
    /// Address of the device service.
    pub http: String,
    /// Address of the main stream.
    pub rtsp: String,
    /// Address of the sub stream.
    pub rtsp_sub: String,
    /// Identity in discovery.
    pub uuid: String,
}

/// Runs the cameras that `args` asks for until the program is told to end.
///
/// # Errors
/// When one of them cannot be started.
pub async fn run(args: Args, clock: Arc<dyn Clock>) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    gstreamer::init().context("GStreamer cannot be started")?;
    let thread = RtspThread::start();
    let mut tasks = JoinSet::new();
    let mut announced = Vec::new();
    let mut seen = HashMap::new();
    for index in 0..args.cameras {
        let camera = Camera::new(&args, index, clock.clone(), &mut seen)?;
        let rtsp = Arc::new(RtspServer::start(&camera, &thread, port(args.rtsp_port, index))?);
        let listener = http::listen(&camera, port(args.http_port, index)).await?;
        let ports = Ports { http: listener.local_addr()?.port(), rtsp: rtsp.port };
        let serving = camera.clone();
        tasks.spawn(async move { http::serve(listener, serving, ports).await });
        let feeding = rtsp.clone();
        tasks.spawn(async move {
            feeding.run().await;
            Ok(())
        });
        let reporting = camera.clone();
        tasks.spawn(async move {
            reporting.events.follow_script().await;
            Ok(())
        });
        if !args.no_discovery {
            let discovery = Arc::new(Discovery::start(camera.clone(), ports, args.discovery_port)?);
            announced.push(discovery.clone());
            tasks.spawn(async move {
                discovery.run().await;
                Ok(())
            });
        }
        ready(&camera, ports)?;
    }
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for signals")?,
        failed = failure(&mut tasks) => failed?,
    }
    for discovery in announced {
        discovery.bye().await;
    }
    Ok(())
}

/// The first error of a camera's task; waits for ever if there is none.
async fn failure(tasks: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(ended) = tasks.join_next().await {
        ended.context("a task of a camera ended")??;
    }
    std::future::pending().await
}

/// The port of camera `index` if the first one has `first`.
fn port(first: u16, index: u16) -> u16 {
    if first == 0 { 0 } else { first.saturating_add(index) }
}

fn ready(camera: &Camera, ports: Ports) -> anyhow::Result<()> {
    let host =
        if camera.address.is_unspecified() { std::net::Ipv4Addr::LOCALHOST.into() } else { camera.address };
    let uri_host = http::uri_host(host);
    let line = Ready {
        name: camera.name.clone(),
        http: ports.device_service(host),
        rtsp: ports.stream(&uri_host, StreamRole::Main),
        rtsp_sub: ports.stream(&uri_host, StreamRole::Sub),
        uuid: camera.uuid.to_string(),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(&line)?).context("cannot write to standard output")?;
    out.flush().context("cannot write to standard output")
}
