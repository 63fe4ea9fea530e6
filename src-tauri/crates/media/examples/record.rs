//! Records and views a stream with a worker, for trying out cameras and for measuring:
//! `record WORKER URI SUB_URI|- SECONDS CLIP_SECONDS OUT_DIR [USER PASSWORD]`. Writes clips in the clear: for test footage only.
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use hausrecht_media::{BulkFrame, CameraOpen, Event, Launcher, Order, Password, Ring, Stream, Transport};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_env_filter("info").init();
    let arguments: Vec<String> = std::env::args().collect();
    let [_, worker, uri, sub, seconds, clip_seconds, out, rest @ ..] = &arguments[..] else {
        return Err("record WORKER URI SUB_URI|- SECONDS CLIP_SECONDS OUT_DIR [USER PASSWORD]".into());
    };
    let worker = Launcher::new(Path::new(worker))?.launch("record").map(|worker| (worker, Instant::now()));
    let (hausrecht_media::Worker { orders, mut events, mut bulk, process, answers: _answers }, began) =
        worker?;
    println!("worker pid {}", process.pid());
    orders.send(&Order::Open(CameraOpen {
        main_uri: uri.clone(),
        sub_uri: (sub != "-").then(|| sub.clone()),
        user: rest.first().cloned().unwrap_or_default(),
        password: Password::new(rest.get(1).cloned().unwrap_or_default()),
        transport: Transport::Auto,
        certificate: None,
        latency_ms: 0,
        record: true,
        clip_target_ms: clip_seconds.parse::<u32>()? * 1000,
    }))?;
    let out = out.clone();
    let storing = thread::spawn(move || {
        let mut files: HashMap<u64, fs::File> = HashMap::new();
        while let Ok(Some(frame)) = bulk.next_frame() {
            let (clip_seq, bytes) = match frame {
                BulkFrame::ClipStart(start) => {
                    println!("{start:?}");
                    continue;
                }
                BulkFrame::Init { clip_seq, bytes } => {
                    files
                        .insert(clip_seq, fs::File::create(format!("{out}/{clip_seq}.mp4")).expect("a file"));
                    (clip_seq, bytes)
                }
                BulkFrame::Fragment { meta, bytes } => (meta.clip_seq, bytes),
                BulkFrame::FileStart(_) | BulkFrame::FileWrite { .. } | BulkFrame::FileEnd(_) => continue,
                BulkFrame::ClipEnd(end) => {
                    println!("{end:?}");
                    continue;
                }
                BulkFrame::Thumbnail { clip_seq, jpeg } => {
                    fs::write(format!("{out}/{clip_seq}.jpg"), jpeg).expect("a file");
                    continue;
                }
            };
            if let Some(file) = files.get_mut(&clip_seq) {
                file.write_all(&bytes).expect("space");
            }
        }
    });
    let limit = Duration::from_secs(seconds.parse()?);
    let (mut rings, mut frames) = (Vec::new(), 0);
    let steps = [(0.2, Stream::Sub, 320, 180), (0.4, Stream::Sub, 480, 270), (0.6, Stream::Main, 960, 540)];
    while began.elapsed() < limit {
        if let Some((at, stream, width, height)) = steps.get(rings.len())
            && began.elapsed().as_secs_f64() > limit.as_secs_f64() * at
            && sub != "-"
        {
            let ring = Ring::create(u32::try_from(rings.len())?, *width, *height)?;
            orders
                .send_with(&Order::View { view: 1, stream: *stream, ring: ring.shape() }, &[ring.as_fd()])?;
            println!("{:?} asks for {stream:?} {width}x{height}", began.elapsed());
            rings.push(ring);
            frames = 0;
        }
        match events.recv_timeout(Duration::from_millis(100)) {
            Ok(Some(Event::Frame { sequence, pts_us, arrived_unix_us, generation, .. })) => {
                frames += 1;
                if frames <= 2 || frames % 25 == 0 {
                    println!(
                        "{:?} frame {generation}/{sequence} pts {pts_us} arrived {arrived_unix_us}",
                        began.elapsed()
                    );
                }
            }
            Ok(Some(event)) => println!("{:?} {event:?}", began.elapsed()),
            Ok(None) => {}
            Err(error) => {
                println!("{:?} {error}", began.elapsed());
                break;
            }
        }
    }
    if let Some(ring) = rings.last() {
        ring.newest(|picture| {
            let mut ppm = format!("P6 {} {} 255\n", picture.width, picture.height).into_bytes();
            picture.bgrx.chunks(4).for_each(|p| ppm.extend([p[2], p[1], p[0]]));
            fs::write(format!("{}/view.ppm", arguments[6]), ppm)
        });
    }
    let _ = orders.send(&Order::Shutdown);
    storing.join().map_err(|_| "storing failed")?;
    Ok(())
}
