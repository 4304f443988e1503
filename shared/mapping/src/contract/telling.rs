//! What a platform tells by itself: believed where it is proved, of any form, and reduced to references.

use serde_json::{Value, json};

use super::parts::{changed, oddities, places};
use super::{Platform, Promise};
use crate::model::Secret;
use crate::source::{Notice, Received, Webhooks, What, is_reference};

pub(crate) const WEBHOOKS: &[Promise] = &[
    ("whoever tells has samples of it, and events that are asked for once", sampled),
    ("what is signed is taken, and references come out", proved),
    ("a bit that differs anywhere is refused", flipped),
    ("no proof, two proofs, and a proof of nothing are none", unproved),
    ("what nobody asked for is nothing", unasked),
    ("messages of any form are read without harm", hostile),
];

/// How a platform signs, and samples of what it tells.
pub(crate) trait Telling {
    /// The headers a message comes with: the proof, last.
    fn signed(&self, key: &Secret, url: &str, raw: &[u8]) -> Vec<(&'static str, Vec<u8>)>;

    /// Whether the address is part of what is signed.
    fn signs_address(&self) -> bool {
        true
    }

    /// Messages of every kind, with what each comes to.
    fn messages(&self) -> Vec<(Value, Notice)>;

    /// A message of a kind that nobody asked for.
    fn unasked(&self) -> Value;
}

const URL: &str = "https://till.example/webhooks/source/0123456789abcdef";
const KEY: &str = "canary-key-0001";

struct Told<'p> {
    telling: &'p dyn Telling,
    hooks: &'p dyn Webhooks,
}

impl<'p> Told<'p> {
    fn of(platform: &'p dyn Platform) -> Option<Self> {
        let (telling, hooks) = (platform.telling(), platform.source().webhooks());
        assert_eq!(telling.is_some(), hooks.is_some(), "it tells by itself: say how");
        Some(Self { telling: telling?, hooks: hooks? })
    }

    fn takes(&self, key: &str, url: &str, headers: &[(&str, Vec<u8>)], raw: &[u8]) -> bool {
        let headers: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (*name, value.as_slice())).collect();
        self.hooks.verify(&Secret::new(key), &Received { url, headers: &headers, raw }).is_ok()
    }

    /// What a signed message comes to.
    fn read(&self, raw: &[u8]) -> Option<Notice> {
        let headers = self.telling.signed(&Secret::new(KEY), URL, raw);
        let headers: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (*name, value.as_slice())).collect();
        let received = Received { url: URL, headers: &headers, raw };
        self.hooks.read(&self.hooks.verify(&Secret::new(KEY), &received).expect("it is signed"))
    }
}

fn sampled(platform: &dyn Platform) {
    let Some(told) = Told::of(platform) else { return };
    let events = told.hooks.events();
    assert!(
        !events.is_empty() && events.windows(2).all(|two| two[0] < two[1]),
        "sorted, each once: {events:?}"
    );
    let kinds = told.telling.messages();
    let any = |is: fn(&What) -> bool| kinds.iter().any(|(_, notice)| is(&notice.what));
    assert!(any(|what| matches!(what, What::Orders(_))) && any(|what| matches!(what, What::People(_))));
}

fn proved(platform: &dyn Platform) {
    let Some(told) = Told::of(platform) else { return };
    for (message, expected) in told.telling.messages() {
        for raw in [message.to_string(), format!("{message:#}\n")] {
            let notice = told.read(raw.as_bytes());
            assert_eq!(notice.as_ref(), Some(&expected), "{raw}");
            holds(&expected, &raw);
        }
    }
}

/// References and nothing else.
fn holds(notice: &Notice, what: &str) {
    let mut ids: Vec<&String> = notice.location.iter().collect();
    match &notice.what {
        What::Orders(some) | What::Returns(some) | What::People(some) => ids.extend(some),
        What::Merged { old, new } => ids.extend(old.iter().chain([new])),
        What::Revoked | What::Nothing => {}
    }
    if notice.what != What::Nothing {
        ids.extend([&notice.store, &notice.event]);
    }
    assert!(ids.iter().all(|id| is_reference(id)), "{what}: {ids:?}");
    assert!(ids.len() < 250, "{what}: {} references", ids.len());
}

