//! How a sale is paid: when, with what, and in how many parts.

use super::kind::{Foreign, Kind};
use super::line::portion;
use super::sale::{OFFLINE, Outcome, Sale};
use crate::clock;
use crate::rng::Rng;

/// What a payment was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Means {
    Card,
    Cash,
    GiftCard,
    /// A word nobody knows.
    Unknown,
}

#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) id: String,
    pub(crate) at: i64,
    /// With its part of the tip.
    pub(crate) total: i64,
    pub(crate) tip: i64,
    pub(crate) means: Means,
    pub(crate) status: &'static str,
    /// When the buyer paid, if that was offline.
    pub(crate) offline: Option<i64>,
}

impl Sale {
    pub(super) fn pay(&mut self, rng: &mut Rng, not_after: i64) {
        let (at, offline) = self.moment(rng, not_after);
        let status = match self.outcome {
            Outcome::Paid | Outcome::PaidOpen => "COMPLETED",
            Outcome::FailedPayment => "FAILED",
            Outcome::CanceledPayment => "CANCELED",
            Outcome::Authorised => "APPROVED",
            _ => "",
        };
        self.updated = (at + rng.between(300, 30_000)).min(not_after);
        if status.is_empty() || self.goods() == 0 {
            return;
        }
        let means = match self.kind {
            Kind::Rounded => Means::Cash,
            Kind::GiftPaid => Means::GiftCard,
            Kind::Foreign(Foreign::Payment) => Means::Unknown,
            Kind::Offline | Kind::OfflineLate => Means::Card,
            _ if self.online || rng.per_mille(750) => Means::Card,
            _ => Means::Cash,
        };
        if self.kind == Kind::Rounded {
            self.rounding = (5 - self.goods() % 5) % 5;
        }
        let tips = self.kind == Kind::Shipped || rng.per_mille(150);
        if means == Means::Card && status == "COMPLETED" && tips {
            self.tip = portion(self.goods(), 10, 100);
        }
        let due = self.goods() + self.tip;
        let parts = self.divided(rng, due, means, status);
        let last = parts.len() - 1;
        for (index, (total, means)) in parts.into_iter().enumerate() {
            let tip = if index == last { self.tip } else { 0 };
            let at = (at + 800 * i64::try_from(index).unwrap_or(0)).min(not_after);
            let offline = offline.filter(|_| means == Means::Card);
            self.payments.push(Payment { id: rng.id("", 28), at, total, tip, means, status, offline });
        }
    }

    /// When the payment reaches Square, and when it was really made if that was offline.
    fn moment(&mut self, rng: &mut Rng, not_after: i64) -> (i64, Option<i64>) {
        let soon = self.created + rng.between(500, 90_000);
        match self.kind {
            // Payment follows the bill by days; a bill of yesterday is still open.
            Kind::Invoice => {
                let at = soon + rng.between(clock::DAY, 20 * clock::DAY);
                if at > not_after {
                    self.outcome = Outcome::Open;
                    return (soon.min(not_after), None);
                }
                (at, None)
            }
            Kind::Offline => {
                let at = soon.min(not_after);
                (at, Some(at - rng.between(clock::HOUR, OFFLINE)))
            }
            Kind::OfflineLate => {
                let late = soon + rng.between(2 * clock::HOUR, OFFLINE);
                (late.min(not_after), Some(self.created + 400))
            }
            _ => (soon.min(not_after), None),
        }
    }

    /// The sums, and what each was paid with. A tip goes with the last one.
    fn divided(&self, rng: &mut Rng, due: i64, means: Means, status: &str) -> Vec<(i64, Means)> {
        let splits = status == "COMPLETED" && due > self.tip + 5;
        let goods = due - self.tip;
        match self.kind {
            Kind::Three if splits => {
                let (cash, card) = (goods / 3, goods / 4);
                vec![(cash, Means::Cash), (card, Means::GiftCard), (due - cash - card, Means::Card)]
            }
            Kind::Split if splits => {
                let first = goods / 3;
                let with = if rng.per_mille(300) { Means::Card } else { Means::Cash };
                vec![(first, with), (due - first, Means::Card)]
            }
            _ => vec![(due, means)],
        }
    }
}
