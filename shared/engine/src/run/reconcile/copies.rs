//! A sample of the older order store: it is what merchants see, and it follows by itself (rules.md section 4).

use std::collections::VecDeque;

use tillsync_mapping::activecampaign::{self, Account};
use tillsync_mapping::http::Http;
use tillsync_mapping::model::Money;

use crate::deliver::stopped;
use crate::fault::Fault;
use crate::paced::Paced;
use crate::state::Copies;

/// Orders looked for: a call each.
const SAMPLED: usize = 5;

/// The newest orders that both sides have just so, with their amounts.
#[derive(Default)]
pub(super) struct Sample(VecDeque<(String, Money)>);

impl Sample {
    pub(super) fn note(&mut self, id: &str, amount: Money) {
        if self.0.len() >= SAMPLED {
            self.0.pop_front();
        }
        self.0.push_back((id.to_owned(), amount));
    }

    /// Looks for them; none where there was nothing to look for.
    pub(super) async fn look(
        &self,
        (account, remote): (&Account, i64),
        http: &Paced<'_>,
    ) -> Result<Option<Copies>, Fault> {
        let mut copies = Copies::default();
        for (id, amount) in &self.0 {
            let response = http.send(activecampaign::v3_order(account, remote, id)).await?;
            let found = activecampaign::copies_found(&response, remote).map_err(stopped)?;
            copies.asked += 1;
            copies.shown += u64::from(found.iter().any(|copy| copy.id == *id && copy.shows(*amount)));
        }
        Ok((copies.asked > 0).then_some(copies))
    }
}
