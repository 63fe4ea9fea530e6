//! An RTSP server that behaves as told, and the engine's side of a worker in a few lines.

pub(super) mod between;
pub(super) mod demo;
pub(super) mod gate;

use std::{
    collections::HashMap,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use gstreamer::{self as gst, glib};
use gstreamer_rtsp_server::{self as rtsp, gst_rtsp, prelude::*};
use hausrecht_media::{
    BulkFrame, CameraOpen, Event, FaultCode, Launcher, Order, Password, Sandbox, Transport, Worker,
    bulk::{ClipEnd, ClipStart, FragmentMeta},
};

/// No answer of a worker takes longer than this.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

static LAUNCHER: LazyLock<Launcher> = LazyLock::new(|| Launcher::new(Path::new(super::WORKER)).unwrap());

/// A running RTSP server on a free port of the loopback interface.
pub(super) struct Server {
    server: rtsp::RTSPServer,
    main_loop: glib::MainLoop,
    sent: HashMap<String, Arc<AtomicU64>>,
}

impl Server {
    /// Serves streams of path, source, pictures a second, and what is special about it.
    pub(super) fn start(streams: &[(&str, &str, u32, &str)]) -> Self {
        let launches = streams.iter().map(|(path, source, fps, special)| {
            let encode = match *special {
                "hevc" => {
                    "x265enc speed-preset=ultrafast tune=zerolatency key-int-max=25 ! rtph265pay".to_owned()
                }
                "mjpeg" => "videoconvert ! video/x-raw,format=I420 ! jpegenc ! rtpjpegpay".to_owned(),
                "" | "bye" | "udp-only" => h264("tune=zerolatency"),
                other => h264(other),
            };
            let settings = if *special == "mjpeg" { "pt=26" } else { "pt=96 config-interval=1" };
            let launch = format!(
                "( {source} ! video/x-raw,width=640,height=360,framerate={fps}/1 ! {encode} name=pay0 {settings} )"
            );
            (*path, launch, *special)
        });
        Self::serve(launches)
    }

    /// Serves streams of path and pipeline, whose payloader is named `pay0`.
    pub(super) fn launching(streams: &[(&str, &str)]) -> Self {
        Self::serve(streams.iter().map(|(path, pipeline)| (*path, format!("( {pipeline} )"), "")))
    }

    fn serve<'a>(launches: impl Iterator<Item = (&'a str, String, &'a str)>) -> Self {
        gst::init().unwrap();
        let server = rtsp::RTSPServer::new();
        server.set_address("127.0.0.1");
        server.set_service("0");
        let mounts = server.mount_points().unwrap();
        let mut sent = HashMap::new();
        for (path, launch, special) in launches {
            let factory = rtsp::RTSPMediaFactory::new();
            factory.set_launch(&launch);
            if special == "udp-only" {
                factory.set_protocols(gst_rtsp::RTSPLowerTrans::UDP);
            }
            let (endless, counted) = (special != "bye", Arc::new(AtomicU64::new(0)));
            sent.insert(path.to_owned(), Arc::clone(&counted));
            factory.connect_media_configure(move |_, media| count(media, &counted, endless));
            mounts.add_factory(path, factory);
        }
        let context = glib::MainContext::new();
        server.attach(Some(&context)).unwrap();
        let main_loop = glib::MainLoop::new(Some(&context), false);
        let running = main_loop.clone();
        thread::spawn(move || context.with_thread_default(|| running.run()).unwrap());
        Self { server, main_loop, sent }
    }

    /// Lets in only who knows the password.
    pub(super) fn require(&self, user: &str, password: &str) {
        let auth = rtsp::RTSPAuth::new();
        let token = rtsp::RTSPToken::builder().field("media.factory.role", "viewer").build();
        auth.set_supported_methods(gst_rtsp::RTSPAuthMethod::Digest);
        auth.add_digest(user, password, &token);
        let factory = self.server.mount_points().unwrap().match_("/main").0;
        let mut role = gst::Structure::new_empty("viewer");
        role.set("media.factory.access", true);
        role.set("media.factory.construct", true);
        factory.add_role_from_structure(&role);
        self.server.set_auth(Some(&auth));
    }

    /// How many pictures of a stream were sent since its client asked it to play.
    pub(super) fn sent(&self, path: &str) -> u64 {
        self.sent[path].load(Ordering::SeqCst)
    }

    /// Where it listens.
    pub(super) fn port(&self) -> u16 {
        u16::try_from(self.server.bound_port()).unwrap()
    }

    /// Address of a stream.
    pub(super) fn uri(&self, path: &str) -> String {
        format!("rtsp://127.0.0.1:{}{path}", self.server.bound_port())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.main_loop.quit();
    }
}

