//! Recording 1080p25 streams, sealed, next to `ffmpeg -c copy` on the same streams at the same time.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use hausrecht_tests::{
    camera::{PASSWORD, SimCam, USER},
    process::{Owned, descendants},
    programs,
    stage::Stage,
    until::until_blocking,
};

use crate::{
    table::{print, row},
    usage::{Group, shares, stolen},
};

const SPAN: Duration = Duration::from_secs(60);
/// What a camera of this resolution commonly sends.
const BITRATE_KBPS: &str = "4000";

/// Records `count` cameras both ways and prints what it cost.
pub(crate) async fn measure(count: usize) {
    let cameras: Vec<SimCam> = (0..count)
        .map(|number| SimCam::start(&["--name", &format!("Camera {number}"), "--bitrate-kbps", BITRATE_KBPS]))
        .collect();
    let stage = Stage::owned().await;
    for camera in &cameras {
        stage.connect(camera).await;
    }
    let (folder, _) = stage.close().await;

    let mut command = Command::new(programs::cli());
    command.args(["run", "--data-dir"]).arg(folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
    let ours = Owned::start(&mut command);
    let scratch = tempfile::tempdir().unwrap();
    let theirs: Vec<Owned> = cameras
        .iter()
        .enumerate()
        .map(|(number, camera)| {
            let with_account =
                camera.rtsp_main().replacen("rtsp://", &format!("rtsp://{USER}:{PASSWORD}@"), 1);
            let mut command = Command::new("ffmpeg");
            command
                .args(["-nostdin", "-loglevel", "error", "-rtsp_transport", "tcp", "-i", &with_account])
                .args([
                    "-map",
                    "0:v",
                    "-c",
                    "copy",
                    "-f",
                    "segment",
                    "-segment_time",
                    "60",
                    "-reset_timestamps",
                    "1",
                ])
                .arg(scratch.path().join(format!("{number}-%d.mp4")))
                .stdin(Stdio::null());
            Owned::start(&mut command)
        })
        .collect();
    until_blocking("all workers to record", Duration::from_secs(60), || {
        let workers = descendants(ours.0.id()).len();
        let parts = count_parts(&folder.path().join("clips"));
        if workers >= count && parts >= count { Ok(()) } else { Err((workers, parts)) }
    });

    let groups = [
        Group { name: "hausrecht run, with its workers, sealed", roots: vec![ours.0.id()] },
        Group { name: "ffmpeg -c copy, plain", roots: theirs.iter().map(|process| process.0.id()).collect() },
        Group { name: "the cameras themselves", roots: cameras.iter().map(SimCam::pid).collect() },
    ];
    let stolen_before = stolen();
    let cpu = shares(&groups, SPAN).await;
    let mut rows = vec![row(["", "% of a core", "CPU s per stream and minute", "times ffmpeg", "MiB (PSS)"])];
    for (group, share) in groups.iter().zip(&cpu) {
        rows.push(vec![
            group.name.to_owned(),
            format!("{:.1}", share * 100.0),
            format!("{:.2}", share * 60.0 / count as f64),
            format!("{:.2}", share / cpu[1]),
            format!("{:.0}", group.memory_mib()),
        ]);
    }
    let lost = stolen().saturating_sub(stolen_before).as_secs_f64() / SPAN.as_secs_f64();
    let title = format!(
        "Recording {count} x 1080p25 at {BITRATE_KBPS} kbit/s for {} s (aim: less than ffmpeg, 8 in less than 100 MiB; stolen by the host: {:.1} %)",
        SPAN.as_secs(),
        lost * 100.0
    );
    print(&title, &rows);
}

fn count_parts(clips: &std::path::Path) -> usize {
    let Ok(cameras) = std::fs::read_dir(clips) else { return 0 };
    cameras
        .filter_map(|camera| std::fs::read_dir(camera.ok()?.path()).ok())
        .flat_map(|files| files.filter_map(Result::ok))
        .filter(|file| file.path().extension().is_some_and(|ending| ending == "part"))
        .count()
}
