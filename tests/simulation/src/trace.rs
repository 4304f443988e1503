//! The steps of a schedule as one number, and as text where somebody wants to read them.

use jiff::Timestamp;

/// FNV-1a over every step.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Default for Trace {
    fn default() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: None }
    }
}

impl Trace {
    /// Notes a step.
    pub fn note(&mut self, at: Timestamp, what: &str, about: &str) {
        self.add(&at.as_microsecond().to_le_bytes());
        self.add(what.as_bytes());
        self.add(about.as_bytes());
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{at} {what} {about}"));
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The number.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Keeps the text of steps from here on.
    pub fn keep(&mut self) {
        self.lines = Some(Vec::new());
    }

    /// The steps kept.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.clone().unwrap_or_default()
    }
}
