//! Answers HTTP requests for metrics: one at a time, each within a few seconds, whoever asks.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::exposition;
use super::shared::Shared;

/// The longest request that is read, octets.
const LONGEST: usize = 8192;
/// The most header fields of a request.
const FIELDS: usize = 64;
/// How long a request may take to arrive, and its answer to be taken.
const PATIENCE: Duration = Duration::from_secs(3);

/// Answers until the process ends.
pub(super) fn answer(listener: &TcpListener, shared: &Arc<Shared>) {
    loop {
        match listener.accept() {
            // Who hangs up early gets no answer.
            Ok((mut client, _)) => drop(serve(&mut client, shared)),
            // Too many open files, perhaps: not again at once.
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn serve(client: &mut TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    client.set_write_timeout(Some(PATIENCE))?;
    let request = request(client)?;
    let (status, kind, body) = match request {
        Request::Metrics => ("200 OK", exposition::OPEN_METRICS, exposition::open_metrics(shared)),
        Request::Root => ("200 OK", "text/plain; charset=utf-8", "synscope: see /metrics\n".to_owned()),
        Request::Health => ("200 OK", "text/plain; charset=utf-8", "ok\n".to_owned()),
        Request::Unknown => ("404 Not Found", "text/plain; charset=utf-8", "see /metrics\n".to_owned()),
        Request::Method => ("405 Method Not Allowed", "text/plain; charset=utf-8", "GET only\n".to_owned()),
        Request::Bad => ("400 Bad Request", "text/plain; charset=utf-8", "not an HTTP request\n".to_owned()),
    };
    let length = body.len();
    write!(
        client,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n"
    )?;
    client.write_all(body.as_bytes())?;
    client.shutdown(Shutdown::Write)
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Metrics,
    Root,
    Health,
    Unknown,
    Method,
    Bad,
}

/// Reads a request up to the end of its header.
fn request(client: &mut TcpStream) -> io::Result<Request> {
    let begun = Instant::now();
    let mut header = Vec::new();
    let mut piece = [0; 1024];
    loop {
        let left = PATIENCE.checked_sub(begun.elapsed()).filter(|left| !left.is_zero());
        client.set_read_timeout(Some(left.ok_or(io::ErrorKind::TimedOut)?))?;
        let n = client.read(&mut piece)?;
        header.extend_from_slice(piece.get(..n).unwrap_or_default());
        match parsed(&header) {
            Some(request) => return Ok(request),
            None if n == 0 || header.len() > LONGEST => return Ok(Request::Bad),
            None => {}
        }
    }
}

/// What a header asks for; nothing while it is not whole.
fn parsed(header: &[u8]) -> Option<Request> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(header) {
        Ok(httparse::Status::Partial) => None,
        Err(_) => Some(Request::Bad),
        Ok(httparse::Status::Complete(_)) => {
            let path = request.path.unwrap_or_default();
            Some(match (request.method, path.split('?').next()) {
                (Some("GET"), Some("/metrics")) => Request::Metrics,
                (Some("GET"), Some("/")) => Request::Root,
                (Some("GET"), Some("/-/healthy")) => Request::Health,
                (Some("GET"), _) => Request::Unknown,
                _ => Request::Method,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_at_every_length() {
        let whole = b"GET /metrics?x=1 HTTP/1.1\r\nHost: 127.0.0.1:9820\r\n\r\n";
        for cut in 0..whole.len() {
            assert_eq!(parsed(&whole[..cut]), None, "{cut}");
        }
        assert_eq!(parsed(whole), Some(Request::Metrics));
        assert_eq!(parsed(b"POST /metrics HTTP/1.1\r\n\r\n"), Some(Request::Method));
        assert_eq!(parsed(b"GET /../etc/passwd HTTP/1.1\r\n\r\n"), Some(Request::Unknown));
        assert_eq!(parsed(b"\x16\x03\x01\x02\x00\x01"), Some(Request::Bad));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(FIELDS + 1));
        assert_eq!(parsed(many.as_bytes()), Some(Request::Bad));
    }
}
