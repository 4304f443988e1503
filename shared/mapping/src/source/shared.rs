//! What the runs of one store share while they are at work at the same time.

use std::any::Any;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

type Held = Option<Box<dyn Any + Send>>;

/// What several runs share, so as not to ask for the same people. One asks at a time: whoever waits finds what the
/// one before was told. Bounded by the source; forgotten with the last of the runs.
#[derive(Default)]
pub struct Shared {
    slot: Mutex<Slot>,
    asked: AtomicU64,
}

#[derive(Default)]
struct Slot {
    held: Held,
    taken: bool,
    waiting: Vec<Waker>,
}

/// A run's place among those that share.
#[derive(Clone)]
pub(crate) struct Beside {
    pub(crate) shared: Arc<Shared>,
    /// What was asked up to here may be older than the run.
    pub(crate) since: u64,
}

/// The turn of one run; it ends when this is dropped, however that comes.
pub(crate) struct Turn<'a> {
    shared: &'a Shared,
    pub(crate) held: Held,
}

impl Beside {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let since = shared.asked.load(Ordering::SeqCst);
        Self { shared, since }
    }
}

impl Shared {
    /// The number of a question that is about to be asked.
    pub(crate) fn ask(&self) -> u64 {
        self.asked.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Waits for its turn.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        let held = poll_fn(|context| self.poll(context)).await;
        Turn { shared: self, held }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Held> {
        let mut slot = self.slot();
        if slot.taken {
            if !slot.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                slot.waiting.push(context.waker().clone());
            }
            return Poll::Pending;
        }
        slot.taken = true;
        Poll::Ready(slot.held.take())
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut slot = self.shared.slot();
        slot.held = self.held.take();
        slot.taken = false;
        let waiting = std::mem::take(&mut slot.waiting);
        drop(slot);
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    use super::Shared;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn one_has_the_turn_and_whoever_waits_is_woken_when_it_ends() {
        let shared = Shared::default();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut first = pin!(shared.turn());
        let Poll::Ready(mut turn) = first.as_mut().poll(&mut context) else { panic!("nobody has it") };
        let mut second = pin!(shared.turn());
        for _ in 0..3 {
            assert!(second.as_mut().poll(&mut context).is_pending());
        }
        turn.held = Some(Box::new(7_u8));
        drop(turn);
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        let Poll::Ready(turn) = second.as_mut().poll(&mut context) else { panic!("it ended") };
        assert_eq!(turn.held.as_ref().and_then(|held| held.downcast_ref::<u8>()), Some(&7));
    }
}
