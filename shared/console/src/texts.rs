//! What the pages say, in one table by language: another language is another table. What a code means and what to do
//! about it comes from the list of codes.

/// The texts of the pages in one language. `{}` is filled in.
pub(crate) struct Texts {
    /// As an HTML page names it.
    pub(crate) language: &'static str,
    pub(crate) refused_title: &'static str,
    pub(crate) next: &'static str,
    pub(crate) code: &'static str,
    pub(crate) again: &'static str,
    pub(crate) signed_title: &'static str,
    pub(crate) signed_store: &'static str,
    pub(crate) signed_connection: &'static str,
    pub(crate) signed_draft: &'static str,
    pub(crate) signed_event: &'static str,
    pub(crate) close: &'static str,
    pub(crate) home_title: &'static str,
    pub(crate) home_lead: &'static str,
    pub(crate) home_none: &'static str,
    pub(crate) home_connect: &'static str,
}

/// English.
pub(crate) const EN: Texts = Texts {
    language: "en",
    refused_title: "This did not work",
    next: "What to do:",
    code: "Code:",
    again: "Begin again",
    signed_title: "You are signed in",
    signed_store: "tillsync may now read this store at {}:",
    signed_connection: "Its connection is authorised again, and goes on by itself.",
    signed_draft: "Go on where you began. If nothing waits for you there, run this command:",
    signed_event: "Go on by sending this event to the function backfill, with the members that infra/events/connect-oauth.json shows besides:",
    close: "You can close this page.",
    home_title: "tillsync",
    home_lead: "This browser is signed in for 12 hours. Connect a store:",
    home_none: "No application is set, so nobody can sign in at a source. Set these settings to those of your application and start again:",
    home_connect: "Sign in at {}",
};

/// A text with its gap filled.
pub(crate) fn filled(text: &str, with: &str) -> String {
    text.replacen("{}", with, 1)
}
