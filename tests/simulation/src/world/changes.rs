//! What changes at the store.

use jiff::Timestamp;

use crate::plan::Change;
use crate::shop::Sale;
use crate::state::State;

/// Carries a change out; the index shows it at `shown`.
pub(super) fn apply(state: &mut State, change: Change, (now, shown): (Timestamp, Timestamp)) {
    let edit = |state: &mut State, id: &str, edit: &dyn Fn(&mut Sale)| {
        if let Some(mut sale) = state.shop.sale(id).cloned() {
            edit(&mut sale);
            state.shop.sell(sale, shown);
        }
    };
    match change {
        Change::Sell(sold) => state.shop.sell(sold.at(now), shown),
        Change::Refund(id, back, both) => edit(state, &id, &|sale| {
            if sale.paid {
                sale.refunded = (sale.refunded + back).min(sale.total);
                sale.paid_updated = now;
                if both {
                    sale.updated = now;
                }
            }
        }),
        Change::Attach(id, person) => edit(state, &id, &|sale| {
            if sale.person.is_none() {
                (sale.person, sale.attached) = (Some(person.clone()), true);
                sale.updated = now;
            }
        }),
        Change::Pay(id) => edit(state, &id, &|sale| {
            if !sale.paid {
                (sale.paid, sale.updated, sale.paid_updated) = (true, now, now);
            }
        }),
        Change::Consent(id, out) => {
            if let Some(mut person) = state.shop.person(&id).cloned() {
                (person.out, person.updated) = (out, now);
                state.shop.meet(person, shown);
            }
        }
        Change::Revoke(revoked) => state.shop.revoked = revoked,
    }
}
