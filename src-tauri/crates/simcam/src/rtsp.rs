//! RTSP: `/main` and `/sub` with digest authentication, each connection fed from the footage at the loop clock's time.

use std::{net::IpAddr, sync::Arc, time::Duration};

use gstreamer::{ClockTime, PadProbeReturn, PadProbeType, glib, prelude::*};
use gstreamer_app::AppSrc;
use gstreamer_rtsp_server as server;
use hausrecht_model::StreamRole;
use server::{
    gst_rtsp::{RTSPLowerTrans, RTSPStatusCode},
    prelude::*,
};

use crate::{
    camera::{Camera, mount},
    footage::Track,
};

mod access;
mod feed;

pub use feed::Feed;

/// An RTSP server that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum RtspError {
    /// The port is taken or the address is not this computer's.
    #[error("RTSP cannot listen on {address} port {port}")]
    Listen {
        /// The address that was asked for.
        address: IpAddr,
        /// The port that was asked for, 0 for any.
        port: u16,
    },
}

/// The thread that all RTSP servers of this program share.
#[derive(Debug)]
pub struct RtspThread {
    context: glib::MainContext,
}

impl RtspThread {
    /// Starts it; it lives as long as the program.
    pub fn start() -> Self {
        let context = glib::MainContext::new();
        let running = context.clone();
        std::thread::spawn(move || {
            let main_loop = glib::MainLoop::new(Some(&running), false);
            let _ = running.with_thread_default(|| main_loop.run());
        });
        Self { context }
    }
}

/// One camera's RTSP server.
#[derive(Debug)]
pub struct RtspServer {
    server: server::RTSPServer,
    /// What sends the pictures.
    pub feed: Arc<Feed>,
    /// Where it listens.
    pub port: u16,
}

impl RtspServer {
    /// Listens on the camera's address and `port`, 0 for a free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(camera: &Arc<Camera>, thread: &RtspThread, port: u16) -> Result<Self, RtspError> {
        let server = server::RTSPServer::new();
        server.set_address(&camera.address.to_string());
        server.set_service(&port.to_string());
        server.set_auth(Some(&access::Access::new(&camera.user, &camera.password)));
        let feed = Arc::new(Feed::new(camera.clone()));
        let mounts = server::RTSPMountPoints::new();
        for role in [StreamRole::Main, StreamRole::Sub] {
            mounts.add_factory(mount(role), factory(camera, &feed, role));
        }
        server.set_mount_points(Some(&mounts));
        let refusing = camera.clone();
        server.connect_client_connected(move |_, client| {
            let camera = refusing.clone();
            client.connect_pre_describe_request(move |_, _| {
                if camera.faults.refusing.is_on() {
                    RTSPStatusCode::ServiceUnavailable
                } else {
                    RTSPStatusCode::Ok
                }
            });
        });
        server
            .attach(Some(&thread.context))
            .map_err(|_| RtspError::Listen { address: camera.address, port })?;
        let sessions = server.session_pool();
        let sweep =
            glib::timeout_source_new(Duration::from_secs(5), None, glib::Priority::DEFAULT, move || {
                if let Some(sessions) = &sessions {
                    sessions.cleanup();
                }
                glib::ControlFlow::Continue
            });
        sweep.attach(Some(&thread.context));
        let port = u16::try_from(server.bound_port()).expect("a bound TCP port");
        Ok(Self { server, feed, port })
    }

    /// Sends pictures for ever, and does what the camera's planned faults ask for.
    pub async fn run(&self) {
        self.feed.run(|| self.drop_connections()).await;
    }

    /// Closes every connection; new ones are served.
    pub fn drop_connections(&self) {
        self.server.client_filter(Some(&mut |_, _| server::RTSPFilterResult::Remove));
    }
}

/// What makes a pipeline for each connection to one stream. A shared pipeline would let a second client in between key frames.
fn factory(camera: &Arc<Camera>, feed: &Arc<Feed>, role: StreamRole) -> server::RTSPMediaFactory {
    let factory = server::RTSPMediaFactory::new();
    let sound = if camera.sound {
        "audiotestsrc name=tone is-live=true volume=0.02 freq=330 ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8"
    } else {
        ""
    };
    factory.set_launch(&format!(
        "( appsrc name=pictures is-live=true format=time block=false ! rtph264pay name=pay0 pt=96 config-interval=-1 {sound} )"
    ));
    factory.set_protocols(RTSPLowerTrans::TCP | RTSPLowerTrans::UDP);
    let caps = caps(camera.footage.track(role));
    let feed = feed.clone();
    factory.connect_media_configure(move |_, media| {
        let Ok(bin) = media.element().downcast::<gstreamer::Bin>() else { return };
        if let Some(tone) = bin.by_name("tone") {
            deny_seeking(&tone);
        }
        if let Some(source) = bin.by_name("pictures").and_then(|element| element.downcast::<AppSrc>().ok()) {
            source.set_caps(Some(&caps));
            feed.add(role, source);
        }
    });
    factory
}

/// A tone can be sought, which would let the server try it with the pictures too, in vain.
fn deny_seeking(source: &gstreamer::Element) {
    let Some(pad) = source.static_pad("src") else { return };
    pad.add_probe(PadProbeType::QUERY_UPSTREAM, |_, info| {
        let Some(query) = info.query_mut() else { return PadProbeReturn::Ok };
        let gstreamer::QueryViewMut::Seeking(seeking) = query.view_mut() else { return PadProbeReturn::Ok };
        seeking.set(false, ClockTime::NONE, ClockTime::NONE);
        PadProbeReturn::Handled
    });
}

fn caps(track: &Track) -> gstreamer::Caps {
    gstreamer::Caps::builder("video/x-h264")
        .field("stream-format", "byte-stream")
        .field("alignment", "au")
        .field("width", i32::try_from(track.width).expect("a picture's width"))
        .field("height", i32::try_from(track.height).expect("a picture's height"))
        .field("framerate", gstreamer::Fraction::new(i32::try_from(track.rate).expect("a picture rate"), 1))
        .build()
}
