//! IPv4 and IPv6, extension headers, fragments, tunnels.
