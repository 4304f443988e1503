//! The query a browser comes back with. Whoever wants can send one, so it is read by the letter: a name twice, a
//! broken escape or a control character is told, never guessed at.

use super::LETTERS;
use crate::fault::Fault;

/// Letters of a query: a state, a code and an error with its description need less.
const LONGEST: usize = 4_096;
/// Parameters that are looked at; ours are five.
const MOST: usize = 16;
/// Letters of a code: no source's is longer.
const LONGEST_CODE: usize = 191;
/// Letters of an error's word.
const LONGEST_ERROR: usize = 64;

/// What came for one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Came {
    Nothing,
    Once(String),
    /// Twice, or not as text.
    Broken(&'static str),
}

/// What a source sends along.
#[derive(Debug)]
pub(super) struct Query {
    state: Came,
    code: Came,
    error: Came,
    response_type: Came,
    /// What is wrong elsewhere in it.
    broken: Option<&'static str>,
}

/// What it says, once the state is known.
#[derive(Debug)]
pub(super) enum Said {
    /// Exchange this.
    Code(String),
    /// The person said no.
    Denied,
    /// The source said no: its word.
    Failed(String),
}

impl Query {
    /// Takes a query apart.
    ///
    /// # Errors
    /// `sign_in.too_long`.
    pub(super) fn parse(raw: &str) -> Result<Self, Fault> {
        if raw.len() > LONGEST || raw.split('&').count() > MOST {
            return Err(Fault::usage("sign_in.too_long", "more came back than a source sends"));
        }
        let mut query = Self {
            state: Came::Nothing,
            code: Came::Nothing,
            error: Came::Nothing,
            response_type: Came::Nothing,
            broken: None,
        };
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = decoded(name) else {
                query.broken = Some("a parameter's name cannot be read");
                continue;
            };
            let place = match name.as_str() {
                "state" => &mut query.state,
                "code" => &mut query.code,
                "error" => &mut query.error,
                "response_type" => &mut query.response_type,
                // What else a source sends, now or one day, is nothing to us (RFC 6749 section 4.1.2).
                _ => continue,
            };
            *place = match (&*place, decoded(value)) {
                (Came::Nothing, Some(value)) => Came::Once(value),
                (Came::Nothing, None) => Came::Broken("a value cannot be read"),
                _ => Came::Broken("a parameter came twice"),
            };
        }
        Ok(query)
    }

    /// The state, before anything else is looked at.
    ///
    /// # Errors
    /// `sign_in.state_missing`, `sign_in.malformed`, `sign_in.state_unknown` for what was never one.
    pub(super) fn state(&self) -> Result<&str, Fault> {
        match &self.state {
            Came::Once(state) if state.is_empty() => Err(no_state()),
            Came::Nothing => Err(no_state()),
            Came::Once(state) if state.len() == LETTERS => Ok(state),
            Came::Once(_) => Err(unknown()),
            Came::Broken(why) => Err(Fault::usage("sign_in.malformed", format!("state: {why}"))),
        }
    }

    /// What the source says.
    ///
    /// # Errors
    /// `sign_in.malformed`, `sign_in.contradiction`, `sign_in.code_missing`, `sign_in.code_invalid`.
    pub(super) fn said(self) -> Result<Said, Fault> {
        let malformed = |what: &str| Fault::usage("sign_in.malformed", what.to_owned());
        if let Some(why) = self.broken {
            return Err(malformed(why));
        }
        for (name, came) in
            [("code", &self.code), ("error", &self.error), ("response_type", &self.response_type)]
        {
            if let Came::Broken(why) = came {
                return Err(malformed(&format!("{name}: {why}")));
            }
        }
        match (self.error, self.code) {
            (Came::Once(_), Came::Once(_)) => {
                Err(Fault::usage("sign_in.contradiction", "a code and an error came back together"))
            }
            (Came::Once(error), _) if error == "access_denied" => Ok(Said::Denied),
            (Came::Once(error), _) => Ok(Said::Failed(word(&error))),
            (_, Came::Once(code)) => match self.response_type {
                Came::Nothing => proper(code),
                Came::Once(kind) if kind == "code" => proper(code),
                _ => Err(malformed("response_type: is not code")),
            },
            _ => Err(Fault::usage("sign_in.code_missing", "neither a code nor an error came back")),
        }
    }
}

fn no_state() -> Fault {
    Fault::usage("sign_in.state_missing", "no state came back")
}

/// A state that was never given out, or is forgotten.
pub(super) fn unknown() -> Fault {
    Fault::usage("sign_in.state_unknown", "no sign-in was begun here with this state")
}

fn proper(code: String) -> Result<Said, Fault> {
    if code.is_empty() {
        return Err(Fault::usage("sign_in.code_missing", "the code that came back is empty"));
    }
    if code.len() > LONGEST_CODE || !code.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::usage("sign_in.code_invalid", "the code that came back is none"));
    }
    Ok(Said::Code(code))
}

/// An error's word where it is one: only its letters are ever shown.
fn word(error: &str) -> String {
    let plain = !error.is_empty() && error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if plain && error.len() <= LONGEST_ERROR {
        error.to_owned()
    } else {
        "an error without a name".to_owned()
    }
}

/// The text behind the escapes of a query; none where one is broken, or nothing a person would type.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}
