//! What opening TLS over a TCP connection costs, as far as any bystander can see it: the record headers, the headers of
//! handshake messages in the clear and a few extension numbers (RFC 8446, RFC 5246).
//!
//! Reads the first payload octets of each connection, from the moment they look like a ClientHello until the first
//! answer to a request, and keeps times, numbers and counts of them: no name, no key, no certificate and no octet of
//! payload. Knows nothing of frames, flows or output. Total: any octets are a legal input, and the state is bounded.

mod hello;
mod inspection;
mod inspector;
mod opening;
mod stream;

#[cfg(test)]
mod tests;

pub use inspector::Inspector;
pub use opening::{EarlyData, Failure, LastMessage, Moment, Resumption, TlsEnd, TlsOpening, TlsVersion};
