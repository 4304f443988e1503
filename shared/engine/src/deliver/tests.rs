mod conflicts;
mod decisions;
mod orders;
mod people;
mod products;
mod refusals;
mod repeats;
mod unknown;
