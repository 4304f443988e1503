//! What tillsync does, without knowing where it runs: connect, read windows, deliver, account for every record.

pub mod ports;
