//! What a code means.

use serde_json::json;

use crate::answer::{Answer, Trouble};
use crate::codes;

pub(super) fn explain(code: Option<&str>) -> Result<Answer, Trouble> {
    let Some(code) = code else {
        let all = codes::all();
        let text: String = all.iter().map(|text| format!("{:34} {}\n", text.code, text.meaning)).collect();
        let list: Vec<_> = all.iter().map(|text| describe(text)).collect();
        return Ok(Answer::complete(text, json!({"ok": true, "codes": list})));
    };
    let text = codes::text(code)
        .ok_or_else(|| Trouble::usage("code.unknown", format!("no message carries the code {code:?}")))?;
    let mut json = describe(text);
    json["ok"] = json!(true);
    Ok(Answer::complete(format!("{}\n  {}\n  do: {}", text.code, text.meaning, text.action), json))
}

fn describe(text: &tillsync_mapping::source::CodeText) -> serde_json::Value {
    json!({"code": text.code, "meaning": text.meaning, "action": text.action})
}
