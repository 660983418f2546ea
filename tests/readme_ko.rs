//! The Korean README says what the English one says: the same commands to the letter, the same sections, the same words of the
//! contract.

const ENGLISH: &str = include_str!("../README.md");
const KOREAN: &str = include_str!("../README.ko.md");

fn blocks(text: &str) -> Vec<&str> {
    text.split("```").skip(1).step_by(2).collect()
}

fn sections(text: &str) -> usize {
    text.lines().filter(|line| line.starts_with("## ")).count()
}

/// What stands between single backticks, outside of blocks.
fn names(text: &str) -> Vec<&str> {
    let mut names: Vec<&str> =
        text.split("```").step_by(2).flat_map(|part| part.split('`').skip(1).step_by(2)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn commands_and_their_output_are_the_same() {
    assert_eq!(blocks(ENGLISH), blocks(KOREAN), "copy the block from README.md");
}

#[test]
fn sections_and_names_are_the_same() {
    assert_eq!(sections(ENGLISH), sections(KOREAN));
    let known = names(KOREAN);
    let missing: Vec<&str> = names(ENGLISH).into_iter().filter(|name| !known.contains(name)).collect();
    assert!(missing.is_empty(), "README.ko.md lacks {missing:?}");
}
