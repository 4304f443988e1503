//! Following a run: a progress bar on a terminal, plain lines elsewhere, always on standard error.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tillsync_engine::run::{Progress, progress};
use tillsync_engine::state::Run;

use crate::answer::Trouble;
use crate::host::Host;

/// Between two looks whether the runs have ended.
const LOOK: Duration = Duration::from_millis(250);
/// Between two looks at how far they are, at the least. Sums are added up from everything a run has under way, which
/// is much for a large one: so the pause is many times what a look took.
const SUMS: Duration = Duration::from_secs(1);
const SUMS_SHARE: u32 = 100;
/// Between two plain lines.
const LINE: Duration = Duration::from_secs(2);

/// A run to follow, with the name to show.
pub(crate) struct Followed {
    pub(crate) name: String,
    pub(crate) run: Run,
}

/// Follows runs until all have ended. Should the process that works on them end, this one takes over.
pub(crate) async fn follow(
    host: &mut Host,
    history: bool,
    runs: &[Followed],
) -> Result<Vec<Progress>, Trouble> {
    let mut screen = Screen::new(runs);
    let mut next = Instant::now();
    loop {
        host.work(history).await?;
        let mut ended = true;
        for followed in runs {
            ended &= host.engine.run(&followed.run.connection, &followed.run.id).await?.value.ended();
        }
        let began = Instant::now();
        if ended || began >= next {
            let mut states = Vec::with_capacity(runs.len());
            for followed in runs {
                states.push(progress(&host.engine, &followed.run.connection, &followed.run.id).await?);
            }
            screen.show(runs, &states, ended);
            if ended {
                return Ok(states);
            }
            next = Instant::now() + SUMS.max(began.elapsed() * SUMS_SHARE);
        }
        tokio::time::sleep(LOOK).await;
    }
}

enum Screen {
    Bars(Vec<ProgressBar>),
    Lines { last: Option<Instant>, said: Vec<String> },
}

impl Screen {
    fn new(runs: &[Followed]) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines { last: None, said: vec![String::new(); runs.len()] };
        }
        let all = MultiProgress::new();
        let width = runs.iter().map(|followed| followed.name.chars().count()).max().unwrap_or(0);
        let template = format!("{{prefix:{width}}} {{bar:28}} {{pos}}/{{len}} orders  {{msg}}");
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = |followed: &Followed| {
            let bar = all.add(ProgressBar::new(0).with_style(style.clone()));
            bar.set_prefix(followed.name.clone());
            bar
        };
        Self::Bars(runs.iter().map(bar).collect())
    }

    fn show(&mut self, runs: &[Followed], states: &[Progress], ended: bool) {
        match self {
            Self::Bars(bars) => {
                for (bar, state) in bars.iter().zip(states) {
                    let seen = state.streams.orders.observed;
                    bar.set_length(state.run.expected.map_or(seen, |(expected, _)| expected.max(seen)));
                    bar.set_position(seen);
                    bar.set_message(words(state));
                    if ended {
                        bar.finish();
                    }
                }
            }
            Self::Lines { last, said } => {
                if !ended && last.is_some_and(|last| last.elapsed() < LINE) {
                    return;
                }
                *last = Some(Instant::now());
                let mut out = std::io::stderr().lock();
                for ((followed, state), said) in runs.iter().zip(states).zip(said) {
                    let line = line(&followed.name, state);
                    if *said != line {
                        // A reader that went away is nothing to stop for.
                        let _ = writeln!(out, "{line}");
                        *said = line;
                    }
                }
            }
        }
    }
}

fn line(name: &str, state: &Progress) -> String {
    let seen = state.streams.orders.observed;
    let of = state.run.expected.map_or(String::new(), |(expected, exact)| {
        format!(" of {}{expected}", if exact { "" } else { "more than " })
    });
    format!("{name}: {seen}{of} orders, {}", words(state))
}

fn words(state: &Progress) -> String {
    if state.run.ended() {
        return state.run.state.word().to_owned();
    }
    let pending = state.streams.orders.pending + state.streams.customers.pending;
    let on_their_way = if pending > 0 { format!("{pending} on their way, ") } else { String::new() };
    match (state.eta_seconds, &state.eta_reason) {
        (Some(seconds), Some(reason)) => format!("{on_their_way}about {seconds} s left: {reason}"),
        (None, Some(reason)) => format!("{on_their_way}{reason}"),
        _ => on_their_way,
    }
}
