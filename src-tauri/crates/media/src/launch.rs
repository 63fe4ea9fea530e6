//! Starts worker processes. A worker inherits its control socket as standard input and nothing else; the two byte streams
//! follow with the first message.

use std::{
    io::{self, BufRead, BufReader},
    os::{fd::AsFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
};

use crate::{
    answer::AnswerWriter,
    bulk::BulkReader,
    control::{self, ControlError, Receiver, Sender},
    message::{Event, Order, PROTOCOL_VERSION},
};

/// Variables that a worker keeps: where GStreamer's plugins and their cache are, where the sound server listens (only a talk
/// may reach it), and how much it logs.
const KEPT_VARIABLES: [&str; 14] = [
    "HOME",
    "XDG_CACHE_HOME",
    "LD_LIBRARY_PATH",
    "GST_PLUGIN_PATH",
    "GST_PLUGIN_PATH_1_0",
    "GST_PLUGIN_SYSTEM_PATH",
    "GST_PLUGIN_SYSTEM_PATH_1_0",
    "GST_PLUGIN_SCANNER",
    "GST_REGISTRY",
    "GST_REGISTRY_1_0",
    "PULSE_SERVER",
    "XDG_RUNTIME_DIR",
    "GST_DEBUG",
    "HAUSRECHT_WORKER_LOG",
];

/// How a worker's memory is managed (mallopt(3)): a thumbnail is decoded once a minute, and what that took goes back. glibc would
/// otherwise keep it, in an arena for each of GStreamer's threads, for as long as the camera is recorded.
const MEMORY: [(&str, &str); 3] =
    [("MALLOC_ARENA_MAX", "2"), ("MALLOC_MMAP_THRESHOLD_", "262144"), ("MALLOC_TRIM_THRESHOLD_", "262144")];

/// The longest line of a worker's log that is passed on.
const MAX_LOG_LINE_BYTES: usize = 4096;

/// Why a worker could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// No socket could be made.
    #[error("no sockets for a worker: {0}")]
    Sockets(#[source] io::Error),
    /// The program could not be started.
    #[error("{}: {source}", program.display())]
    Spawn {
        /// The worker program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The worker ended before its first message.
    #[error("the worker ended at once: {0}")]
    Hello(#[from] ControlError),
    /// The launching thread is gone.
    #[error("the launching thread ended")]
    Launcher,
}

/// A running worker, in the parts that different threads use.
#[derive(Debug)]
pub struct Worker {
    /// Sends orders; clone it freely.
    pub orders: Sender<Order>,
    /// What the worker says; read it on a thread of its own.
    pub events: Receiver<Event>,
    /// Recorded fragments and thumbnails; read it on a thread of its own, promptly: a worker waits when it is full.
    pub bulk: BulkReader<UnixStream>,
    /// Bytes for a player.
    pub answers: AnswerWriter,
    /// The process.
    pub process: WorkerProcess,
}

/// A worker process; killed and reaped when dropped.
#[derive(Debug)]
pub struct WorkerProcess {
    child: Child,
}

impl WorkerProcess {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once.
    ///
    /// # Errors
    /// The system refuses; not if it has ended already.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()
    }

    /// Whether and how it ended, without waiting.
    ///
    /// # Errors
    /// The system refuses.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits until it ends.
    ///
    /// # Errors
    /// The system refuses.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Answer = Result<Worker, LaunchError>;

/// Starts workers from a thread of its own. The kernel ends a worker when the thread that started it ends
/// (`PR_SET_PDEATHSIG`), so that thread must live as long as the program: keep one `Launcher` for good.
#[derive(Debug)]
pub struct Launcher {
    requests: mpsc::Sender<(String, mpsc::Sender<Answer>)>,
}

impl Launcher {
    /// Prepares to start workers from `program`, the path of `hausrecht-worker`.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn new(program: &Path) -> io::Result<Self> {
        let program = std::path::absolute(program)?;
        let (requests, incoming) = mpsc::channel::<(String, mpsc::Sender<Answer>)>();
        thread::Builder::new().name("worker-launcher".into()).spawn(move || {
            for (label, reply) in incoming {
                // Whoever asked may have given up; dropping the worker then ends it.
                let _ = reply.send(start(&program, label));
            }
        })?;
        Ok(Self { requests })
    }

    /// Starts a worker; `label` names it in the log.
    ///
    /// # Errors
    /// See [`LaunchError`].
    pub fn launch(&self, label: &str) -> Result<Worker, LaunchError> {
        let (reply, answer) = mpsc::channel();
        self.requests.send((label.to_owned(), reply)).map_err(|_| LaunchError::Launcher)?;
        answer.recv().map_err(|_| LaunchError::Launcher)?
    }
}

fn start(program: &Path, label: String) -> Answer {
    let (ours, theirs) = control::pair().map_err(LaunchError::Sockets)?;
    let (bulk_ours, bulk_theirs) = UnixStream::pair().map_err(LaunchError::Sockets)?;
    let (answers_ours, answers_theirs) = UnixStream::pair().map_err(LaunchError::Sockets)?;
    let mut command = Command::new(program);
    command
        .env_clear()
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .current_dir("/");
    // Ctrl+C at a terminal goes to the whole group; a worker ends when it is told to, with its clip finished.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    // A camera is never behind a proxy, and asking the desktop for one needs files that the sandbox closes.
    command.env("GIO_USE_PROXY_RESOLVER", "dummy");
    for (name, value) in MEMORY {
        command.env(name, value);
    }
    for name in KEPT_VARIABLES {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let spawned = command.spawn();
    // The command still holds the worker's end of the control socket; without this no end of file would ever be seen.
    drop(command);
    let mut child = spawned.map_err(|source| LaunchError::Spawn { program: program.to_owned(), source })?;
    if let Some(errors) = child.stderr.take() {
        let pid = child.id();
        thread::Builder::new()
            .name("worker-log".into())
            .spawn(move || pass_on_log(errors, &label, pid))
            .map_err(LaunchError::Sockets)?;
    }
    let process = WorkerProcess { child };
    let (orders, events) = control::split(ours);
    orders.send_with(
        &Order::Hello { version: PROTOCOL_VERSION },
        &[bulk_theirs.as_fd(), answers_theirs.as_fd()],
    )?;
    Ok(Worker {
        orders,
        events,
        bulk: BulkReader::new(bulk_ours),
        answers: AnswerWriter::new(answers_ours),
        process,
    })
}

/// Passes a worker's standard error on, line by line, with everything but printable text replaced.
fn pass_on_log(source: impl io::Read, worker: &str, pid: u32) {
    let mut lines = BufReader::with_capacity(MAX_LOG_LINE_BYTES, source);
    loop {
        let chunk = match lines.fill_buf() {
            Ok([]) | Err(_) => return,
            Ok(chunk) => chunk,
        };
        let (line, used) = match chunk.iter().position(|byte| *byte == b'\n') {
            Some(end) => (&chunk[..end], end + 1),
            None => (chunk, chunk.len()),
        };
        let text: String =
            String::from_utf8_lossy(line).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if !text.trim().is_empty() {
            tracing::info!(worker, pid, "{text}");
        }
        lines.consume(used);
    }
}
