//! Asking the processor for a cache line ahead of its use.
//!
//! The only `unsafe` of the flow module: a prefetch is a hint that reads nothing and cannot fault, whatever the
//! address.

/// Asks for the cache lines that hold `value`.
#[inline]
pub(crate) fn prefetch<T>(value: &T) {
    lines(value, size_of::<T>().div_ceil(LINE));
}

/// Asks for the first few cache lines of `value`.
#[inline]
pub(crate) fn prefetch_start<T>(value: &T) {
    lines(value, size_of::<T>().div_ceil(LINE).min(4));
}

/// Asks for the cache lines that hold `value`, which is about to be overwritten.
#[inline]
pub(crate) fn prefetch_write<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        let start = core::ptr::from_ref(value).cast::<i8>();
        for line in 0..size_of::<T>().div_ceil(LINE) {
            // SAFETY: as below; where the processor does not know this hint it does nothing.
            #[allow(unsafe_code)]
            unsafe {
                core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_ET0 }>(
                    start.wrapping_add(line * LINE),
                );
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

#[inline]
fn lines<T>(value: &T, count: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        let start = core::ptr::from_ref(value).cast::<i8>();
        for line in 0..count {
            // SAFETY: `_mm_prefetch` is available on every x86-64 (SSE), does not access memory architecturally, and
            // `wrapping_add` makes no claim about where the pointer leads.
            #[allow(unsafe_code)]
            unsafe {
                core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(
                    start.wrapping_add(line * LINE),
                );
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (value, count);
}

/// Octets in a cache line.
const LINE: usize = 64;

#[cfg(test)]
mod tests {
    #[test]
    fn takes_values_of_any_size() {
        super::prefetch(&());
        super::prefetch(&[0u8; 4096]);
        super::prefetch(&Some(String::new()));
        super::prefetch_start(&[0u8; 4096]);
        super::prefetch_write(&[0u8; 4096]);
        super::prefetch_write(&());
    }
}
