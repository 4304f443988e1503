//! What the history would send, before anything is sent.

use tillsync_engine::preview::{Preview, Sample, preview as look};
use tillsync_engine::run::BackfillRequest;
use tillsync_engine::{connections, shapes};
use tillsync_mapping::source::FieldLine;

use crate::answer::{Answer, Trouble};
use crate::host::Host;

pub(super) async fn preview(host: &Host, connection: &str, order: Option<&str>) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, connection).await?;
    of(host, &connection.id, &BackfillRequest::default(), (order, "")).await
}

/// The same for a time of the caller's.
pub(super) async fn of(
    host: &Host,
    id: &str,
    request: &BackfillRequest,
    (order, days): (Option<&str>, &str),
) -> Result<Answer, Trouble> {
    let (engine, _alone) = host.beside()?;
    let seen = look(&engine, id, request, order).await?;
    let text =
        format!("{}Nothing was sent. Send it: tillsync backfill start {id}{days} --wait", words(&seen));
    Ok(Answer::complete(text, shapes::preview(&seen)))
}

fn words(seen: &Preview) -> String {
    let (orders, calls) = (&seen.orders, &seen.calls);
    let more = if orders.exact { "" } else { "more than " };
    let about = if orders.eligible_exact { "" } else { "about " };
    let contacts = match seen.new_contacts_at_most {
        Some(most) => format!("at most {most} may be new contacts in ActiveCampaign"),
        None => "how many may be new contacts in ActiveCampaign cannot be told".into(),
    };
    let mut text = format!(
        "Orders     {more}{} in all, {about}{} of them by the rules; what is there already is not sent again\n\
         Customers  {} in the shop; {contacts}\n\
         Calls      about {} to the store, {} to the destination ({} writes, {} to read back, {} imports)\n\
         Time       about {} min: {}\n",
        orders.total,
        orders.eligible,
        seen.customers.total,
        calls.source,
        calls.destination,
        calls.writes,
        calls.read_back,
        calls.imports,
        seen.minutes,
        seen.because,
    );
    match &seen.sample {
        Some(sample) => {
            text.push_str(&one(sample));
            text.push_str(&fields(seen));
        }
        None => text.push_str("No order would be sent.\n"),
    }
    text
}

/// Where every field comes from.
fn fields(seen: &Preview) -> String {
    let line = |line: &FieldLine| {
        let after = match line.after {
            [] => String::new(),
            after => format!(", where there is no {}", after.join(", ")),
        };
        let what = line.matches.map_or(String::new(), |what| format!(", {what}"));
        format!("  {} -> {}{what}{after}\n", line.from, line.to)
    };
    format!("Fields\n{}", seen.mapping.iter().map(line).collect::<String>())
}

fn one(sample: &Sample) -> String {
    let id = &sample.source_id;
    let becomes = match (sample.decision, &sample.reason) {
        ("send", _) => "would be sent".to_owned(),
        ("unchanged", _) => "is there already, just so".to_owned(),
        ("wait", _) => "waits for an earlier write of it to land, then is sent".to_owned(),
        ("skip", Some(reason)) => format!("is left out ({reason})"),
        (_, reason) => format!("needs somebody ({})", reason.as_deref().unwrap_or("unknown")),
    };
    let because = sample.because.as_ref().map_or(String::new(), |because| format!(": {because}"));
    let live = match sample.live {
        Some(true) => "; it may start automations",
        Some(false) => "; it starts no automation",
        None => "",
    };
    let request = sample.request.as_ref().map_or(String::new(), |request| format!("  {request}\n"));
    format!("Order {id} {becomes}{because}{live}\n{request}")
}
