//! The `mantlet` program.
fn main() {}
