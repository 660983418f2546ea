//! Addresses replaced by others, so that what is written can be given away (`--privacy`, `P` in the view).
//!
//! The mapping is ipcrypt-pfx, of the kind of Crypto-PAn: two addresses that share their first n bits, and no more, are
//! mapped to two that share their first n bits, and no more. So networks stay networks. Ports and times stay as they
//! are. The same seed gives the same mapping; without one it is another in every run.

use core::fmt;
use core::net::IpAddr;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::sync::{Mutex, PoisonError};

use ipcrypt_rs::IpcryptPfx;
use sha1_smol::Sha1;

use crate::detect::Anomaly;
use crate::detect::anomaly::Figure;
use crate::flow::Flow;
use crate::tcp::Endpoint;

/// Addresses remembered: mapping one takes dozens of blocks of AES.
const REMEMBERED: usize = 65_536;

/// A mapping of addresses.
pub struct Mask {
    cipher: IpcryptPfx,
    known: Mutex<HashMap<IpAddr, IpAddr>>,
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key is a secret.
        f.write_str("Mask")
    }
}

impl Mask {
    /// The mapping of this seed.
    pub fn of_seed(seed: &[u8]) -> Self {
        let mut key = [0; 32];
        for (n, half) in key.chunks_mut(16).enumerate() {
            let mut hash = Sha1::new();
            hash.update(&[b's', b'y', b'n', n as u8]);
            hash.update(seed);
            half.iter_mut().zip(hash.digest().bytes()).for_each(|(to, from)| *to = from);
        }
        Self { cipher: IpcryptPfx::new(key), known: Mutex::default() }
    }

    /// One that is another each time.
    ///
    /// # Errors
    ///
    /// The system gives no random numbers.
    pub fn random() -> io::Result<Self> {
        let mut seed = [0; 32];
        File::open("/dev/urandom")?.read_exact(&mut seed)?;
        Ok(Self::of_seed(&seed))
    }

    /// What stands for an address: one of the same family.
    pub fn ip(&self, ip: IpAddr) -> IpAddr {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mapped) = known.get(&ip) {
            return *mapped;
        }
        let mapped = match (ip, self.cipher.encrypt_ipaddr(ip)) {
            // To the cipher an IPv4-mapped address is one of IPv4.
            (IpAddr::V6(_), IpAddr::V4(mapped)) => IpAddr::V6(mapped.to_ipv6_mapped()),
            (_, mapped) => mapped,
        };
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(ip, mapped);
        mapped
    }

    /// The same for an address with its port.
    pub fn endpoint(&self, endpoint: Endpoint) -> Endpoint {
        Endpoint { ip: self.ip(endpoint.ip), ..endpoint }
    }

    /// A flow with other addresses.
    pub fn flow(&self, flow: &Flow) -> Flow {
        flow.with_addresses(|ip| self.ip(ip))
    }

    /// An anomaly with other addresses, also in its reason and figures.
    pub fn anomaly(&self, anomaly: &Anomaly) -> Anomaly {
        let end = |end: Option<(IpAddr, Option<u16>)>| end.map(|(ip, port)| (self.ip(ip), port));
        let figure = |figure: &Figure| match figure {
            Figure::Text(text) => Figure::Text(self.text(text)),
            Figure::Texts(texts) => Figure::Texts(texts.iter().map(|text| self.text(text)).collect()),
            other => other.clone(),
        };
        Anomaly {
            reason: self.text(&anomaly.reason),
            source: end(anomaly.source),
            destination: end(anomaly.destination),
            figures: anomaly.figures.iter().map(|(name, value)| (*name, figure(value))).collect(),
            ..anomaly.clone()
        }
    }

    /// `text` with every address in it replaced. The number of a section, `section 3.10.7.4`, is none.
    pub fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(is_of_address) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|c| !is_of_address(c)).unwrap_or(from.len());
            let (run, after) = from.split_at(end);
            out.push_str(before);
            let behind = text.get(..text.len() - from.len()).unwrap_or_default();
            if is_numbered(behind) {
                out.push_str(run);
            } else {
                self.run(run, &mut out);
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// A run of digits, letters to `f`, dots and colons.
    fn run(&self, run: &str, out: &mut String) {
        let core = run.trim_end_matches('.');
        let core = if core.ends_with("::") { core } else { core.trim_end_matches(':') };
        let (ip, rest) = match core.parse::<IpAddr>() {
            Ok(ip) => (Some(ip), run.get(core.len()..)),
            Err(_) => match core.rsplit_once(':') {
                Some((host, _)) => (host.parse::<IpAddr>().ok().filter(IpAddr::is_ipv4), run.get(host.len()..)),
                None => (None, None),
            },
        };
        if let (Some(ip), Some(rest)) = (ip, rest) {
            out.push_str(&self.ip(ip).to_string());
            out.push_str(rest);
            return;
        }
        // A word may stand right before or behind an address: `deb10.0.0.1`.
        for part in run.split_inclusive(|c: char| c.is_ascii_alphabetic() || c == ':') {
            let number = part.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ':');
            match number.trim_end_matches('.').parse::<IpAddr>() {
                Ok(ip) => {
                    out.push_str(&self.ip(ip).to_string());
                    out.push_str(part.get(number.trim_end_matches('.').len()..).unwrap_or_default());
                }
                Err(_) => out.push_str(part),
            }
        }
    }
}

