//! What is looked for, and whether a row answers to it.

use tillsync_mapping::activecampaign::buyer_of;

use crate::deliver::address_mark;
use crate::state::LedgerRow;

/// Letters of an address or a name that say enough.
const MIN_PART: usize = 3;

/// What is looked for.
pub(super) struct Wanted {
    /// In small letters.
    text: String,
    /// Whether a part of an address or a name is enough.
    part: bool,
    /// What stands for it in the ledger, should it be an address.
    mark: String,
}

impl Wanted {
    /// None for nothing.
    pub(super) fn new(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let part = text.chars().count() >= MIN_PART;
        let mark = address_mark(&text);
        (!text.is_empty()).then_some(Self { text, part, mark })
    }

    fn is(&self, text: &str) -> bool {
        text.to_lowercase() == self.text
    }

    fn is_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        text == self.text || (self.part && text.contains(&self.text))
    }

    /// What of an order answers; and its buyer's id, where it is the buyer that answers.
    pub(super) fn order(&self, id: &str, row: &LedgerRow) -> Option<(&'static str, Option<String>)> {
        if self.is(id) {
            return Some(("id", None));
        }
        if row.number.as_deref().is_some_and(|number| self.is(number)) {
            return Some(("number", None));
        }
        let buyer = buyer_of(row.request.as_deref()?.get())?;
        let names = [&buyer.first_name, &buyer.last_name];
        let name = names.into_iter().flatten().map(|name| name.expose()).collect::<Vec<_>>().join(" ");
        if self.is_in(buyer.email.expose()) {
            Some(("email", buyer.id))
        } else if self.is_in(&name) {
            Some(("name", buyer.id))
        } else {
            None
        }
    }

    /// What of a person answers: the ledger keeps no address of theirs, only what stands for it.
    pub(super) fn person(&self, id: &str, row: &LedgerRow) -> Option<&'static str> {
        if self.is(id) {
            Some("id")
        } else if row.check.as_deref() == Some(self.mark.as_str()) {
            Some("email")
        } else {
            None
        }
    }
}
