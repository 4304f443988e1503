//! What may go wrong at an effect, and how often in one schedule.

use crate::rng::Rng;

/// Effects by what can go wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A durable item is read.
    Read,
    /// Durable items are written.
    Write,
    /// A message is sent.
    Send,
    /// A message is given back or done with.
    Settle,
    /// A platform is asked.
    Ask,
    /// A platform is told.
    Tell,
}

/// What becomes of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// As wanted.
    Fine,
    /// The process ends before it.
    FallBefore,
    /// The process ends after it.
    FallAfter,
    /// The process ends, and what it sent takes effect late.
    FallLate,
    /// It fails, and nothing was done.
    Refused,
    /// It was done, and the reply is lost.
    Lost,
    /// Nothing was done, and no reply comes.
    Dropped,
    /// The reply is lost, and it takes effect late.
    Late,
    /// The other side asks to slow down; nothing was done.
    Throttled,
    /// The other side answers 500; nothing was done.
    Broken,
    /// The other side answers 500, and it was done.
    BrokenDone,
    /// The reply cannot be understood, and it was done.
    Garbled,
    /// It happens twice.
    Twice,
    /// The process stands still for a while before it.
    Paused,
}

/// How many faults one schedule has left, and how likely each effect is to meet one.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Ends of processes.
    pub falls: u32,
    /// Replies lost, requests late.
    pub losses: u32,
    /// Refusals and errors.
    pub errors: u32,
    /// Messages twice.
    pub doubles: u32,
    /// Processes that stand still.
    pub pauses: u32,
    /// In ten thousand effects.
    pub rate: u64,
    /// Instead of all that: the numbers of the moments at which the process ends, from 0; an effect has one to three.
    pub exactly: Option<Vec<u64>>,
    /// Moments passed so far.
    pub passed: u64,
}

impl Faults {
    /// Nothing goes wrong any more.
    pub fn calm(&mut self) {
        self.rate = 0;
        self.exactly = None;
    }

    /// Decides about an effect.
    pub fn fate(&mut self, kind: Kind, rng: &mut Rng) -> Fate {
        if let Some(exactly) = &self.exactly {
            // After a reading nothing is different: the next effect's "before" is the same moment.
            let fates: &[Fate] = match kind {
                Kind::Read | Kind::Ask => &[Fate::FallBefore],
                Kind::Write | Kind::Send | Kind::Settle => &[Fate::FallBefore, Fate::FallAfter],
                Kind::Tell => &[Fate::FallBefore, Fate::FallAfter, Fate::FallLate],
            };
            let first = self.passed;
            self.passed += fates.len() as u64;
            let hit = (first..).zip(fates).find(|(n, _)| exactly.contains(n));
            return hit.map_or(Fate::Fine, |(_, fate)| *fate);
        }
        if self.rate == 0 || rng.below(10_000) >= self.rate {
            return Fate::Fine;
        }
        if self.pauses > 0 && rng.percent(20) {
            self.pauses -= 1;
            return Fate::Paused;
        }
        let fates: &[Fate] = match kind {
            Kind::Read => &[Fate::FallBefore, Fate::Refused],
            Kind::Write => &[Fate::FallBefore, Fate::FallAfter, Fate::Refused, Fate::Lost],
            Kind::Send => &[Fate::FallBefore, Fate::FallAfter, Fate::Refused, Fate::Lost, Fate::Twice],
            Kind::Settle => &[Fate::FallBefore, Fate::FallAfter, Fate::Refused],
            Kind::Ask => &[
                Fate::FallBefore,
                Fate::FallAfter,
                Fate::Refused,
                Fate::Dropped,
                Fate::Throttled,
                Fate::Broken,
                Fate::Garbled,
            ],
            // Late landings find what is wrong hundreds of times as often as anything else does.
            Kind::Tell => &[
                Fate::FallBefore,
                Fate::FallAfter,
                Fate::FallLate,
                Fate::FallLate,
                Fate::FallLate,
                Fate::Refused,
                Fate::Lost,
                Fate::Dropped,
                Fate::Late,
                Fate::Late,
                Fate::Late,
                Fate::Throttled,
                Fate::Broken,
                Fate::BrokenDone,
                Fate::Garbled,
            ],
        };
        let fate = rng.pick(fates).unwrap_or(Fate::Fine);
        let left = match fate {
            Fate::Fine | Fate::Paused => return fate,
            Fate::FallBefore | Fate::FallAfter | Fate::FallLate => &mut self.falls,
            Fate::Lost | Fate::Dropped | Fate::Late => &mut self.losses,
            Fate::Refused | Fate::Throttled | Fate::Broken | Fate::BrokenDone | Fate::Garbled => {
                &mut self.errors
            }
            Fate::Twice => &mut self.doubles,
        };
        if *left == 0 {
            return Fate::Fine;
        }
        *left -= 1;
        fate
    }
}
