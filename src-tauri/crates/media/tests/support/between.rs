//! Stands between a worker and a camera, and changes or cuts off what the camera sends.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// What becomes of what the camera sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes on, as it is now.
    Pass,
    /// The connection breaks here.
    Cut,
}

/// A message of the camera, or a packet from its `$` on.
pub(crate) type Piece = Vec<u8>;

pub(crate) struct Between {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Between {
    /// Lets `meddle` look at each piece, with the number of its connection and its own number there, both from zero.
    pub(crate) fn start(
        camera_port: u16,
        meddle: impl Fn(usize, usize, &mut Piece) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counting, meddle) = (Arc::clone(&connections), Arc::new(meddle));
        thread::spawn(move || {
            for worker in listener.incoming() {
                let worker = worker.unwrap();
                let camera = TcpStream::connect(("127.0.0.1", camera_port)).unwrap();
                let number = counting.fetch_add(1, Ordering::SeqCst);
                let (mut asking, mut asked) = (worker.try_clone().unwrap(), camera.try_clone().unwrap());
                thread::spawn(move || {
                    // Ends when either side hangs up.
                    let _ = io::copy(&mut asking, &mut asked);
                    let _ = asked.shutdown(Shutdown::Both);
                });
                let meddle = Arc::clone(&meddle);
                thread::spawn(move || {
                    let _ = answer(&camera, &worker, |count, piece| meddle(number, count, piece));
                    let _ = worker.shutdown(Shutdown::Both);
                    let _ = camera.shutdown(Shutdown::Both);
                });
            }
        });
        Self { port, connections }
    }

    pub(crate) fn uri(&self, path: &str) -> String {
        format!("rtsp://127.0.0.1:{}{path}", self.port)
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn answer(
    camera: &TcpStream,
    mut worker: &TcpStream,
    meddle: impl Fn(usize, &mut Piece) -> Fate,
) -> io::Result<()> {
    let mut camera = BufReader::new(camera);
    for count in 0.. {
        let mut piece = vec![0];
        camera.read_exact(&mut piece)?;
        if piece == b"$" {
            piece.resize(4, 0);
            camera.read_exact(&mut piece[1..])?;
            let length = usize::from(u16::from_be_bytes([piece[2], piece[3]]));
            piece.resize(4 + length, 0);
            camera.read_exact(&mut piece[4..])?;
        } else {
            while !piece.ends_with(b"\r\n\r\n") {
                if camera.read_until(b'\n', &mut piece)? == 0 {
                    return Ok(());
                }
            }
            let head = String::from_utf8_lossy(&piece).to_ascii_lowercase();
            let length = head.split("content-length:").nth(1).and_then(|rest| rest.lines().next());
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            let head_bytes = piece.len();
            piece.resize(head_bytes + length, 0);
            camera.read_exact(&mut piece[head_bytes..])?;
        }
        match meddle(count, &mut piece) {
            Fate::Pass => worker.write_all(&piece)?,
            Fate::Cut => return Ok(()),
        }
    }
    Ok(())
}
