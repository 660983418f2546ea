//! Panics that tests ask for.

/// Whether a test asks for a panic in this part of the program.
pub(super) fn panics_in(part: &str) -> bool {
    std::env::var_os("SYNSCOPE_TEST_PANIC").is_some_and(|wanted| wanted == part)
}
