//! The comparison of the store with the destination.

use jiff::civil::Date;
use serde_json::json;
use tillsync_engine::run::{Progress, days, progress, start_reconcile};
use tillsync_engine::shapes::{self, Compared};
use tillsync_engine::state::{Comparison, Connection, Day, Difference, Sum};
use tillsync_engine::{connections, day_of};

use super::{describe, exit_of};
use crate::answer::{Answer, Exit, Trouble};
use crate::cli::Reconcile;
use crate::follow::{Followed, follow};
use crate::host::Host;

/// Days shown in words; `--json` has them all.
const SHOWN: usize = 40;
/// Orders named of a day.
const NAMED: usize = 5;

pub(super) async fn reconcile(mut host: Host, options: &Reconcile) -> Result<Answer, Trouble> {
    let connection = connections::find(&host.engine, &options.connection).await?;
    let date = |option: &str, text: &Option<String>| -> Result<Option<Date>, Trouble> {
        Ok(text.as_deref().map(|text| day_of(option, text)).transpose()?)
    };
    let asked = Comparison {
        first: date("--from", &options.from)?,
        last: date("--to", &options.to)?,
        repair: options.repair,
        ..Comparison::default()
    };
    let started = start_reconcile(&host.engine, &connection.id, asked).await?;
    if options.no_wait {
        let state = progress(&host.engine, &connection.id, &started.run.id).await?;
        let json = json!({"ok": true, "run": shapes::run(&state)});
        return Ok(Answer::complete(describe(&connection.name, &state), json));
    }
    let followed = [Followed { name: connection.name.clone(), run: started.run }];
    let states = follow(&mut host, true, &followed).await?;
    host.stop().await;
    let state = states.into_iter().next();
    let state = state.ok_or_else(|| Trouble::failed("run.unknown", "the run is gone"))?;
    let days = days(&host.engine, &state.run.id).await?;
    Ok(answer(&connection, &state, &days))
}

fn answer(connection: &Connection, state: &Progress, days: &[Day]) -> Answer {
    let exit = exit_of(std::slice::from_ref(state));
    let mut json = shapes::comparison(connection, state, days);
    json["ok"] = json!(exit == Exit::Complete);
    Answer { exit, text: words(connection, state, days), json }
}

fn words(connection: &Connection, state: &Progress, days: &[Day]) -> String {
    let found = Compared::of(days);
    let money = |sum: Sum| {
        let money = tillsync_mapping::model::Money::new(sum.minor, connection.location.currency);
        format!("{} orders, {} {}", sum.count, money.decimal(), connection.location.currency.code())
    };
    let mut text = describe(&connection.name, state);
    text.push_str(&format!("  at the store          {}\n", money(found.source)));
    text.push_str(&format!("  at ActiveCampaign     {}\n", money(found.destination)));
    if let Some(copies) = state.run.copies {
        text.push_str(&format!(
            "  of {} orders looked for, {} show in ActiveCampaign's older order store\n",
            copies.asked, copies.shown
        ));
    }
    let odd: Vec<&Day> = days.iter().filter(|day| day.differences().next().is_some()).collect();
    if odd.is_empty() {
        text.push_str("  no difference on any day\n");
    }
    for day in odd.iter().take(SHOWN) {
        text.push_str(&format!("  {}  {} | {}\n", day.date, money(day.source), money(day.destination)));
        for (word, list) in [("missing", &day.missing), ("different", &day.different), ("extra", &day.extra)]
        {
            named(&mut text, word, list);
        }
    }
    if odd.len() > SHOWN {
        text.push_str(&format!("  and {} more days; --json has them all\n", odd.len() - SHOWN));
    }
    for (reason, n) in &found.explained {
        text.push_str(&format!("  {n} because: {reason}\n"));
    }
    if found.unexplained > 0 {
        text.push_str(&format!("  {} without a reason\n", found.unexplained));
    }
    let erased = |one: &Difference| one.reason.as_deref() == Some("erased");
    if days.iter().any(|day| day.extra.iter().any(erased)) {
        text.push_str(
            "  erased: tillsync deletes nothing at ActiveCampaign. Delete the contact and its orders there by hand, and they \
             are no difference any more\n",
        );
    }
    text
}

fn named(text: &mut String, word: &str, list: &[Difference]) {
    for one in list.iter().take(NAMED) {
        let reason = one.reason.as_deref().unwrap_or("no reason known");
        text.push_str(&format!("      {word}: {} ({reason})\n", one.id));
    }
    if list.len() > NAMED {
        text.push_str(&format!("      {word}: and {} more\n", list.len() - NAMED));
    }
}
