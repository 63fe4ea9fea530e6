//! A network of one's own: the test runs itself again in a fresh network namespace and plugs in a virtual cable, at
//! whose other end a camera sits in a namespace of its own. Nothing of the computer's real network is seen or touched.

use std::{
    ffi::OsString,
    net::Ipv6Addr,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    time::Duration,
};

use crate::until::until_blocking;

/// Set in the process that runs inside.
const INSIDE: &str = "HAUSRECHT_TEST_INSIDE_NAMESPACE";

/// The tests' end of the cable.
pub const OUR_END: &str = "to-camera";
/// Its address.
pub const OUR_ADDRESS: &str = "10.77.0.1";
/// Address of the camera's end.
pub const CAMERA_ADDRESS: &str = "10.77.0.2";

/// What a test is to do about its network.
#[derive(Debug)]
pub enum Place {
    /// It runs in a namespace: go on.
    Inside,
    /// It ran again inside; this is how that ended. Nothing is left to do.
    RanInside(std::process::ExitStatus),
    /// This system gives no namespace; the reason, in `unshare`'s words.
    Impossible(String),
}

/// Puts the test `name` (its full path in the binary) into a namespace of its own.
///
/// # Panics
/// The test cannot be run again although namespaces can be had.
pub fn own_namespace(name: &str) -> Place {
    run_inside(&["--exact".into(), name.into(), "--nocapture".into(), "--test-threads".into(), "1".into()])
}

/// Whether this runs in a namespace of its own, where the network may be changed.
pub fn is_own() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Puts a program that is not a test there, with the arguments it has.
///
/// # Panics
/// As [`own_namespace`].
pub fn own_namespace_for_program() -> Place {
    run_inside(&std::env::args_os().skip(1).collect::<Vec<_>>())
}

fn run_inside(args: &[OsString]) -> Place {
    if std::env::var_os(INSIDE).is_some() {
        plug_in_loopback();
        return Place::Inside;
    }
    match unshare().arg("true").output() {
        Ok(out) if out.status.success() => {}
        Ok(out) => return Place::Impossible(String::from_utf8_lossy(&out.stderr).trim().to_owned()),
        Err(error) => return Place::Impossible(error.to_string()),
    }
    let own = std::env::current_exe().expect("a running program has a path");
    let status = unshare().arg(own).args(args).env(INSIDE, "1").stdin(Stdio::null()).status();
    Place::RanInside(status.expect("unshare ran a moment ago"))
}

/// `unshare` into a new network, and into new process ids, so that nothing a test starts survives it; with a user
/// namespace unless this is root, who needs none.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    command
}

fn plug_in_loopback() {
    ip(&["link", "set", "lo", "up"]);
    ip(&["link", "set", "lo", "multicast", "on"]);
    ip(&["route", "add", "224.0.0.0/4", "dev", "lo"]);
}

/// A command that waits at the other end for a line on its standard input before it becomes `program` with the arguments that
/// are added: what it wants to know of the network is there when it begins.
pub fn at_the_other_end_once_told(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = at_the_other_end("sh");
    command.args(["-c", "read -r line && exec \"$0\" \"$@\""]).arg(program).stdin(Stdio::piped());
    command
}

/// A command that will run at the other end of the cable, in a namespace of its own below this one.
pub fn at_the_other_end(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--net", "--"]).arg(program);
    // Without a group of its own, an interrupt at the terminal would end the camera before the test says why.
    command.process_group(0);
    command
}

/// Lays the cable between this namespace and that of the process `pid`, and gives both ends their addresses.
///
/// # Panics
/// `ip` refuses.
pub fn plug_in(pid: u32) {
    lay_cable(pid);
    ip(&["address", "add", &format!("{OUR_ADDRESS}/24"), "dev", OUR_END]);
    ip_there(pid, &["address", "add", &format!("{CAMERA_ADDRESS}/24"), "dev", "eth0"]);
    ip_there(pid, &["route", "add", "224.0.0.0/4", "dev", "eth0"]);
}

/// The same without an IPv4 address, as where nobody gives out any: both ends have the link-local IPv6 address that they made
/// themselves. Returns that of the other end.
///
/// # Panics
/// `ip` refuses.
pub fn plug_in_without_addresses(pid: u32) -> Ipv6Addr {
    lay_cable(pid);
    // A new address is not used before it is known that nobody else has it.
    until_blocking("link-local addresses", Duration::from_secs(30), || {
        let ours = ready_address(tool("ip"), OUR_END)?;
        let theirs = ready_address(there(pid), "eth0")?;
        Ok::<_, String>(ours.and(theirs).ok_or("not yet")?)
    })
}

fn ready_address(mut command: Command, device: &str) -> Result<Option<Ipv6Addr>, String> {
    let out =
        command.args(["-6", "-oneline", "address", "show", "dev", device, "scope", "link", "-tentative"]);
    let out = out.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let address = text.split_whitespace().find_map(|word| word.strip_suffix("/64"));
    Ok(address.and_then(|address| address.parse().ok()))
}

fn lay_cable(pid: u32) {
    lay(pid, OUR_END);
}

/// A cable between this namespace, where its end is called `ours`, and that of the process `pid`.
pub(crate) fn lay(pid: u32, ours: &str) {
    // The process enters its namespace a moment after it was started.
    until_blocking("the camera's namespace", Duration::from_secs(10), || {
        let own = std::fs::read_link("/proc/self/ns/net").map_err(|error| error.to_string())?;
        let other = std::fs::read_link(format!("/proc/{pid}/ns/net")).map_err(|error| error.to_string())?;
        if own == other { Err("still the same".to_owned()) } else { Ok(()) }
    });
    ip(&["link", "add", ours, "type", "veth", "peer", "name", "eth0", "netns", &pid.to_string()]);
    ip(&["link", "set", ours, "up"]);
    ip_there(pid, &["link", "set", "lo", "up"]);
    ip_there(pid, &["link", "set", "eth0", "up"]);
}

fn ip_there(pid: u32, args: &[&str]) {
    run(there(pid).args(args));
}

/// `ip` at the other end.
fn there(pid: u32) -> Command {
    let mut command = tool("nsenter");
    command.args(["--net", "--target", &pid.to_string(), "--", "ip"]);
    command
}

pub(crate) fn ip(args: &[&str]) {
    run(tool("ip").args(args));
}

/// A program of the system's administrator, which is not always on a person's path.
fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

fn run(command: &mut Command) {
    let out = command.output().unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
}
