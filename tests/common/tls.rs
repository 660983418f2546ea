//! Records of TLS by name, for scripts: `tls:ch+app`. The length of each is fixed, so that scripts can count.

/// ServerHello that asks for another ClientHello.
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The octets of these records, joined by `+`:
///
/// `ch` 200 octets, a ClientHello that offers TLS 1.3, `che` one with early data, `ch10` one of TLS 1.0; `sh` 100, a
/// ServerHello of TLS 1.3, `shp` one that takes a pre-shared key, `sh12` and `sh10` older ones, `hrr` a HelloRetryRequest;
/// `cert` 300, Certificate and ServerHelloDone; `cke` 100, ClientKeyExchange; `ccs` 6, ChangeCipherSpec; `sealed` 45, an
/// encrypted Finished of TLS 1.2; `fin` 58, one of TLS 1.3; `eoed` 26, EndOfEarlyData; `app` 105, application data; `alert40`
/// 7, a fatal alert; `warn112` 7, a warning.
pub fn records(names: &str) -> Vec<u8> {
    names.split('+').flat_map(one).collect()
}

fn one(name: &str) -> Vec<u8> {
    let alert = |level: u8, text: &str| record(21, &[level, text.parse().expect("description of the alert")]);
    match name {
        "ch" => client_hello(200, [3, 3], &extension(43, &[4, 3, 4, 3, 3])),
        "che" => {
            let more = [extension(43, &[2, 3, 4]), extension(42, &[]), extension(41, &[0; 40])].concat();
            client_hello(200, [3, 3], &more)
        }
        "ch10" => client_hello(200, [3, 1], &[]),
        "sh" => server_hello([1; 32], [3, 3], &extension(43, &[3, 4])),
        "shp" => server_hello([1; 32], [3, 3], &[extension(43, &[3, 4]), extension(41, &[0, 0])].concat()),
        "sh12" => server_hello([1; 32], [3, 3], &[]),
        "sh10" => server_hello([1; 32], [3, 1], &[]),
        "hrr" => server_hello(RETRY, [3, 3], &extension(43, &[3, 4])),
        "cert" => [message(11, &[7; 282]), message(14, &[])].concat(),
        "cke" => message(16, &[7; 91]),
        "ccs" => record(20, &[1]),
        "sealed" => record(22, &[0x99; 40]),
        "fin" => record(23, &[0x99; 53]),
        "eoed" => record(23, &[0x99; 21]),
        "app" => record(23, &[0x99; 100]),
        _ if name.starts_with("alert") => alert(2, &name[5..]),
        _ if name.starts_with("warn") => alert(1, &name[4..]),
        _ => panic!("no record is called {name}"),
    }
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &(body.len() as u16).to_be_bytes(), body].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    record(22, &[&[kind][..], &(body.len() as u32).to_be_bytes()[1..], body].concat())
}

fn extension(number: u16, body: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), body].concat()
}

/// Extensions that are filled up with padding (RFC 7685), so that the whole record has `len` octets.
fn padded(front: &[u8], extensions: &[u8], len: usize) -> Vec<u8> {
    let room = len - 9 - front.len() - 2 - extensions.len() - 4;
    let all = [extensions, &extension(21, &vec![0; room])].concat();
    [front, &(all.len() as u16).to_be_bytes(), &all].concat()
}

fn client_hello(len: usize, version: [u8; 2], extensions: &[u8]) -> Vec<u8> {
    let front = [&version[..], &[5; 32], &[0, 0, 2, 0x13, 1, 1, 0]].concat();
    message(1, &padded(&front, extensions, len))
}

fn server_hello(random: [u8; 32], version: [u8; 2], extensions: &[u8]) -> Vec<u8> {
    let front = [&version[..], &random, &[0, 0x13, 1, 0]].concat();
    message(2, &padded(&front, extensions, 100))
}
