//! ClientHello and ServerHello (RFC 8446 sections 4.1.2 and 4.1.3): versions and the numbers of some extensions.

use super::opening::TlsVersion;

/// Extension numbers (IANA, TLS ExtensionType Values).
const SESSION_TICKET: u16 = 35;
const PRE_SHARED_KEY: u16 = 41;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;
/// The random of a ServerHello that asks for another ClientHello (RFC 8446 section 4.1.3): SHA-256 of
/// "HelloRetryRequest".
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a ClientHello offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ClientHello {
    /// The highest version that is known.
    pub(super) version: Option<TlsVersion>,
    /// A pre-shared key, or a ticket that is not empty.
    pub(super) resumption: bool,
    pub(super) early_data: bool,
    /// Whether it ended, or went wrong, before its extensions did.
    pub(super) cut: bool,
}

/// What a ServerHello says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerHello {
    pub(super) version: Option<TlsVersion>,
    pub(super) retry: bool,
    /// It takes a pre-shared key.
    pub(super) psk: bool,
    pub(super) cut: bool,
}

/// Octets to be read from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(front)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk().map(|octets| u16::from_be_bytes(*octets))
    }

    /// Past a vector with a length of one octet.
    fn skip_short(&mut self) -> Option<()> {
        let len = self.u8()?;
        self.take(usize::from(len)).map(|_| ())
    }

    /// Past a vector with a length of two octets.
    fn skip_long(&mut self) -> Option<()> {
        let len = self.u16()?;
        self.take(usize::from(len)).map(|_| ())
    }

    /// Each extension: its number, and what is there of its octets. Whether they were whole.
    fn extensions(&mut self, mut each: impl FnMut(u16, &[u8])) -> bool {
        if self.0.is_empty() {
            // Versions before TLS 1.3 may leave them out.
            return true;
        }
        let Some(len) = self.u16() else { return false };
        let whole = self.0.len() >= usize::from(len);
        let mut list = Reader(self.0.get(..usize::from(len)).unwrap_or(self.0));
        while let Some(number) = list.u16() {
            let Some(len) = list.u16() else { return false };
            let Some(octets) = list.take(usize::from(len)) else {
                // Its number says something even if its octets are cut.
                each(number, list.0);
                return false;
            };
            each(number, octets);
        }
        whole && list.0.is_empty()
    }
}

impl ClientHello {
    /// Reads the body of the message, which is `whole` or only the front of it.
    pub(super) fn read(body: &[u8], whole: bool) -> Self {
        let mut hello = Self::default();
        hello.cut = hello.fill(&mut Reader(body), whole).is_none();
        hello
    }

    fn fill(&mut self, reader: &mut Reader<'_>, whole: bool) -> Option<()> {
        let legacy = TlsVersion::of(reader.u16()?);
        reader.take(RETRY.len())?;
        reader.skip_short()?;
        reader.skip_long()?;
        reader.skip_short()?;
        let mut highest = None;
        let whole = whole
            & reader.extensions(|number, octets| match number {
                SUPPORTED_VERSIONS => highest = highest_of(octets),
                PRE_SHARED_KEY => self.resumption = true,
                SESSION_TICKET => self.resumption |= !octets.is_empty(),
                EARLY_DATA => self.early_data = true,
                _ => {}
            });
        self.version = if highest.is_none() && whole { legacy } else { highest };
        whole.then_some(())
    }
}

impl ServerHello {
    /// Reads the body of the message, which is `whole` or only the front of it.
    pub(super) fn read(body: &[u8], whole: bool) -> Self {
        let mut hello = Self::default();
        hello.cut = hello.fill(&mut Reader(body), whole).is_none();
        hello
    }

    fn fill(&mut self, reader: &mut Reader<'_>, whole: bool) -> Option<()> {
        let legacy = TlsVersion::of(reader.u16()?);
        self.retry = reader.take(RETRY.len())? == RETRY;
        reader.skip_short()?;
        // Cipher suite and compression.
        reader.take(3)?;
        let mut chosen = None;
        let whole = whole
            & reader.extensions(|number, octets| match number {
                SUPPORTED_VERSIONS => chosen = Reader(octets).u16().and_then(TlsVersion::of),
                PRE_SHARED_KEY => self.psk = true,
                _ => {}
            });
        self.version = if chosen.is_none() && whole { legacy } else { chosen };
        whole.then_some(())
    }
}

/// The highest of the versions in the list of a ClientHello.
fn highest_of(octets: &[u8]) -> Option<TlsVersion> {
    let list = octets.get(1..)?;
    list.chunks_exact(2).filter_map(|pair| TlsVersion::of(u16::from_be_bytes([pair[0], pair[1]]))).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(number: u16, octets: &[u8]) -> Vec<u8> {
        [&number.to_be_bytes()[..], &(octets.len() as u16).to_be_bytes(), octets].concat()
    }

    fn client(extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 1, 1, 0]);
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        body
    }

    fn server(random: [u8; 32], extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend(random);
        body.extend([0, 0x13, 1, 0]);
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        body
    }

    #[test]
    fn greased_versions_and_offers_are_read() {
        let extensions =
            [extension(43, &[6, 0x1a, 0x1a, 3, 4, 3, 3]), extension(42, &[]), extension(41, &[0; 9])].concat();
        let hello = ClientHello::read(&client(&extensions), true);
        let expected = ClientHello { version: Some(TlsVersion::Tls13), resumption: true, early_data: true, cut: false };
        assert_eq!(hello, expected);
    }

    #[test]
    fn an_empty_ticket_offers_nothing_and_the_legacy_version_counts_without_a_list() {
        let hello = ClientHello::read(&client(&extension(35, &[])), true);
        assert_eq!(hello, ClientHello { version: Some(TlsVersion::Tls12), ..ClientHello::default() });
        assert!(ClientHello::read(&client(&extension(35, &[1])), true).resumption);
    }

    #[test]
    fn a_retry_is_known_by_its_random() {
        let version = extension(43, &[3, 4]);
        let retry = ServerHello::read(&server(RETRY, &version), true);
        assert!(retry.retry && retry.version == Some(TlsVersion::Tls13));
        let hello = ServerHello::read(&server([1; 32], &[version, extension(41, &[0, 0])].concat()), true);
        assert!(!hello.retry && hello.psk);
        assert_eq!(ServerHello::read(&server([1; 32], &[]), true).version, Some(TlsVersion::Tls12));
    }

    #[test]
    fn what_is_cut_is_said_to_be_and_claims_no_version() {
        let whole = client(&[extension(35, &[]), extension(43, &[2, 3, 4])].concat());
        for len in 0..whole.len() {
            let hello = ClientHello::read(&whole[..len], false);
            assert!(hello.cut && hello.version.is_none(), "{len}");
        }
    }
}
