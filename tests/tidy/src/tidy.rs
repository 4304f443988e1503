//! The rules of the tree, as tests: which way crates depend, who may name a source, what every file keeps to.
//!
//! Files are read as text; nothing of the product is compiled for it. A rule that has exceptions lists them as
//! data, each with its reason.

#[cfg(test)]
mod arrows;
#[cfg(test)]
mod code;
#[cfg(test)]
mod codes;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod manifest;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod rust;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod tree;
#[cfg(test)]
mod words;
