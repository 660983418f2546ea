//! Names of hosts, as this machine knows them without asking anybody.

use core::net::IpAddr;
use std::collections::HashMap;

/// Where they are written, by hosts(5).
const HOSTS: &str = "/etc/hosts";

/// The names in hosts(5); none where it cannot be read. Nobody is asked over the network: whoever watches should not
/// be seen.
pub(super) fn read() -> HashMap<IpAddr, String> {
    std::fs::read_to_string(HOSTS).map(|text| parse(&text)).unwrap_or_default()
}

/// The first name of each address.
fn parse(text: &str) -> HashMap<IpAddr, String> {
    let mut names = HashMap::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        if let (Some(Ok(ip)), Some(name)) = (words.next().map(str::parse), words.next()) {
            let name: String = name.chars().filter(|c| !c.is_control()).collect();
            names.entry(ip).or_insert(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_an_address_counts() {
        let names = parse("127.0.0.1 localhost me # 10.0.0.9 no\n\n10.0.0.1\tgate gw\n10.0.0.1 other\nx y\n::1 six\n");
        let name = |ip: &str| names.get(&ip.parse::<IpAddr>().unwrap()).map(String::as_str);
        assert_eq!((name("127.0.0.1"), name("10.0.0.1"), name("::1")), (Some("localhost"), Some("gate"), Some("six")));
        assert_eq!(names.len(), 3);
    }
}
