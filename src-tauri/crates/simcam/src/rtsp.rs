//! RTSP: one path a stream, with digest authentication, each connection fed from the footage at the loop clock's time. A camera
//! with a loudspeaker takes sound over the ONVIF back channel, and one with a card replays it.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, atomic::Ordering},
    time::Duration,
};

use gstreamer::{ClockTime, PadProbeReturn, PadProbeType, glib, prelude::*};
use gstreamer_app::{AppSink, AppSrc};
use gstreamer_rtsp_server as server;
use server::{
    gio,
    gst_rtsp::{RTSPLowerTrans, RTSPStatusCode},
    prelude::*,
};

use crate::{
    camera::Camera,
    fault::Fault,
    feature::Feature,
    footage::{Stream, Track},
    lock::lock,
};

mod access;
mod feed;
mod heard;
mod replay;

pub(crate) use feed::Buffers;
pub use feed::Feed;
pub use heard::{Heard, Sound};
pub use replay::MOUNT as REPLAY_MOUNT;

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
    /// GLib cannot use the certificate.
    #[error("RTSP cannot use the certificate; install glib-networking: {0}")]
    Tls(#[from] glib::Error),
}

/// The thread that all RTSP servers of this program share.
#[derive(Clone, Debug)]
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
    camera: Arc<Camera>,
    thread: RtspThread,
    access: access::Access,
    mounts: server::RTSPMountPoints,
    /// None while the camera is off the network.
    listening: Mutex<Option<Listening>>,
    /// What sends the pictures.
    pub feed: Arc<Feed>,
    /// Where it listens.
    pub port: u16,
}

/// A server with an open port.
#[derive(Debug)]
struct Listening {
    server: server::RTSPServer,
    sources: Vec<glib::Source>,
}

impl RtspServer {
    /// Listens on the camera's address and `port`, 0 for a free one.
    ///
    /// # Errors
    /// When the port is taken, or the certificate is of no use.
    pub fn start(camera: &Arc<Camera>, thread: &RtspThread, port: u16) -> Result<Self, RtspError> {
        let feed = Arc::new(Feed::new(camera.clone()));
        let mounts = server::RTSPMountPoints::new();
        for stream in camera.streams() {
            mounts.add_factory(stream.mount(), factory(camera, &feed, stream));
        }
        if camera.can(Feature::Card) {
            mounts.add_factory(replay::MOUNT, replay::factory(camera));
        }
        let access = access::Access::new(&camera.accounts);
        let mut server = Self {
            camera: camera.clone(),
            thread: thread.clone(),
            access,
            mounts,
            listening: Mutex::default(),
            feed,
            port,
        };
        server.take_certificate()?;
        server.listen()?;
        let bound = server.lock().as_ref().map_or(0, |listening| listening.server.bound_port());
        server.port = u16::try_from(bound).expect("a bound TCP port");
        Ok(server)
    }

    /// Opens the port again after [`Self::leave`].
    ///
    /// # Errors
    /// When somebody else took it meanwhile.
    pub fn listen(&self) -> Result<(), RtspError> {
        let server = server::RTSPOnvifServer::new().upcast::<server::RTSPServer>();
        server.set_address(&self.camera.address.to_string());
        server.set_service(&self.port.to_string());
        server.set_auth(Some(&self.access));
        server.set_mount_points(Some(&self.mounts));
        let refusing = self.camera.clone();
        server.connect_client_connected(move |_, client| {
            let camera = refusing.clone();
            client.connect_pre_describe_request(move |_, _| {
                camera.asked.store(camera.loop_clock.camera_time().0, Ordering::Relaxed);
                if camera.faults.refusing.is_on() {
                    RTSPStatusCode::ServiceUnavailable
                } else {
                    RTSPStatusCode::Ok
                }
            });
            let camera = refusing.clone();
            client.connect_describe_request(move |_, _| {
                camera.described.store(camera.loop_clock.camera_time().0, Ordering::Relaxed);
            });
            let camera = refusing.clone();
            client.connect_play_request(move |_, _| {
                camera.played.store(camera.loop_clock.camera_time().0, Ordering::Relaxed);
            });
        });
        let listen = || RtspError::Listen { address: self.camera.address, port: self.port };
        let context = &self.thread.context;
        let number = server.attach(Some(context)).map_err(|_| listen())?;
        let sessions = server.session_pool();
        let sweep =
            glib::timeout_source_new(Duration::from_secs(5), None, glib::Priority::DEFAULT, move || {
                if let Some(sessions) = &sessions {
                    sessions.cleanup();
                }
                glib::ControlFlow::Continue
            });
        sweep.attach(Some(context));
        let sources = context.find_source_by_id(&number).into_iter().chain([sweep]).collect();
        *self.lock() = Some(Listening { server, sources });
        Ok(())
    }

