//! Function.
fn main() {}
