//! Two network namespaces joined by a veth, made and removed by each test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The client's address (RFC 5737).
pub const CLIENT: &str = "192.0.2.1";
/// The server's.
pub const SERVER: &str = "192.0.2.2";
/// An address that a neighbour entry leads to and nobody has.
pub const NOBODY: &str = "192.0.2.9";

/// Says that it listens, takes one connection, reads to its end, closes.
const SERVE: &str = "
import socket
s = socket.create_server(('192.0.2.2', 8080))
print('ready', flush=True)
c, _ = s.accept()
while c.recv(4096): pass
c.close()
";

/// Two namespaces, `a` with the client's address and `b` with the server's. Dropping it removes them.
pub struct Lab {
    /// Name of the client's.
    pub a: String,
    /// Name of the server's.
    pub b: String,
}

impl Lab {
    /// A lab; `None`, and a word on why, where there can be none.
    pub fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if output("id", &["-u"]) != "0" {
            println!("skipped: needs root");
            return None;
        }
        let missing = ["ip", "python3"].iter().find(|tool| !there_is(tool));
        if let Some(tool) = missing {
            assert!(std::env::var_os("CI").is_none(), "{tool} is missing");
            println!("skipped: needs {tool}");
            return None;
        }
        let id = format!("syn{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let lab = Self { a: format!("{id}a"), b: format!("{id}b") };
        lab.build();
        Some(lab)
    }

    fn build(&self) {
        let Self { a, b } = self;
        for name in [a, b] {
            ip(&["netns", "add", name]);
            // No neighbour discovery of IPv6: the link is silent where nobody speaks.
            let quiet = ["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"];
            inside(name, &quiet).status().expect("sysctl runs");
        }
        ip(&["-n", a, "link", "add", "veth0", "type", "veth", "peer", "name", "veth0", "netns", b]);
        for (name, address) in [(a, CLIENT), (b, SERVER)] {
            ip(&["-n", name, "address", "add", &format!("{address}/24"), "dev", "veth0"]);
            ip(&["-n", name, "link", "set", "lo", "up"]);
            ip(&["-n", name, "link", "set", "veth0", "up"]);
        }
        let neighbour = ["-n", a, "neighbour", "add", NOBODY, "lladdr", "02:00:00:00:00:99", "dev", "veth0"];
        ip(&neighbour);
    }

    /// Puts the client's end of the veth into a bridge, which has the address from then on: what comes and goes is seen on `br0`
    /// and on `veth0`.
    pub fn bridge(&self) {
        let a = self.a.as_str();
        ip(&["-n", a, "link", "add", "br0", "type", "bridge", "forward_delay", "0", "stp_state", "0"]);
        ip(&["-n", a, "address", "delete", &format!("{CLIENT}/24"), "dev", "veth0"]);
        ip(&["-n", a, "link", "set", "veth0", "master", "br0"]);
        ip(&["-n", a, "address", "add", &format!("{CLIENT}/24"), "dev", "br0"]);
        ip(&["-n", a, "link", "set", "br0", "up"]);
    }

    /// python3 with this program, in one of them.
    pub fn python(&self, namespace: &str, program: &str) -> Command {
        inside(namespace, &["python3", "-c", program])
    }

    /// A server on port 8080 that is ready.
    pub fn serve(&self) -> Child {
        let mut server = self.python(&self.b, SERVE).stdout(Stdio::piped()).spawn().expect("python3 runs");
        let mut ready = String::new();
        BufReader::new(server.stdout.take().expect("piped")).read_line(&mut ready).expect("a line");
        assert_eq!(ready, "ready\n");
        server
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for name in [&self.a, &self.b] {
            let _ = Command::new("ip").args(["netns", "delete", name]).stderr(Stdio::null()).status();
        }
    }
}

/// A command in a namespace.
pub fn inside(namespace: &str, command: &[&str]) -> Command {
    let mut ip = Command::new("ip");
    ip.args(["netns", "exec", namespace]).args(command);
    ip
}

/// Runs `ip`, which must succeed.
pub fn ip(args: &[&str]) {
    let output = Command::new("ip").args(args).output().expect("ip runs");
    assert!(output.status.success(), "ip {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().expect("it runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Whether there is such a program.
pub fn there_is(tool: &str) -> bool {
    Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
        || Command::new(tool).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}
