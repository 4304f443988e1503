//! Prints how long the first random number took, in microseconds: without the flag of .cargo/config.toml the
//! library first gathers entropy for 44 to 204 ms.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::time::Instant;

fn main() {
    let start = Instant::now();
    let mut bytes = [0; 32];
    let filled = aws_lc_rs::rand::fill(&mut bytes).is_ok();
    let took = start.elapsed().as_micros();
    println!("{}", if filled { took } else { u128::MAX });
}
