//! The `synscope` program.

fn main() {}