/// Counts the pictures that go out. What was made before a client's PLAY seeks to the beginning is never sent. If `endless`,
/// the end of the source is kept from the server, which otherwise says goodbye before it has sent the last pictures.
fn count(media: &rtsp::RTSPMedia, sent: &Arc<AtomicU64>, endless: bool) {
    let bin = media.element().downcast::<gst::Bin>().unwrap();
    let entry = bin.by_name("pay0").unwrap().static_pad("sink").unwrap();
    let sent = Arc::clone(sent);
    sent.store(0, Ordering::SeqCst);
    let kinds = gst::PadProbeType::EVENT_DOWNSTREAM
        | gst::PadProbeType::EVENT_FLUSH
        | gst::PadProbeType::BUFFER
        | gst::PadProbeType::BUFFER_LIST;
    entry.add_probe(kinds, move |_, info| {
        match (info.event().map(|event| event.type_()), info.buffer_list()) {
            (Some(gst::EventType::FlushStop), _) => sent.store(0, Ordering::SeqCst),
            (Some(gst::EventType::Eos), _) if endless => return gst::PadProbeReturn::Drop,
            (Some(_), _) => {}
            (None, list) => {
                let pictures = list.map_or(1, |list| list.len() as u64);
                sent.fetch_add(pictures, Ordering::SeqCst);
            }
        }
        gst::PadProbeReturn::Ok
    });
}

fn h264(settings: &str) -> String {
    format!("x264enc speed-preset=ultrafast key-int-max=25 {settings} ! rtph264pay")
}

/// A camera without user and password, recorded in clips of two seconds.
pub(super) fn open(uri: &str) -> CameraOpen {
    CameraOpen {
        main_uri: uri.to_owned(),
        sub_uri: None,
        user: String::new(),
        password: Password::default(),
        transport: Transport::Auto,
        certificate: None,
        latency_ms: 0,
        record: true,
        clip_target_ms: 2_000,
    }
}

/// A fresh worker.
pub(super) fn launch() -> Worker {
    LAUNCHER.launch("test").unwrap()
}

/// A clip as it came.
pub(super) struct Clip {
    pub(super) start: ClipStart,
    pub(super) bytes: Vec<u8>,
    pub(super) fragments: Vec<FragmentMeta>,
    pub(super) end: Option<ClipEnd>,
}

/// All that a worker gave.
#[derive(Default)]
pub(super) struct Recording {
    pub(super) clips: Vec<Clip>,
    pub(super) thumbnails: Vec<Vec<u8>>,
    pub(super) fault: Option<FaultCode>,
    pub(super) fault_text: String,
    pub(super) sandbox: Option<Sandbox>,
    /// Whether a card said that it has been fetched whole, and how far it was last.
    pub(super) card_ended: bool,
    pub(super) card_position: Option<i64>,
    counted: u64,
}

impl Recording {
    /// Pictures in all fragments.
    pub(super) fn frames(&self) -> u64 {
        self.counted
    }

    pub(super) fn take(&mut self, frame: BulkFrame) {
        match frame {
            BulkFrame::ClipStart(start) => {
                self.clips.push(Clip { start, bytes: Vec::new(), fragments: Vec::new(), end: None });
            }
            BulkFrame::Init { bytes, .. } => self.clips.last_mut().unwrap().bytes.extend(bytes),
            BulkFrame::Fragment { meta, bytes } => {
                self.counted += u64::from(meta.frames);
                let clip = self.clips.last_mut().unwrap();
                clip.bytes.extend(bytes);
                clip.fragments.push(meta);
            }
            BulkFrame::ClipEnd(end) => self.clips.last_mut().unwrap().end = Some(end),
            BulkFrame::Thumbnail { jpeg, .. } => self.thumbnails.push(jpeg),
            other @ (BulkFrame::FileStart(_) | BulkFrame::FileWrite { .. } | BulkFrame::FileEnd(_)) => {
                panic!("a recording worker exports nothing: {other:?}")
            }
        }
    }
}

