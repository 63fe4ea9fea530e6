//! Closes the worker in before it touches anything from a camera: Landlock for files and TCP ports, seccomp for the rest.
//! GStreamer must have loaded its plugins by then, and no other thread may run yet, for Landlock binds only the calling
//! thread and those it starts later.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use hausrecht_media::Sandbox;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use crate::decode;

/// The newest Landlock that is used; older kernels give what they have.
const LANDLOCK_ABI: ABI = ABI::V6;

/// What name resolution reads.
const NAME_RESOLUTION: [&str; 6] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
];

/// What TLS reads: the system's certificates and GLib's TLS module.
const TLS: [&str; 4] = ["/etc/ssl", "/usr/share/ca-certificates", "/usr/lib", "/etc/gnutls"];

/// Where the kernel says what a decoder's device is; read only where there is one.
const HARDWARE: &str = "/sys/dev/char";

/// What writing text reads: fonts, and where they are.
const FONTS: [&str; 6] = [
    "/etc/fonts",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/usr/share/fontconfig",
    "/usr/share/xml/fontconfig",
    "/var/cache/fontconfig",
];

/// What a worker needs after it is closed in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs {
    /// TCP ports to connect to; none means no network at all.
    pub(crate) connect_ports: Vec<u16>,
    /// Whether host names are looked up.
    pub(crate) names: bool,
    /// Whether the camera is spoken to over TLS.
    pub(crate) tls: bool,
    /// Whether datagrams are used for video.
    pub(crate) udp: bool,
    /// Whether the sound server is spoken to, which listens on a Unix socket.
    pub(crate) unix_sockets: bool,
    /// Whether text is written on pictures, with this computer's fonts.
    pub(crate) fonts: bool,
}

/// Closes the worker in, as far as this kernel can.
pub(crate) fn restrict(needs: &Needs) -> Sandbox {
    let alone = thread_count() == Some(1);
    if !alone {
        tracing::warn!("other threads run already and stay outside of Landlock");
    }
    // A talk decodes nothing.
    let devices = if needs.unix_sockets { Vec::new() } else { decode::hardware_devices() };
    let landlock = restrict_files(needs, &devices).unwrap_or_else(|error| {
        tracing::warn!("Landlock: {error:#}");
        RulesetStatus::NotEnforced
    });
    // A decoder's device is opened for writing. Where Landlock does not say which file that may be, none is, and software decodes.
    let may_open_devices = !devices.is_empty() && landlock == RulesetStatus::FullyEnforced;
    if !may_open_devices {
        decode::use_software();
    }
    let seccomp = restrict_calls(needs, may_open_devices)
        .inspect_err(|error| tracing::warn!("seccomp: {error:#}"))
        .is_ok();
    match (landlock, seccomp) {
        (RulesetStatus::FullyEnforced, true) if alone => Sandbox::Full,
        (RulesetStatus::NotEnforced, false) => Sandbox::None,
        _ => Sandbox::Partial,
    }
}

fn thread_count() -> Option<usize> {
    Some(fs::read_dir("/proc/self/task").ok()?.count())
}

fn restrict_files(needs: &Needs, devices: &[PathBuf]) -> anyhow::Result<RulesetStatus> {
    let mut readable: Vec<&str> = Vec::new();
    if needs.names {
        readable.extend(NAME_RESOLUTION);
    }
    if needs.tls {
        readable.extend(TLS);
    }
    if !devices.is_empty() {
        readable.push(HARDWARE);
    }
    if needs.fonts {
        readable.extend(FONTS);
    }
    readable.retain(|path| Path::new(path).exists());
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK_ABI))?
        .handle_access(AccessNet::from_all(LANDLOCK_ABI))?
        .scope(Scope::from_all(LANDLOCK_ABI))?
        .create()?
        .add_rules(path_beneath_rules(readable, AccessFs::from_read(LANDLOCK_ABI)))?
        .add_rules(path_beneath_rules(devices, AccessFs::from_all(LANDLOCK_ABI)))?;
    for port in &needs.connect_ports {
        ruleset = ruleset.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    Ok(ruleset.restrict_self()?.ruleset)
}

