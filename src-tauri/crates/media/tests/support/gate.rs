//! Stands between a worker and an RTSP server, and spoils what passes as told: for cameras that stream properly to those who ask
//! in the way that they know.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

/// What becomes of a request.
pub(crate) enum Fate {
    /// It goes on to the server.
    Pass,
    /// It is answered with this, and the connection is closed.
    Answer(&'static str),
    /// It goes on to the server; of what comes back the first answer alone gets through.
    Mute,
    /// It goes on to the server; what comes back takes longer and longer, a second more in each second.
    Delay,
}

/// Asked for each request of a connection up to PLAY: its lines, and how many came before it.
type Rule = dyn Fn(&[String], usize) -> Fate + Send + Sync;

pub(crate) struct Gate {
    port: u16,
}

impl Gate {
    /// Stands before the server at `port` of this computer.
    pub(crate) fn start(
        server: u16,
        rule: impl Fn(&[String], usize) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let rule: Arc<Rule> = Arc::new(rule);
        thread::spawn(move || {
            for client in listener.incoming() {
                let rule = Arc::clone(&rule);
                thread::spawn(move || {
                    let client = client.unwrap();
                    // Either side may hang up at any time.
                    let _ = pass(&client, server, &*rule);
                    let _ = client.shutdown(Shutdown::Both);
                });
            }
        });
        Self { port }
    }

    /// Address of a stream.
    pub(crate) fn uri(&self, path: &str) -> String {
        format!("rtsp://127.0.0.1:{}{path}", self.port)
    }
}

fn pass(client: &TcpStream, server: u16, rule: &Rule) -> io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server))?;
    let mut questions = BufReader::new(client);
    for count in 0.. {
        let mut question = Vec::new();
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line: &String| !line.is_empty()) {
            let begun = question.len();
            if questions.read_until(b'\n', &mut question)? == 0 {
                return Ok(());
            }
            lines.push(String::from_utf8_lossy(&question[begun..]).trim_end().to_owned());
        }
        let fate = rule(&lines, count);
        if let Fate::Answer(answer) = fate {
            return (&mut &*client).write_all(answer.as_bytes());
        }
        (&mut &server).write_all(&question)?;
        if matches!(fate, Fate::Mute) {
            let answer = head(&server)?;
            (&mut &*client).write_all(&answer)?;
        }
        if let Fate::Delay = fate {
            let (from, to) = (server.try_clone()?, client.try_clone()?);
            thread::spawn(move || delay(from, to));
            io::copy(&mut questions, &mut &server)?;
            return server.shutdown(Shutdown::Both);
        }
        if lines[0].starts_with("PLAY") || lines[0].contains(" HTTP/") || matches!(fate, Fate::Mute) {
            let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
            let muted = matches!(fate, Fate::Mute);
            thread::spawn(move || {
                let _ =
                    if muted { io::copy(&mut from, &mut io::sink()) } else { io::copy(&mut from, &mut to) };
                let _ = to.shutdown(Shutdown::Both);
            });
            io::copy(&mut questions, &mut &server)?;
            return server.shutdown(Shutdown::Both);
        }
        let answer = head(&server)?;
        (&mut &*client).write_all(&answer)?;
        let length = String::from_utf8_lossy(&answer)
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: ")?.trim().parse().ok())
            .unwrap_or(0);
        io::copy(&mut (&server).take(length), &mut &*client)?;
    }
    Ok(())
}

/// Passes on what comes from `from`, each byte twice as long after the first one as it came.
fn delay(mut from: TcpStream, mut to: TcpStream) {
    let (pieces, delayed) = mpsc::channel::<(Duration, Vec<u8>)>();
    let start = Instant::now();
    thread::spawn(move || {
        for (came, piece) in delayed {
            thread::sleep((came * 2).saturating_sub(start.elapsed()));
            if to.write_all(&piece).is_err() {
                return;
            }
        }
    });
    let mut piece = vec![0; 65536];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        if pieces.send((start.elapsed(), piece[..count].to_vec())).is_err() {
            return;
        }
    }
}

/// The bytes of an answer up to its empty line.
fn head(mut server: &TcpStream) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        server.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    Ok(answer)
}
