//! What leaves the computer: a way out of the test's own network that leads nowhere, and a list of all that took it.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::UdpSocket,
    process::{Child, ChildStdin, Command, Stdio},
};

use crate::network::{at_the_other_end, ip, is_own, lay};

/// Writes a line for each packet on the device: protocol, destination, port. It ends with its standard input.
const SCRIPT: &str = r#"
import select, socket, struct, sys
heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
heard.bind((sys.argv[1], 0))
print("ready", flush=True)
while True:
    ready, _, _ = select.select([heard, sys.stdin], [], [])
    if heard in ready:
        frame, address = heard.recvfrom(65535)
        if address[2] != socket.PACKET_OUTGOING:
            continue
        kind, rest = struct.unpack("!H", frame[12:14])[0], frame[14:]
        if kind == 0x0800:
            protocol, to, inner = rest[9], socket.inet_ntop(socket.AF_INET, rest[16:20]), rest[(rest[0] & 15) * 4:]
        elif kind == 0x86dd:
            protocol, to, inner = rest[6], socket.inet_ntop(socket.AF_INET6, rest[24:40]), rest[40:]
        else:
            print(f"frame {kind:#06x} -", flush=True)
            continue
        port = struct.unpack("!H", inner[2:4])[0] if protocol in (6, 17) else 0
        print(f"{protocol} {to} {port}", flush=True)
    elif sys.stdin.readline() == "":
        break
"#;

/// The only device that leads out.
const DEVICE: &str = "way-out";
/// Nobody has this address (RFC 5737).
const NOBODY: &str = "203.0.113.9:9";

/// Listens to what leaves.
#[derive(Debug)]
pub struct WayOut {
    child: Child,
    nobody: Child,
    stdin: Option<ChildStdin>,
    lines: BufReader<std::process::ChildStdout>,
}

impl WayOut {
    /// Opens a way out of the test's own network; whatever takes it arrives nowhere, and is listed. `None` where the test has no
    /// network of its own: that of the computer is not touched.
    ///
    /// # Panics
    /// `ip` or `python3` refuses.
    pub fn open() -> Option<Self> {
        if !is_own() {
            return None;
        }
        // At the other end is nobody who would answer.
        let nobody = at_the_other_end("sleep").arg("infinity").spawn().expect("sleep starts");
        lay(nobody.id(), DEVICE);
        ip(&["address", "add", "192.0.2.1/24", "dev", DEVICE]);
        ip(&["neighbour", "add", "192.0.2.254", "lladdr", "02:00:00:00:00:01", "dev", DEVICE]);
        ip(&["route", "add", "default", "via", "192.0.2.254", "dev", DEVICE]);
        let mut python = Command::new("/usr/bin/python3");
        python.args(["-c", SCRIPT, DEVICE]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.spawn().expect("python3 starts");
        let stdin = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut first = String::new();
        lines.read_line(&mut first).expect("it says that it listens");
        assert_eq!(first.trim(), "ready");
        Some(Self { child, nobody, stdin, lines })
    }

    /// Ends listening: where anything went, as protocol number, address and port. Looking for cameras (WS-Discovery's multicast) and
    /// what every network device says of itself are left out.
    ///
    /// # Panics
    /// What this sends itself was not heard, so that an empty list would prove nothing.
    pub fn close(mut self) -> BTreeSet<String> {
        let own = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        own.send_to(b"heard?", NOBODY).expect("there is a way out");
        let (address, port) = NOBODY.split_once(':').expect("an address and a port");
        let proof = format!("17 {address} {port}");
        let mut heard = BTreeSet::new();
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).expect("it goes on listening");
            assert!(read > 0, "nothing is listening: {heard:?}");
            if line.trim() == proof {
                break;
            }
            heard.insert(line.trim().to_owned());
        }
        if let Some(mut stdin) = self.stdin.take() {
            let _ = stdin.flush();
        }
        let _ = self.child.wait();
        let _ = self.nobody.kill();
        let _ = self.nobody.wait();
        heard.retain(|line| {
            let mut words = line.split(' ');
            let (protocol, to, port) = (words.next(), words.next().unwrap_or_default(), words.next());
            let discovery = protocol == Some("17")
                && port == Some("3702")
                && (to == "239.255.255.250" || to.eq_ignore_ascii_case("ff02::c"));
            // IGMP, and ICMPv6 to all nodes and routers of the link: the kernel's own.
            let own = protocol == Some("2") || (protocol == Some("58") && to.starts_with("ff02:"));
            // IPv6 multicast listeners are told with a hop-by-hop option before ICMPv6.
            let listeners = protocol == Some("0") && to.starts_with("ff02:");
            !discovery && !own && !listeners && !line.starts_with("frame 0x0806")
        });
        heard
    }
}
