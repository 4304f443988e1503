//! Signing in as browsers do it, through the real routes of both hosts, over ports in memory and a source that answers
//! as told.

mod hostile;
mod pages;
mod world;
