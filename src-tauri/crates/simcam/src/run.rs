//! Starts cameras, says so, and ends them when asked.

use std::{
    collections::HashMap,
    io::Write,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use anyhow::Context;
use hausrecht_model::Clock;
use serde::Serialize;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};

use crate::{
    args::Args,
    camera::{Camera, Ports},
    discovery::Discovery,
    fault::Fault,
    footage::Stream,
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
        let listener = http::listen(&camera, port(args.http_port, index))?;
        let ports =
            Ports { http: listener.local_addr()?.port(), rtsp: rtsp.port, tls: camera.identity.is_some() };
        camera.set_ports(ports);
        let discovery = if args.no_discovery {
            None
        } else {
            let discovery = Arc::new(Discovery::start(camera.clone(), ports, args.discovery_port)?);
            announced.push((camera.clone(), discovery.clone()));
            let answering = discovery.clone();
            tasks.spawn(async move {
                answering.run().await;
                Ok(())
            });
            Some(discovery)
        };
        let feeding = rtsp.clone();
        tasks.spawn(async move {
            feeding.run().await;
            Ok(())
        });
        tasks.spawn(live(camera.clone(), ports, listener, rtsp, discovery));
        report(&mut tasks, &camera);
        ready(&camera, ports)?;
    }
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for signals")?,
        failed = failure(&mut tasks) => failed?,
    }
    for (camera, discovery) in announced {
        if !camera.power.is_away() {
            discovery.bye().await;
        }
    }
    Ok(())
}

/// Serves until the camera is told to leave the network, stays away, comes back, and so on for ever.
async fn live(
    camera: Arc<Camera>,
    ports: Ports,
    mut listener: TcpListener,
    rtsp: Arc<RtspServer>,
    discovery: Option<Arc<Discovery>>,
) -> anyhow::Result<()> {
    loop {
        let away = tokio::select! {
            () = http::serve(listener, camera.clone(), ports) => anyhow::bail!("HTTP ended"),
            away = camera.power.asked_to_leave() => away,
        };
        camera.power.set_away(true);
        rtsp.leave();
        camera.events.forget_subscriptions();
        tokio::time::sleep(away).await;
        rtsp.take_certificate()?;
        rtsp.listen()?;
        listener = http::listen(&camera, ports.http)?;
        camera.power.set_away(false);
        if let Some(discovery) = &discovery {
            discovery.hello().await;
        }
    }
}

/// Starts what the camera does by itself: it reports motion, and too much of it or nothing at all when a fault asks for that.
fn report(tasks: &mut JoinSet<anyhow::Result<()>>, camera: &Arc<Camera>) {
    let reporting = camera.clone();
    tasks.spawn(async move {
        reporting.events.follow_script().await;
        Ok(())
    });
    for fault in &camera.planned {
        if let Fault::EventFlood(a_second) = *fault {
            let flooding = camera.clone();
            tasks.spawn(async move {
                flooding.events.flood(a_second).await;
                Ok(())
            });
        }
        if let Fault::Sleep(span) = *fault {
            let sleeping = camera.clone();
            tasks.spawn(async move {
                let mut awake = span;
                loop {
                    tokio::time::sleep(awake).await;
                    sleeping.power.leave_for(span);
                    // From the moment it leaves: the time away, and then that awake.
                    awake = span * 2;
                }
            });
        }
    }
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
    let host = match camera.address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address @ (IpAddr::V4(_) | IpAddr::V6(_)) => address,
    };
    let uri_host = http::uri_host(host);
    let line = Ready {
        name: camera.name.clone(),
        http: ports.device_service(host),
        rtsp: ports.rtsp_at(&uri_host) + Stream::Main.mount(),
        rtsp_sub: ports.rtsp_at(&uri_host) + Stream::Sub.mount(),
        uuid: camera.uuid.to_string(),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(&line)?).context("cannot write to standard output")?;
    out.flush().context("cannot write to standard output")
}
