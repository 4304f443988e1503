//! Whole flows through the product, over stand-ins that are as strict as the platforms.
//!
//! Each test starts a shop and an account of its own and works them as the embedded host does; only waiting
//! times are shorter, where time itself is not what is looked at. The flows by the binary lie beside it, in
//! `functions/tillsync/tests`.

#[cfg(test)]
mod adopting;
#[cfg(test)]
mod ahead;
#[cfg(test)]
mod awkward;
#[cfg(test)]
mod backfill;
#[cfg(test)]
mod by_hand;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod check;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod connecting;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod erasing;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod handing;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod host;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod landing;
#[cfg(test)]
mod late;
#[cfg(test)]
mod life;
#[cfg(test)]
mod looking;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod poison;
#[cfg(test)]
mod polls;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod reconcile;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod restored;
#[cfg(test)]
mod section4;
#[cfg(test)]
mod sending;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod throttling;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod unordered;
#[cfg(test)]
mod webhooks;
