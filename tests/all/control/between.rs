//! What stands between the program and a camera in a test: it counts, and lets one request go wrong.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

/// What happens to the request that changes the password, or switches a relay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It comes to the camera, and its answer back.
    PassedOn,
    /// It never comes to the camera.
    Lost,
    /// The camera obeys, and its answer is lost.
    Obeyed,
}

/// Stands between the program and the camera until the password is on its way.
pub(crate) struct Between {
    listener: TcpListener,
}

/// What was seen so far.
pub(crate) struct Seen {
    /// Gets something when the change of a password has met its fate.
    pub(crate) met: mpsc::Receiver<()>,
    /// How often the camera was asked to move.
    pub(crate) moves: Arc<AtomicUsize>,
}

impl Between {
    pub(crate) fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    pub(crate) fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    /// Passes everything on but the first change of a password; says when that has met its fate.
    pub(crate) fn stand(self, camera: String, fate: Fate) -> Seen {
        let (met, meeting) = mpsc::channel();
        let moves = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&moves);
        let is_met = Arc::new(AtomicBool::new(false));
        thread::spawn(move || {
            for client in self.listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&camera) else { continue };
                let (met, is_met, moves) = (met.clone(), Arc::clone(&is_met), Arc::clone(&counted));
                thread::spawn(move || pass_on(client, server, fate, &met, &is_met, &moves));
            }
        });
        Seen { met: meeting, moves }
    }
}

fn pass_on(
    client: TcpStream,
    server: TcpStream,
    fate: Fate,
    met: &mpsc::Sender<()>,
    is_met: &AtomicBool,
    moves: &AtomicUsize,
) {
    let is_changing = Arc::new(AtomicBool::new(false));
    let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let (answer_met, answering) = (met.clone(), Arc::clone(&is_changing));
    let answers = thread::spawn(move || {
        let mut buffer = [0; 1 << 16];
        while let Ok(count @ 1..) = from_server.read(&mut buffer) {
            let is_accepted = buffer[..count].starts_with(b"HTTP/1.1 200");
            if answering.load(Ordering::SeqCst) && is_accepted {
                // The camera has obeyed. Nobody hears of it.
                let _ = answer_met.send(());
                return;
            }
            if to_client.write_all(&buffer[..count]).is_err() {
                return;
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let (mut from_client, mut to_server) = (client, server);
    let (mut buffer, mut tail) = ([0; 1 << 16], Vec::new());
    while let Ok(count @ 1..) = from_client.read(&mut buffer) {
        tail.extend_from_slice(&buffer[..count]);
        if find(&tail, b"<ContinuousMove") {
            moves.fetch_add(1, Ordering::SeqCst);
            tail.clear();
        }
        let is_change = find(&tail, b"<SetUser") || find(&tail, b"<SetRelay");
        if is_change && fate != Fate::PassedOn && !is_met.load(Ordering::SeqCst) {
            if fate == Fate::Lost {
                is_met.store(true, Ordering::SeqCst);
                let _ = met.send(());
                break;
            }
            is_changing.store(true, Ordering::SeqCst);
        }
        // Enough for the beginning of a name that is cut by the end of a packet.
        let cut = tail.len().saturating_sub(14);
        tail.drain(..cut);
        if to_server.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = answers.join();
}

fn find(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
