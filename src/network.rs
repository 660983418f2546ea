//! Networks, as addresses with a prefix length (CIDR, RFC 4632).

use core::net::IpAddr;

pub use ipnet::IpNet;

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// What stands before the slash is no address.
    #[error("expected an address, like 10.0.0.0/8 or fd00::/8")]
    Address,
    /// What stands behind it, at this octet, is no prefix length of this address.
    #[error("expected a prefix length from 0 to {longest}")]
    PrefixLength {
        /// Where it begins, in octets.
        place: usize,
        /// The longest prefix length: 32 for IPv4, 128 for IPv6.
        longest: u8,
    },
}

/// `address/length`, or an address alone: the network of that address only. Bits behind the prefix may be set.
///
/// # Errors
///
/// What is wrong with it.
pub fn parse(typed: &str) -> Result<IpNet, NetworkError> {
    let (address, length) = typed.split_once('/').map_or((typed, None), |(ip, length)| (ip, Some(length)));
    let ip: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
    let whole = IpNet::from(ip);
    let Some(length) = length else { return Ok(whole) };
    let wrong = NetworkError::PrefixLength { place: address.len() + 1, longest: whole.max_prefix_len() };
    length.parse().ok().and_then(|length| IpNet::new(ip, length).ok()).ok_or(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_the_addresses_of_its_prefix() {
        let contains = |net: &str, ip: &str| parse(net).unwrap().contains(&ip.parse::<IpAddr>().unwrap());
        assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("10.1.2.3/8", "10.255.0.1"), "bits behind the prefix may be set");
        assert!(contains("0.0.0.0/0", "255.255.255.255") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("192.0.2.7", "192.0.2.7") && !contains("192.0.2.7", "192.0.2.6"));
        assert!(contains("fd00::/8", "fdff::1") && contains("::/0", "ff::") && !contains("::1", "::2"));
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(parse("10.0.0"), Err(NetworkError::Address));
        assert_eq!(parse("10.0.0.0/33"), Err(NetworkError::PrefixLength { place: 9, longest: 32 }));
        assert_eq!(parse("::/x"), Err(NetworkError::PrefixLength { place: 3, longest: 128 }));
    }
}
