//! Secrets at rest: AES-256-GCM, bound to where they belong, so that a row put in another's place does not open.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use tillsync_mapping::model::Secret;

/// The fewest letters of a data key: 43 random letters and digits are more than 256 bits.
const MIN_LETTERS: usize = 43;
/// The form of what is sealed.
const VERSION: &str = "1";

/// The keys of an installation: the first seals, all of them open, so that a key can be replaced without a pause.
pub struct DataKey(Vec<Key>);

struct Key {
    /// Tells which key sealed; says nothing of it.
    name: String,
    cipher: LessSafeKey,
}

/// What is wrong with a data key. Never shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "give at least {MIN_LETTERS} random letters and digits; a second key, after a comma, still opens what is old"
)]
pub struct KeyError;

/// Something cannot be opened, or the machine has no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Sealed with a key that is not given any more.
    #[error("sealed with another data key")]
    OtherKey,
    /// Altered, cut, or put in the place of another.
    #[error("not what was sealed here")]
    Foreign,
    /// The machine gives no random numbers.
    #[error("no randomness")]
    NoRandomness,
}

impl DataKey {
    /// The keys of a text, newest first, with commas between. Any random text will do: the real keys are derived
    /// from it (HKDF with SHA-256), since stores of secrets generate letters and not bytes.
    ///
    /// # Errors
    /// [`KeyError`] where one is too short.
    pub fn parse(text: &Secret) -> Result<Self, KeyError> {
        let keys: Result<Vec<_>, _> = text.expose().split(',').map(|text| Key::derive(text.trim())).collect();
        keys.map(Self)
    }

    /// A new key, as text.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn generate() -> Result<Secret, SealError> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| SealError::NoRandomness)?;
        Ok(Secret::new(&BASE64.encode(bytes)))
    }

    /// Whether something was sealed with the newest key.
    #[must_use]
    pub fn is_newest(&self, sealed: &str) -> bool {
        self.0.first().is_some_and(|key| sealed.split('.').nth(1) == Some(&key.name))
    }

    /// How many keys there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Seals a secret for a place.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn seal(&self, place: &str, secret: &Secret) -> Result<String, SealError> {
        let key = self.0.first().ok_or(SealError::OtherKey)?;
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
        let mut text = secret.expose().as_bytes().to_vec();
        let sealing = Nonce::assume_unique_for_key(nonce);
        key.cipher
            .seal_in_place_append_tag(sealing, Aad::from(place.as_bytes()), &mut text)
            .map_err(|_| SealError::NoRandomness)?;
        let sealed = [&nonce[..], &text].concat();
        Ok(format!("{VERSION}.{}.{}", key.name, BASE64.encode(sealed)))
    }

    /// Opens what was sealed for a place.
    ///
    /// # Errors
    /// [`SealError::OtherKey`] where its key is not given, [`SealError::Foreign`] where it was altered or belongs
    /// elsewhere.
    pub fn open(&self, place: &str, sealed: &str) -> Result<Secret, SealError> {
        let mut parts = sealed.split('.');
        let (Some(VERSION), Some(name), Some(text), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SealError::Foreign);
        };
        let key = self.0.iter().find(|key| key.name == name).ok_or(SealError::OtherKey)?;
        let mut bytes = BASE64.decode(text).map_err(|_| SealError::Foreign)?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(SealError::Foreign)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Foreign)?;
        let opened = key
            .cipher
            .open_in_place(nonce, Aad::from(place.as_bytes()), text)
            .map_err(|_| SealError::Foreign)?;
        std::str::from_utf8(opened).map(Secret::new).map_err(|_| SealError::Foreign)
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataKey({} keys)", self.0.len())
    }
}

impl Key {
    fn derive(text: &str) -> Result<Self, KeyError> {
        if text.len() < MIN_LETTERS || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KeyError);
        }
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"tillsync").extract(text.as_bytes());
        let mut bytes = [0; 32];
        let mut name = [0; 4];
        expand(&root, b"data key", &mut bytes)?;
        expand(&root, b"name of the data key", &mut name)?;
        let cipher = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| KeyError)?;
        let name = name.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { name, cipher: LessSafeKey::new(cipher) })
    }
}

fn expand(root: &hkdf::Prk, info: &[u8], into: &mut [u8]) -> Result<(), KeyError> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    root.expand(&[info], Length(into.len())).and_then(|okm| okm.fill(into)).map_err(|_| KeyError)
}

#[cfg(test)]
mod tests {
    use super::{DataKey, SealError};
    use tillsync_mapping::model::Secret;

    fn key(letters: &str) -> DataKey {
        DataKey::parse(&Secret::new(letters)).expect("a key")
    }

    const ONE: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
    const TWO: &str = "GFEDCBAzyxwvutsrqponmlkjihgfedcba9876543210";

    #[test]
    fn opens_only_in_its_place() {
        let key = key(ONE);
        let sealed = key.seal("DEST#acme", &Secret::new("canary")).expect("seals");
        assert!(!sealed.contains("canary"));
        assert_eq!(key.open("DEST#acme", &sealed).expect("opens").expose(), "canary");
        assert_eq!(key.open("DEST#other", &sealed).err(), Some(SealError::Foreign));
        let again = key.seal("DEST#acme", &Secret::new("canary")).expect("seals");
        assert_ne!(sealed, again, "nothing tells that two secrets are the same");
    }

    #[test]
    fn no_altered_form_opens() {
        let key = key(ONE);
        let sealed = key.seal("p", &Secret::new("canary")).expect("seals");
        for place in 0..sealed.len() {
            let mut altered: Vec<char> = sealed.chars().collect();
            altered[place] = if altered[place] == 'A' { 'B' } else { 'A' };
            let altered: String = altered.into_iter().collect();
            key.open("p", &altered).expect_err("altered");
        }
        for cut in ["", "1", "1..", "1.00000000.", "2.00000000.AAAA", &sealed[..sealed.len() - 2]] {
            key.open("p", cut).expect_err("cut");
        }
    }

    #[test]
    fn a_new_key_still_opens_what_the_old_one_sealed() {
        let sealed = key(ONE).seal("p", &Secret::new("canary")).expect("seals");
        let both = key(&format!("{TWO}, {ONE}"));
        assert_eq!(both.open("p", &sealed).expect("opens").expose(), "canary");
        assert_eq!(key(TWO).open("p", &sealed).err(), Some(SealError::OtherKey));
        let renewed = both.seal("p", &Secret::new("canary")).expect("seals");
        assert_eq!(key(TWO).open("p", &renewed).expect("opens").expose(), "canary");
    }

    #[test]
    fn a_short_or_odd_key_is_none() {
        for text in ["", "short", &ONE[1..], &format!("{ONE},"), &format!("{ONE}\u{e9}"), &format!("a {ONE}")]
        {
            assert!(DataKey::parse(&Secret::new(text)).is_err(), "{text:?}");
        }
    }

    #[test]
    fn nothing_prints_a_key() {
        assert_eq!(format!("{:?}", key(ONE)), "DataKey(1 keys)");
    }
}
