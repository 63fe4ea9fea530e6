//! What other people's tools say about a clip that was opened.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// What ffprobe counts in a file.
#[derive(Clone, PartialEq, Debug)]
pub struct Counted {
    /// Frames that were decoded.
    pub frames: u64,
    /// Codec name.
    pub codec: String,
    /// Width in pixels.
    pub width: u64,
    /// Height in pixels.
    pub height: u64,
    /// Presentation times of the packets in seconds, in the file's order.
    pub times_s: Vec<f64>,
    /// Whether there is sound.
    pub sound: bool,
}

/// Lets ffprobe read `mp4` from a pipe, so that nothing plain touches the disk, and decode every frame.
///
/// # Panics
/// ffprobe is not there, or refuses the file.
pub fn count(mp4: &[u8]) -> Counted {
    let streams = probe(
        mp4,
        &["-count_frames", "-show_entries", "stream=codec_name,codec_type,width,height,nb_read_frames"],
    );
    let packets = probe(mp4, &["-select_streams", "v", "-show_entries", "packet=pts_time"]);
    let list = streams["streams"].as_array().expect("ffprobe lists streams");
    let video = list.iter().find(|stream| stream["codec_type"] == "video").expect("there is video");
    Counted {
        frames: video["nb_read_frames"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .expect("frames were counted"),
        codec: video["codec_name"].as_str().unwrap_or_default().to_owned(),
        width: video["width"].as_u64().unwrap_or_default(),
        height: video["height"].as_u64().unwrap_or_default(),
        times_s: packets["packets"]
            .as_array()
            .expect("ffprobe lists packets")
            .iter()
            .filter_map(|packet| packet["pts_time"].as_str()?.parse().ok())
            .collect(),
        sound: list.iter().any(|stream| stream["codec_type"] == "audio"),
    }
}

fn probe(mp4: &[u8], args: &[&str]) -> serde_json::Value {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json"]).args(args).arg("pipe:0");
    let out = feed(&mut command, mp4);
    serde_json::from_slice(&out).expect("ffprobe prints JSON")
}

/// Runs `command` with `input` on its standard input and returns what it prints.
///
/// # Panics
/// It cannot be started or fails.
pub fn feed(command: &mut Command, input: &[u8]) -> Vec<u8> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
    let mut pipe = child.stdin.take().expect("standard input is piped");
    let input = input.to_owned();
    let feeder = std::thread::spawn(move || {
        // A reader that has seen enough closes its end.
        let _ = pipe.write_all(&input);
    });
    let out = child.wait_with_output().expect("the program ends");
    feeder.join().expect("the feeding thread does not panic");
    assert!(out.status.success(), "{:?}: {}", command.get_program(), String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// Opens an age file with Debian's own `age` and the identities in `identity`.
///
/// # Panics
/// `age` refuses.
pub fn age_decrypt(sealed: &[u8], identity: &Path) -> Vec<u8> {
    feed(Command::new("age").arg("--decrypt").arg("--identity").arg(identity), sealed)
}
