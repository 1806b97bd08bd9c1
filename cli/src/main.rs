//! The `buildc` command.
fn main() {}
