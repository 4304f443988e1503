//! A fuzz target for every parser of what comes from outside, with its corpus.
//!
//! A target is a plain function of bytes that fails by panicking: `targets::all()` lists them. The corpus of one is
//! the fixtures of the packages, by their path, and the files below `corpus/`: small ones of our own, and every
//! input that ever failed. [`mutate`] makes new inputs from them, the same ones for the same seed.
//!
//! ```text
//! cargo run --profile simulation -p tillsync-fuzz                       every target, as tests/run does
//! cargo run --profile simulation -p tillsync-fuzz -- --inputs 100000    half an hour, on all of them
//! cargo run --profile simulation -p tillsync-fuzz -- --seed 7 store     another seed, one target
//! ```
//!
//! What only hosts parse is in `tests/hosts.rs`: it runs with the tests, since those packages are slow to build
//! optimised. `FUZZ_INPUTS` says how many inputs each target is given there.
//!
//! The mutator is our own: what there is for stable Rust (bolero 0.13 was looked at) replays a corpus, but its new
//! inputs are bytes at random and not made from the corpus, so hardly one gets past the first brace. What finds more
//! is a compiler's coverage, which needs a nightly one; a target is what those tools take, so
//! `fuzz_target!(|data: &[u8]| (target.run)(data))` is all that is missing.

pub mod corpus;
pub mod mutate;
mod quiet;
pub mod random;
mod served;
pub mod targets;

/// A parser with what holds of it, whatever it is given.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder below `corpus/`.
    pub name: &'static str,
    /// Gives it one input. Panics where something does not hold.
    pub run: fn(&[u8]),
    /// Inputs that lie elsewhere in the tree.
    pub fixtures: fn() -> Vec<Vec<u8>>,
    /// How many inputs it is given for each one asked for: cheap parsers get more.
    pub weight: u64,
}
