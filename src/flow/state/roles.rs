//! Who is client and who is server where no SYN tells.

use crate::tcp::Segment;

/// Ports below this are given to servers (IANA's system ports).
const SYSTEM_PORTS: u16 = 1024;
/// Where most stacks begin to take ephemeral ports from (Linux; IANA's range begins at 49152).
const EPHEMERAL_FROM: u16 = 32768;

/// Whether the sender of `segment`, the first of its flow and neither SYN nor SYN-ACK, is probably the client.
///
/// The end with the port a server would have is the server; where ports do not tell, the first sender is the client.
pub(in crate::flow) fn sender_is_client(segment: &Segment) -> bool {
    let (source, destination) = (rank(segment.source.port), rank(segment.destination.port));
    source >= destination
}

/// How much a port looks like a client's.
fn rank(port: u16) -> u8 {
    match port {
        0..SYSTEM_PORTS => 0,
        SYSTEM_PORTS..EPHEMERAL_FROM if is_registered_service(port) => 1,
        SYSTEM_PORTS..EPHEMERAL_FROM => 2,
        EPHEMERAL_FROM.. => 3,
    }
}

/// Services above the system ports that are seen everywhere.
fn is_registered_service(port: u16) -> bool {
    matches!(
        port,
        1080 | 1433 | 1434 | 1521 | 1723 | 1883 | 2049 | 2375..=2380 | 3128 | 3268 | 3306 | 3389 | 5000 | 5060 | 5061
            | 5201 | 5222 | 5269 | 5432 | 5672 | 5900..=5910 | 6000..=6010 | 6379 | 6443 | 6666..=6669 | 8000 | 8008
            | 8080 | 8081 | 8086 | 8088 | 8443 | 8883 | 8888 | 9000 | 9042 | 9090 | 9092 | 9200 | 9300 | 10250 | 11211
            | 20000 | 27017
    )
}
