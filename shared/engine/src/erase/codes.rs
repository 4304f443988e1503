//! Codes of erasing.

use tillsync_mapping::source::CodeText;

/// Every code of this module.
pub(crate) const CODES: &[CodeText] = &[
    CodeText {
        code: "erase.unfinished",
        meaning: "The person will not come back, but not everything that is known of them is emptied yet.",
        action: "Do the same again until it answers that it is done.",
    },
    CodeText {
        code: "erase.key_missing",
        meaning: "People were erased here, and the key that tells who they are is not in the vault any more.",
        action: "Restore the vault's secrets from the backup the data is of. Until then nothing of this store is sent, since an \
                 erased person might be.",
    },
    CodeText {
        code: "store.unknown",
        meaning: "No connection, ended ones included, is of a store with this id.",
        action: "Use the store's id as `tillsync connections --json` shows it, or name a connection.",
    },
];
