//! What both hosts share and the engine must not know: settings from the environment, the machine's time and
//! randomness, and secrets kept as sealed rows.

mod seal;
mod settings;
mod system;
mod vault;

pub use seal::{DataKey, KeyError, SealError};
pub use settings::Settings;
pub use system::{SystemClock, SystemEntropy};
pub use vault::{SealedVault, unopened};
