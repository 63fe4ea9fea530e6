//! Child processes that end with the test, and what the system says about processes.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// A child that is ended and reaped when dropped.
#[derive(Debug)]
pub struct Owned(pub Child);

impl Owned {
    /// Starts `command`.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start(command: &mut Command) -> Self {
        match command.spawn() {
            Ok(child) => Self(child),
            Err(error) => panic!("{:?}: {error}", command.get_program()),
        }
    }

    /// Asks it to end, as a desktop does at log-out, and waits until it has.
    ///
    /// # Panics
    /// It does not end within `patience`.
    pub fn end_politely(&mut self, patience: Duration) -> std::process::ExitStatus {
        signal(self.0.id(), Signal::TERM);
        crate::until::until_blocking("the program to end", patience, || match self.0.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("still running".to_owned()),
            Err(error) => Err(error.to_string()),
        })
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends `what` to one process.
///
/// # Panics
/// There is no such process.
pub fn signal(pid: u32, what: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).expect("a process id is not zero");
    kill_process(pid, what).expect("the process is there");
}

/// The first line that `child` prints; the rest of its output is read and dropped, so that it never blocks.
///
/// # Panics
/// It prints none within `patience`, or its output was not piped.
pub fn first_line(child: &mut Child, patience: Duration) -> String {
    first_lines(child, 1, patience).remove(0)
}

/// The first `count` lines, see [`first_line`].
///
/// # Panics
/// As there.
pub fn first_lines(child: &mut Child, count: usize, patience: Duration) -> Vec<String> {
    let out = child.stdout.take().expect("standard output is piped");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            // Only the first ones are waited for.
            let _ = sender.send(line);
        }
    });
    (0..count).map(|_| receiver.recv_timeout(patience).expect("the first lines in time")).collect()
}

/// Ids of the processes that `parent` started and that run `program`.
pub fn children_of(parent: u32, program: &str) -> Vec<u32> {
    let mut found: Vec<u32> = children()
        .into_iter()
        .filter(|(child, of)| {
            let path = fs::read_link(format!("/proc/{child}/exe")).unwrap_or_default();
            *of == parent && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(program))
        })
        .map(|(child, _)| child)
        .collect();
    found.sort_unstable();
    found
}

/// Whether nothing of the process is left: no thread, no open file, no lock.
///
/// A process that ends gives up its memory first, with which `/proc/PID/exe` goes, and its files and locks only afterwards; its
/// first thread may be over long before the others.
pub fn is_over(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return true };
    let ended = stat.rsplit(')').next().is_some_and(|fields| fields.trim_start().starts_with('Z'));
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    ended && threads <= 1
}

/// Ids of everything that `root` started, and what that started.
pub fn descendants(root: u32) -> Vec<u32> {
    let all = children();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        next += 1;
    }
    found.split_off(1)
}

/// Every living process with its parent.
fn children() -> Vec<(u32, u32)> {
    let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
    all.filter_map(|entry| {
        let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may hold anything; state and parent follow it.
        let mut fields = stat.rsplit(')').next()?.split_whitespace();
        let alive = fields.next()? != "Z";
        let parent = fields.next()?.parse().ok()?;
        alive.then_some((pid, parent))
    })
    .collect()
}

/// Processor time that `pid` itself has used. Kernel and user together.
pub fn cpu_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<u64> = after.split_whitespace().map(|text| text.parse().unwrap_or(0)).collect();
    // Fields 14 and 15 of proc_pid_stat(5), counted from the one after the name, which is the third.
    let ticks: u64 = fields.get(11..13).unwrap_or_default().iter().sum();
    let per_second = rustix::param::clock_ticks_per_second();
    Duration::from_micros(ticks * 1_000_000 / per_second)
}

/// A command that prints nothing of its own and reads nothing.
pub fn quiet(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}