    /// Closes the port and every connection.
    pub fn leave(&self) {
        self.drop_connections();
        if let Some(listening) = self.lock().take() {
            for source in listening.sources {
                source.destroy();
            }
        }
    }

    /// Takes the camera's certificate of the moment for new connections, if it has one.
    ///
    /// # Errors
    /// When GLib cannot use it.
    pub fn take_certificate(&self) -> Result<(), RtspError> {
        if let Some(identity) = &self.camera.identity {
            let certificate = gio::TlsCertificate::from_pem(&identity.certificate().pem)?;
            self.access.set_tls_certificate(Some(&certificate));
        }
        Ok(())
    }

    /// Sends pictures for ever, and does what the camera's planned faults ask for.
    pub async fn run(&self) {
        self.feed.run(|| self.drop_connections()).await;
    }

    /// Closes every connection; new ones are served.
    pub fn drop_connections(&self) {
        let server = self.lock().as_ref().map(|listening| listening.server.clone());
        if let Some(server) = server {
            server.client_filter(Some(&mut |_, _| server::RTSPFilterResult::Remove));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Listening>> {
        lock(&self.listening)
    }
}

/// What makes a pipeline for each connection to one stream. A shared pipeline would let a second client in between key frames.
fn factory(camera: &Arc<Camera>, feed: &Arc<Feed>, stream: Stream) -> server::RTSPOnvifMediaFactory {
    let factory = server::RTSPOnvifMediaFactory::new();
    let sound = if camera.sound {
        "audiotestsrc name=tone is-live=true volume=0.02 freq=330 ! audio/x-raw,rate=8000,channels=1 ! alawenc ! tee allow-not-linked=true ! rtppcmapay name=pay1 pt=8"
    } else {
        ""
    };
    let pay = match stream {
        Stream::Main | Stream::Sub => "rtph264pay name=pay0 pt=96 config-interval=-1",
        Stream::H265 => "rtph265pay name=pay0 pt=96 config-interval=-1",
        Stream::Mjpeg => "rtpjpegpay name=pay0 pt=26",
    };
    // Where a client sets up some streams only, the server leaves the others unlinked. Without the tee a picture that comes
    // while the pipeline starts would be an error there and keep the whole of it from starting.
    factory.set_launch(&format!(
        "( appsrc name=pictures is-live=true format=time block=false ! tee allow-not-linked=true ! {pay} {sound} )"
    ));
    factory.set_media_gtype(server::RTSPOnvifMedia::static_type());
    if camera.can(Feature::Talk) {
        factory.set_backchannel_launch(Some(heard::LAUNCH));
    }
    factory.set_protocols(if camera.fails(&Fault::UdpOnly) {
        RTSPLowerTrans::UDP
    } else if camera.fails(&Fault::TcpOnly) {
        RTSPLowerTrans::TCP
    } else {
        RTSPLowerTrans::TCP | RTSPLowerTrans::UDP
    });
    let caps = caps(stream, camera.footage.track(stream));
    let feed = feed.clone();
    let hears = camera.heard.clone();
    factory.connect_media_configure(move |_, media| {
        let Ok(bin) = media.element().downcast::<gstreamer::Bin>() else { return };
        if let Some(tone) = bin.by_name("tone") {
            deny_seeking(&tone);
        }
        if let Some(sink) = bin.by_name("heard").and_then(|element| element.downcast::<AppSink>().ok()) {
            heard::listen(&sink, hears.clone());
        }
        if let Some(source) = bin.by_name("pictures").and_then(|element| element.downcast::<AppSrc>().ok()) {
            source.set_caps(Some(&caps));
            feed.add(stream, source);
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

fn caps(stream: Stream, track: &Track) -> gstreamer::Caps {
    let (kind, is_byte_stream) = match stream {
        Stream::Main | Stream::Sub => ("video/x-h264", true),
        Stream::H265 => ("video/x-h265", true),
        Stream::Mjpeg => ("image/jpeg", false),
    };
    let mut caps = gstreamer::Caps::builder(kind)
        .field("width", i32::try_from(track.width).expect("a picture's width"))
        .field("height", i32::try_from(track.height).expect("a picture's height"))
        .field("framerate", gstreamer::Fraction::new(i32::try_from(track.rate).expect("a picture rate"), 1));
    if is_byte_stream {
        caps = caps.field("stream-format", "byte-stream").field("alignment", "au");
    }
    caps.build()
}
