//! Profiles that became one at the store. A poll learns it from the address: a profile that is new to an address,
//! while one that bought with it no longer resolves (rules.md section 1). The ids of the old ones are gone then, and
//! orders keep naming them.

use std::collections::{BTreeMap, BTreeSet};

use tillsync_mapping::model::{Customer, Observed, Reading as Mapped};
use tillsync_mapping::source::Access;

use super::Reading;
use crate::deliver::{address_key, write_rows};
use crate::fault::Fault;
use crate::paced::Paced;
use crate::ports::{Key, MAX_BATCH};
use crate::state::{Address, Merged, Row, update};

impl Reading<'_> {
    /// Looks for merges among changed people, and notes them.
    pub(super) async fn note_merges(
        &self,
        people: &BTreeMap<String, String>,
        (http, access): (&Paced<'_>, &Access),
    ) -> Result<(), Fault> {
        let partition = self.owner.people_partition();
        let suspects = self.suspects(people).await?;
        let asked: BTreeSet<String> = suspects
            .iter()
            .flat_map(|(profile, _, row)| row.value.profiles.iter().filter(move |old| *old != profile))
            .cloned()
            .collect();
        if asked.is_empty() {
            return Ok(());
        }
        let asked: Vec<String> = asked.into_iter().collect();
        let there = self.source.fetch_customers(http, access, &asked).await?;
        let there: BTreeSet<String> = there.into_iter().map(|record| record.id).collect();
        // The links first: whoever is stopped between the two asks once more, and nothing is lost.
        let mut links = BTreeMap::new();
        for (profile, _, row) in &suspects {
            for old in row.value.profiles.iter().filter(|old| *old != profile && !there.contains(*old)) {
                links.entry(old.clone()).or_insert_with(|| Merged { old: old.clone(), new: profile.clone() });
            }
        }
        let put = |(old, link): (String, Merged)| Row::new(Merged::key(&partition, &old), link).put();
        let writes = links.into_iter().map(put).collect::<Result<Vec<_>, _>>()?;
        // Noted already, where it is there.
        write_rows(&*self.engine.store, writes).await?;
        for (profile, key, _) in suspects {
            update(&*self.engine.store, &key, |address: &mut Address| {
                address.know(&profile);
                address.ask(&profile);
            })
            .await?;
        }
        Ok(())
    }

    /// Profiles that are new to an address with which others have bought.
    async fn suspects(
        &self,
        people: &BTreeMap<String, String>,
    ) -> Result<Vec<(String, Key, Row<Address>)>, Fault> {
        let partition = self.owner.people_partition();
        let mut suspects = Vec::new();
        let all: Vec<(&String, &String)> = people.iter().collect();
        for some in all.chunks(MAX_BATCH) {
            let keys: Vec<Key> = some.iter().map(|(_, mark)| Address::key(&partition, mark)).collect();
            let items = self.engine.store.get_many(&keys).await?;
            for (((profile, _), key), item) in some.iter().zip(keys).zip(items) {
                let row: Option<Row<Address>> = item.as_ref().map(Row::parse).transpose()?;
                // It may have bought already, before its change was read: that it is known says nothing.
                let unknown = row.filter(|row| {
                    row.value.profiles.iter().any(|other| other != *profile)
                        && !row.value.asked.contains(profile.as_str())
                });
                suspects.extend(unknown.map(|row| ((*profile).clone(), key, row)));
            }
        }
        Ok(suspects)
    }
}

/// People by profile, with the mark of their address.
pub(super) fn marks(people: &[Observed<Customer>]) -> BTreeMap<String, String> {
    let mark = |record: &Observed<Customer>| match &record.reading {
        Mapped::Ready(customer) => Some((record.id.clone(), address_key(&customer.email))),
        _ => None,
    };
    people.iter().filter_map(mark).collect()
}