fn restrict_calls(needs: &Needs, may_open_devices: bool) -> anyhow::Result<()> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for call in forbidden_calls() {
        rules.insert(call, vec![]);
    }
    let all_flags = [libc::O_CREAT, libc::O_TRUNC, libc::O_WRONLY, libc::O_RDWR];
    let write_flags = if may_open_devices { &all_flags[..3] } else { &all_flags[..] };
    rules.insert(libc::SYS_openat, any_flag(2, write_flags)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, any_flag(1, write_flags)?);
    if needs.connect_ports.is_empty() {
        for call in [libc::SYS_socket, libc::SYS_connect, libc::SYS_bind, libc::SYS_listen, libc::SYS_accept4]
        {
            rules.insert(call, vec![]);
        }
    } else {
        let mut refused = vec![rule(0, SeccompCmpOp::Eq, libc::AF_PACKET)?];
        if !needs.unix_sockets {
            refused.push(rule(0, SeccompCmpOp::Eq, libc::AF_UNIX)?);
        }
        if !needs.udp && !needs.names {
            refused.push(SeccompRule::new(vec![
                condition(0, SeccompCmpOp::Ne, libc::AF_NETLINK)?,
                // The low four bits are the type; above them are flags.
                condition(1, SeccompCmpOp::MaskedEq(0xf), libc::SOCK_DGRAM)?,
            ])?);
        }
        // Looking up addresses asks the kernel over a raw netlink socket; no other raw socket is needed.
        refused.push(SeccompRule::new(vec![
            condition(0, SeccompCmpOp::Ne, libc::AF_NETLINK)?,
            condition(1, SeccompCmpOp::MaskedEq(0xf), libc::SOCK_RAW)?,
        ])?);
        rules.insert(libc::SYS_socket, refused);
        rules.insert(libc::SYS_listen, vec![]);
    }
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, std::env::consts::ARCH.try_into()?)?;
    let program: BpfProgram = filter.try_into()?;
    rustix::thread::set_no_new_privs(true).context("no_new_privs")?;
    seccompiler::apply_filter_all_threads(&program)?;
    Ok(())
}

/// One rule for each flag that is refused in argument `index`.
fn any_flag(index: u8, flags: &[i32]) -> anyhow::Result<Vec<SeccompRule>> {
    flags
        .iter()
        .map(|flag| {
            let bit = u64::from(flag.cast_unsigned());
            let set =
                SeccompCondition::new(index, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(bit), bit)?;
            Ok(SeccompRule::new(vec![set])?)
        })
        .collect()
}

fn condition(index: u8, operator: SeccompCmpOp, value: i32) -> anyhow::Result<SeccompCondition> {
    Ok(SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, u64::from(value.cast_unsigned()))?)
}

fn rule(index: u8, operator: SeccompCmpOp, value: i32) -> anyhow::Result<SeccompRule> {
    Ok(SeccompRule::new(vec![condition(index, operator, value)?])?)
}

/// Calls that neither decoding nor RTSP ever makes.
fn forbidden_calls() -> Vec<i64> {
    let mut calls = vec![
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_openat2,
        libc::SYS_open_by_handle_at,
        libc::SYS_name_to_handle_at,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_kexec_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_truncate,
        libc::SYS_mkdirat,
        libc::SYS_mknodat,
        libc::SYS_unlinkat,
        libc::SYS_renameat,
        libc::SYS_renameat2,
        libc::SYS_linkat,
        libc::SYS_symlinkat,
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        libc::SYS_fchown,
        libc::SYS_fchownat,
        libc::SYS_setxattr,
        libc::SYS_swapon,
        libc::SYS_reboot,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
    ];
    #[cfg(target_arch = "x86_64")]
    calls.extend([
        libc::SYS_creat,
        libc::SYS_mkdir,
        libc::SYS_rmdir,
        libc::SYS_mknod,
        libc::SYS_unlink,
        libc::SYS_rename,
        libc::SYS_link,
        libc::SYS_symlink,
        libc::SYS_chmod,
        libc::SYS_chown,
        libc::SYS_lchown,
    ]);
    calls
}

/// Closes this process in as a player and tries what must not work. For tests and for the privacy check.
pub(crate) fn check() -> anyhow::Result<()> {
    gstreamer::init().context("starting GStreamer")?;
    crate::source::load_elements();
    let sandbox = restrict(&Needs::default());
    ensure!(sandbox == Sandbox::Full, "the sandbox is {sandbox:?}");
    for path in ["/etc/passwd", "/etc/hostname", "/proc/self/environ"] {
        if fs::read(path).is_ok() {
            bail!("{path} can be read");
        }
    }
    let elsewhere = std::thread::spawn(|| fs::read("/etc/passwd").is_ok());
    ensure!(!elsewhere.join().unwrap_or(true), "a thread started later can read /etc/passwd");
    for path in ["/tmp/hausrecht-check-sandbox", "/dev/shm/hausrecht-check-sandbox"] {
        if fs::write(path, b"x").is_ok() {
            bail!("{path} can be written");
        }
    }
    ensure!(TcpStream::connect(("127.0.0.1", 80)).is_err_and(denied), "the network can be reached");
    ensure!(std::net::UdpSocket::bind(("127.0.0.1", 0)).is_err_and(denied), "datagrams can be sent");
    let program = std::process::Command::new("/bin/true").status();
    ensure!(program.is_err(), "a program can be started");
    Ok(())
}

fn denied(error: std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::PermissionDenied
}