/// Whether what stands before a number says that it is one of a section.
fn is_numbered(before: &str) -> bool {
    let before = before.trim_end();
    let word = |word: &str| {
        let at = before.len().checked_sub(word.len());
        at.and_then(|at| before.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    word("section") || word("sections") || before.ends_with('§')
}

/// Whether an address can hold this.
fn is_of_address(c: char) -> bool {
    c.is_ascii_hexdigit() || c == '.' || c == ':'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Leading bits that two addresses share.
    fn shared(a: IpAddr, b: IpAddr) -> u32 {
        match (a, b) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (u32::from(a) ^ u32::from(b)).leading_zeros(),
            (IpAddr::V6(a), IpAddr::V6(b)) => (u128::from(a) ^ u128::from(b)).leading_zeros(),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn prefixes_stay_prefixes_and_families_families(a: u32, b: u32, keep in 0..32u32, c: u128, d: u128) {
            let mask = Mask::of_seed(b"seed");
            let b = (a & !(u32::MAX >> keep)) | (b & (u32::MAX >> keep));
            let pairs = [(IpAddr::from(a.to_be_bytes()), IpAddr::from(b.to_be_bytes())),
                (IpAddr::from(c.to_be_bytes()), IpAddr::from(d.to_be_bytes()))];
            for (a, b) in pairs {
                prop_assert_eq!(shared(a, b), shared(mask.ip(a), mask.ip(b)));
                prop_assert_eq!(mask.ip(a).is_ipv4(), a.is_ipv4());
            }
        }

        #[test]
        fn no_address_is_left_in_a_text(a: [u8; 4], b: u128, port: u16, words in "[ -~]{0,20}") {
            let mask = Mask::of_seed(b"seed");
            let (v4, v6) = (IpAddr::from(a), IpAddr::from(b.to_be_bytes()));
            let text = format!("{words} {v4}:{port} → [{v6}]:{port}, {v4}. {v6}");
            let seen = mask.text(&text);
            let want = (mask.ip(v4), mask.ip(v6));
            let rest = format!(" {}:{port} → [{}]:{port}, {}. {}", want.0, want.1, want.0, want.1);
            prop_assert!(is_numbered(&words) || seen.ends_with(&rest), "{}", seen);
        }
    }

    #[test]
    fn the_seed_is_the_mapping() {
        let (a, b) = (Mask::of_seed(b"a"), Mask::of_seed(b"b"));
        assert_eq!(a.ip(ip("192.0.2.1")), Mask::of_seed(b"a").ip(ip("192.0.2.1")));
        assert_ne!(a.ip(ip("192.0.2.1")), b.ip(ip("192.0.2.1")));
        assert_ne!(Mask::random().unwrap().ip(ip("2001:db8::1")), Mask::random().unwrap().ip(ip("2001:db8::1")));
        assert!(a.ip(ip("::ffff:192.0.2.1")).is_ipv6());
    }

    #[test]
    fn what_is_no_address_stays() {
        let mask = Mask::of_seed(b"a");
        for text in
            ["", "RFC 9293 section 3.10.7.4", "12:34:56.789 ab cafe 1.2.3 300.1.2.3 02:00:00:00:00:01 0.1.0", "…°"]
        {
            assert_eq!(mask.text(text), text);
        }
        let networks = mask.text("192.0.2.0/24 deb192.0.2.1x");
        assert!(!networks.contains("192.0.2") && networks.contains("/24 deb") && networks.ends_with('x'), "{networks}");
    }
}