/// Runs a camera worker, lets `during` drive it, and returns what it gave until its end.
pub(super) fn record(open: CameraOpen, during: impl FnOnce(&mut Worker)) -> Recording {
    gather(&Order::Open(open), during)
}

/// Runs a worker that gives clips, lets `during` drive it, and returns what it gave until its end.
pub(super) fn gather(order: &Order, during: impl FnOnce(&mut Worker)) -> Recording {
    gather_counting(order, |worker, _| during(worker))
}

/// The same; `during` also sees how many clips have ended.
pub(super) fn gather_counting(order: &Order, during: impl FnOnce(&mut Worker, &AtomicU64)) -> Recording {
    let ended = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&ended);
    let mut worker = launch();
    worker.orders.send(order).unwrap();
    let (_, unused) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut bulk = std::mem::replace(&mut worker.bulk, hausrecht_media::BulkReader::new(unused));
    let storing = thread::spawn(move || {
        let mut recording = Recording::default();
        while let Ok(Some(frame)) = bulk.next_frame() {
            let is_end = matches!(frame, BulkFrame::ClipEnd(_));
            recording.take(frame);
            counted.fetch_add(u64::from(is_end), Ordering::SeqCst);
        }
        recording
    });
    let Event::Ready { sandbox } = worker.events.recv().unwrap() else { panic!("not ready") };
    during(&mut worker, &ended);
    let (mut fault, mut fault_text) = (None, String::new());
    let (mut card_ended, mut card_position) = (false, None);
    while let Ok(Some(event)) = worker.events.recv_timeout(LIMIT) {
        if let Event::Fault { code, text, .. } = event {
            assert!(!text.contains("geheim") && !text.contains("falsch"));
            (fault, fault_text) = (Some(code), text);
        } else if let Event::CardPosition { unix_us, .. } = event {
            assert!(Some(unix_us) >= card_position, "the place on the card went back");
            card_position = Some(unix_us);
        } else {
            card_ended |= event == Event::CardEnded;
        }
    }
    let mut recording = storing.join().unwrap();
    (recording.fault, recording.fault_text) = (fault, fault_text);
    (recording.card_ended, recording.card_position) = (card_ended, card_position);
    recording.sandbox = Some(sandbox);
    recording
}

/// Waits for an event.
pub(super) fn await_event(worker: &mut Worker, mut wanted: impl FnMut(&Event) -> bool) {
    loop {
        let event = worker.events.recv_timeout(LIMIT).unwrap().expect("an event in time");
        assert!(!matches!(event, Event::Fault { .. }), "{event:?}");
        if wanted(&event) {
            return;
        }
    }
}

/// Waits for an event of a player, and serves it bytes of `clip` meanwhile.
pub(super) fn play(worker: &mut Worker, clip: &[u8], mut wanted: impl FnMut(&Event) -> bool) {
    loop {
        let event = worker.events.recv_timeout(LIMIT).unwrap().expect("an event in time");
        assert!(!matches!(event, Event::Fault { .. }), "{event:?}");
        if let Event::Read { id, offset, len } = event {
            let start = usize::try_from(offset).unwrap().min(clip.len());
            let end = (start + len as usize).min(clip.len());
            worker.answers.answer(id, &clip[start..end]).unwrap();
        } else if wanted(&event) {
            return;
        }
    }
}

/// How many pictures a foreign program decodes from a clip.
pub(super) fn ffprobe_frames(clip: &[u8]) -> u64 {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(clip).unwrap();
    let probed = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-count_frames",
            "-select_streams",
            "v",
            "-show_entries",
            "stream=nb_read_frames",
        ])
        .args(["-of", "default=nokey=1:noprint_wrappers=1"])
        .arg(file.path())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    // A clip without a single fragment has “N/A”.
    String::from_utf8_lossy(&probed.stdout).trim().parse().unwrap_or(0)
}