fn flipped(platform: &dyn Platform) {
    let Some(told) = Told::of(platform) else { return };
    let (message, _) = told.telling.messages().remove(0);
    let raw = message.to_string().into_bytes();
    let headers = told.telling.signed(&Secret::new(KEY), URL, &raw);
    assert!(told.takes(KEY, URL, &headers, &raw));
    for bit in 0..raw.len() * 8 {
        let mut other = raw.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(!told.takes(KEY, URL, &headers, &other), "bit {bit} of the body");
    }
    let (last, proof) = headers.last().cloned().unwrap();
    for bit in 0..proof.len() * 8 {
        let mut other = headers.clone();
        other.last_mut().unwrap().1[bit / 8] ^= 1 << (bit % 8);
        assert!(!told.takes(KEY, URL, &other, &raw), "bit {bit} of {last}");
    }
    // Text stays text: the highest bit of a letter is left alone.
    let flip = |text: &str, bit: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[bit / 7] ^= 1 << (bit % 7);
        String::from_utf8(bytes).unwrap()
    };
    for bit in 0..KEY.len() * 7 {
        assert!(!told.takes(&flip(KEY, bit), URL, &headers, &raw), "bit {bit} of the key");
    }
    for bit in (0..URL.len() * 7).filter(|_| told.telling.signs_address()) {
        assert!(!told.takes(KEY, &flip(URL, bit), &headers, &raw), "bit {bit} of the address");
    }
}

fn unproved(platform: &dyn Platform) {
    let Some(told) = Told::of(platform) else { return };
    let (message, _) = told.telling.messages().remove(0);
    let raw = message.to_string().into_bytes();
    let headers = told.telling.signed(&Secret::new(KEY), URL, &raw);
    let (name, proof) = headers.last().cloned().unwrap();
    let with = |proof: Vec<u8>| {
        let mut all = headers.clone();
        all.last_mut().unwrap().1 = proof;
        all
    };
    let mut twice = headers.clone();
    twice.push((name, proof.clone()));
    let refused = [
        ("no header", Vec::new()),
        ("the same twice", twice),
        ("nothing", with(Vec::new())),
        ("blanks around it", with([b" ", proof.as_slice(), b" "].concat())),
        ("half of it", with(proof[..proof.len() / 2].to_vec())),
        ("twice in one", with([proof.clone(), proof.clone()].concat())),
        ("no text", with(vec![0xff; proof.len()])),
    ];
    for (what, headers) in refused {
        assert!(!told.takes(KEY, URL, &headers, &raw), "{what}");
    }
    for (key, url, raw) in [("", URL, raw.as_slice()), (KEY, "", &raw), (KEY, URL, b"")] {
        let signs = told.telling.signs_address() || !url.is_empty();
        let own = told.telling.signed(&Secret::new(key), url, raw);
        assert!(
            !signs || !told.takes(key, url, &own, raw),
            "signed by nothing, at nothing, or nothing is signed"
        );
    }
}

fn unasked(platform: &dyn Platform) {
    let Some(told) = Told::of(platform) else { return };
    let notice = told.read(told.telling.unasked().to_string().as_bytes());
    assert_eq!(notice.map(|notice| notice.what), Some(What::Nothing));
}

fn hostile(platform: &dyn Platform) {
    let Some(told) = Told::of(platform) else { return };
    let look = |raw: &[u8], what: &str| {
        if let Some(notice) = told.read(raw) {
            holds(&notice, what);
        }
    };
    for (message, _) in told.telling.messages().into_iter().chain([(told.telling.unasked(), nobody())]) {
        for place in places(&message) {
            for odd in oddities() {
                let other = changed(&message, &place, odd.as_ref()).to_string();
                look(other.as_bytes(), &format!("{place:?} of {message}"));
            }
        }
        let raw = message.to_string().into_bytes();
        for end in 1..raw.len() {
            look(&raw[..end], "cut off");
            let mut broken = raw.clone();
            broken[end] = 0xff;
            look(&broken, "no text");
        }
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for raw in ["null", "7", "[]", "{}", "\"\"", "\u{feff}{}", &deep, &deep.replace('[', "{\"data\":")] {
        look(raw.as_bytes(), "no message");
    }
}

fn nobody() -> Notice {
    Notice {
        store: json!(null).to_string(),
        location: None,
        event: String::new(),
        at: None,
        what: What::Nothing,
    }
}
