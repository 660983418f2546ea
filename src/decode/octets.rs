//! A run of octets, possibly cut by the snapshot length.

/// What a header announces: the octets that were captured, and how many there are on the wire.
///
/// `data` never reaches beyond `len`, so that link-layer padding and trailers are gone as soon as a header has stated
/// a length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Octets<'a> {
    /// The captured front.
    pub(super) data: &'a [u8],
    /// Octets on the wire, captured or not.
    pub(super) len: usize,
}

impl<'a> Octets<'a> {
    /// `data` is what was captured of `len` octets; a `len` below the captured length is taken for a mistake.
    pub(super) fn new(data: &'a [u8], len: usize) -> Self {
        Self { data, len: len.max(data.len()) }
    }

    /// Without the first `n` octets; `None` where fewer were captured.
    #[inline]
    pub(super) fn skip(self, n: usize) -> Option<Self> {
        Some(Self { data: self.data.get(n..)?, len: self.len.saturating_sub(n) })
    }

    /// The same front, `len` octets long because a header says so, whether that is less or more.
    #[inline]
    #[must_use]
    pub(super) fn of_len(self, len: usize) -> Self {
        Self { data: self.data.get(..len).unwrap_or(self.data), len }
    }

    /// At most `len` octets.
    #[must_use]
    pub(super) fn at_most(self, len: usize) -> Self {
        self.of_len(len.min(self.len))
    }

    /// Whether octets are missing at the end.
    #[inline]
    pub(super) fn is_cut(self) -> bool {
        self.data.len() < self.len
    }

    /// The octet at `at`.
    #[inline]
    pub(super) fn u8(self, at: usize) -> Option<u8> {
        self.data.get(at).copied()
    }

    /// The big-endian 16 bits at `at`.
    #[inline]
    pub(super) fn be16(self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_be_bytes)
    }

    /// The big-endian 32 bits at `at`.
    #[inline]
    pub(super) fn be32(self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_be_bytes)
    }

    /// The little-endian 16 bits at `at`.
    pub(super) fn le16(self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    /// The little-endian 32 bits at `at`.
    pub(super) fn le32(self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    /// The `N` octets at `at`.
    #[inline]
    pub(super) fn array<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.data.get(at..)?.first_chunk().copied()
    }
}
