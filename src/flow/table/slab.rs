//! Records in chunks that never move: a table that grows copies nothing, and touches no memory that it does not yet
//! need.

/// Records of a chunk.
const CHUNK: usize = 512;

/// A growing array of records that stay where they are.
#[derive(Debug)]
pub(in crate::flow) struct Slab<T> {
    chunks: Vec<Vec<T>>,
    len: usize,
}

impl<T> Slab<T> {
    pub(in crate::flow) const fn new() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }

    /// How many records there are.
    pub(in crate::flow) const fn len(&self) -> usize {
        self.len
    }

    /// Adds a record; its index is the length before.
    pub(in crate::flow) fn push(&mut self, record: T) {
        if self.len == self.chunks.len() * CHUNK {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(record);
            self.len += 1;
        }
    }

    #[inline]
    pub(in crate::flow) fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    #[inline]
    pub(in crate::flow) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.chunks.get_mut(index / CHUNK)?.get_mut(index % CHUNK)
    }

    pub(in crate::flow) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_keep_their_index_over_many_chunks() {
        let mut slab = Slab::new();
        for n in 0..3 * CHUNK + 7 {
            slab.push(n);
        }
        assert_eq!(slab.len(), 3 * CHUNK + 7);
        assert_eq!((slab.get(CHUNK), slab.get(3 * CHUNK + 6)), (Some(&CHUNK), Some(&(3 * CHUNK + 6))));
        assert_eq!(slab.get(slab.len()), None);
        if let Some(record) = slab.get_mut(5) {
            *record = 99;
        }
        assert_eq!(slab.iter().copied().filter(|n| *n == 99).count(), 2);
    }
}
