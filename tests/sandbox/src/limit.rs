//! Request limits, counted over a sliding window: the strictest reading of "n per second".

use std::collections::VecDeque;

#[derive(Debug, Default)]
pub(crate) struct Window {
    admitted: VecDeque<i64>,
    pub(crate) peak: usize,
}

impl Window {
    /// Takes a place, or says no. A refused request takes none.
    pub(crate) fn admit(&mut self, now: i64, length_ms: i64, limit: usize) -> bool {
        while self.admitted.front().is_some_and(|at| *at <= now - length_ms) {
            self.admitted.pop_front();
        }
        if self.admitted.len() >= limit {
            return false;
        }
        self.admitted.push_back(now);
        self.peak = self.peak.max(self.admitted.len());
        true
    }

    pub(crate) fn remaining(&self, limit: usize) -> usize {
        limit.saturating_sub(self.admitted.len())
    }
}
