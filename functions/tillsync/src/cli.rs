//! The words of the command line (design.md section 8, rules.md section 6).

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use tillsync_mapping::sources;

use crate::answer::{self, Exit};

/// Sends what a shop sells into ActiveCampaign: complete, or loud about what is missing.
#[derive(Debug, Parser)]
#[command(name = "tillsync", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Where everything is kept [default: the platform's data directory]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print one JSON document on standard output, and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show it all on stand-in platforms: connect, import, poll, and check every sum
    #[cfg(feature = "demo")]
    Demo(Demo),
    /// Run: poll every 30 minutes and work off the queues
    Serve(Serve),
    /// Connect locations to an ActiveCampaign account, by token or, with --oauth, by signing in
    Connect(Connect),
    /// Sign in again at the source of a connection that needs it
    Reauthorise {
        /// Id or name
        connection: String,
    },
    /// List the locations a token shows
    Locations {
        #[arg(help = sources_help())]
        source: String,
    },
    /// Read what changed since the last poll, now
    Poll(Poll),
    /// Read what changed and look at the last days once more; try again what is parked
    Sync(Sync),
    /// Try again what is parked, or read one record anew and send what is new of it
    Retry(Retry),
    /// Send the history
    Backfill {
        #[command(subcommand)]
        action: Backfill,
    },
    /// Say what the history would send, and show one order as it would go out; sends nothing
    Preview {
        /// Id or name
        connection: String,
        /// The source's id of an order [default: the newest one to be sent]
        order: Option<String>,
    },
    /// Stop a connection: nothing is read or sent for it until `resume`
    Pause {
        /// Id or name
        connection: String,
    },
    /// Start a paused connection again
    Resume {
        /// Id or name
        connection: String,
    },
    /// Give a connection another name; in ActiveCampaign nothing is renamed
    Rename {
        /// Id or name
        connection: String,
        /// The new name
        name: String,
    },
    /// End a connection: nothing further is sent, what was sent stays; `reconnect` begins it again
    Disconnect {
        /// Id or name
        connection: String,
    },
    /// Begin an ended connection again where it stopped; nothing is sent twice
    Reconnect {
        /// Id or name
        connection: String,
    },
    /// End a connection and take it out of the lists; what was sent stays
    DeleteImport {
        /// Id or name
        connection: String,
    },
    /// Give the account a connection sends to another key, or another address
    SetDestination {
        /// Id or name
        connection: String,
        /// The account's address, as https://ACCOUNT.api-us1.com [default: as it is]
        #[arg(long, value_name = "URL")]
        destination_url: Option<String>,
    },
    /// Forget a person: empty what is held of them, and keep them from coming back. The address is read from
    /// TILLSYNC_ERASE_EMAIL or standard input
    Erase {
        /// Id or name; the person is erased from the whole store it is of
        #[arg(required_unless_present = "store", conflicts_with = "store")]
        connection: Option<String>,
        /// The store's id instead, as `connections --json` shows it
        #[arg(long, value_name = "ID")]
        store: Option<String>,
    },
    /// Set history, live_hours, customers, order_link, orders_without_customer or active_sync
    Set {
        /// Id or name
        connection: String,
        /// As `customers=with_orders`
        #[arg(value_name = "KEY=VALUE")]
        setting: String,
    },
    /// Find orders and people by id, number, address or name
    Find {
        /// Of an address or a name three letters are enough
        text: String,
    },
    /// Say what is well and what is not
    Doctor {
        /// Ask no platform
        #[arg(long)]
        offline: bool,
    },
    /// Replace the key that tokens and keys are sealed with, also while `serve` runs
    RotateKey,
    /// Compare the store with ActiveCampaign, day by day, and say why they differ
    Reconcile(Reconcile),
    /// List the connections with their state and sums
    Connections,
    /// List the runs of a connection
    Runs {
        /// Id or name
        connection: String,
    },
    /// Show what is known of one record
    Record {
        /// Id or name
        connection: String,
        /// `orders`, `customers` or `products`
        stream: String,
        /// The source's id
        id: String,
    },
    /// Say what a code means and what to do; without one, list them all
    Explain {
        /// As in an error message
        code: Option<String>,
    },
    /// The stand-in platforms, for `demo`
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    Sandbox(Sandbox),
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Orders of the generated shop
    #[arg(long, default_value_t = 5_000)]
    pub(crate) orders: usize,
    /// Customers of the generated shop
    #[arg(long, default_value_t = 2_000)]
    pub(crate) customers: usize,
    /// Exit when done, with status 0 only if every check held
    #[arg(long)]
    pub(crate) once: bool,
    /// Port that browsers and webhooks reach; with --once it is any free one
    #[arg(long, default_value_t = 8787)]
    pub(crate) port: u16,
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(crate) struct Sandbox {
    #[arg(long, default_value_t = 5_000)]
    pub(crate) orders: usize,
    #[arg(long, default_value_t = 2_000)]
    pub(crate) customers: usize,
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where the health check answers
    #[arg(long, default_value = "127.0.0.1:8787", value_name = "ADDRESS")]
    pub(crate) listen: std::net::SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Connect {
    #[arg(help = sources_help(), required_unless_present = "resume")]
    pub(crate) source: Option<String>,
    /// What the connection is called
    #[arg(long, required_unless_present = "resume")]
    pub(crate) name: Option<String>,
    /// Id or name of the location; several times for several, or `all`; with --oauth asked for after the sign-in where it is
    /// left out
    #[arg(long, required_unless_present_any = ["oauth", "resume"])]
    pub(crate) location: Vec<String>,
    /// The account's address, as https://ACCOUNT.api-us1.com
    #[arg(long, value_name = "URL", required_unless_present = "resume")]
    pub(crate) destination_url: Option<String>,
    /// How far back to send: `all`, `this-year` or a date as 2026-01-31
    #[arg(long, default_value = "all")]
    pub(crate) history: String,
    /// `new`, or the id of the ActiveCampaign connection to go on with
    #[arg(long, value_name = "new|ID")]
    pub(crate) connection_type: Option<String>,
    /// Begin the history at once
    #[arg(long)]
    pub(crate) start: bool,
    /// Sign in at the source in a browser, instead of giving a token
    #[arg(long)]
    pub(crate) oauth: bool,
    /// With --oauth: do not poll it by itself
    #[arg(long, requires = "oauth")]
    pub(crate) no_active_sync: bool,
    /// Go on with a draft of --oauth
    #[arg(long, value_name = "DRAFT", conflicts_with_all = ["source", "oauth", "name", "history", "start"])]
    pub(crate) resume: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Poll {
    /// Id or name; all active ones without it
    pub(crate) connection: Option<String>,
    /// Return at once; `serve` does the work
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    /// Id or name
    pub(crate) connection: String,
    /// First day of the orders' dates, as 2026-01-31 [default: the first order]
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// Last day [default: today]
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<String>,
    /// Send again, silently, what ActiveCampaign has lost or holds otherwise
    #[arg(long)]
    pub(crate) repair: bool,
    /// Return at once; `serve` does the work
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// Id or name
    pub(crate) connection: String,
    /// Return at once; `serve` does the work
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// Id or name
    pub(crate) connection: String,
    /// The source's id of one record; everything that is parked without it
    pub(crate) record: Option<String>,
    /// Return at once; `serve` does the work
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Backfill {
    /// Start, or look at the one at work
    Start {
        /// Id or name
        connection: String,
        /// First day, as 2026-01-31 [default: the connection's history]
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
        /// Last day [default: now]
        #[arg(long, value_name = "DATE")]
        to: Option<String>,
        /// Only say what it would send, and show one order as it would go out
        #[arg(long, conflicts_with_all = ["wait", "limit", "force"])]
        dry_run: bool,
        /// A trial: end when so many orders, the oldest, have been sent
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
        /// Send again what is there as it is
        #[arg(long)]
        force: bool,
        /// Do the work here, or follow it, until nothing is on its way any more
        #[arg(long)]
        wait: bool,
    },
    /// Say how far the newest one is
    Status {
        /// Id or name
        connection: String,
    },
    /// Stop reading; what was sent stays
    Cancel {
        /// Id or name
        connection: String,
    },
    /// Go on with one that stopped
    Resume {
        /// Id or name
        connection: String,
        /// Do the work here, or follow it
        #[arg(long)]
        wait: bool,
    },
}

fn sources_help() -> String {
    let names: Vec<_> = sources::all().iter().map(|source| source.name()).collect();
    format!("The source: {}", names.join(", "))
}

/// Parses the arguments. With `--json`, wrong usage is answered in JSON on standard output too.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|error| {
        let help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
        if help || !std::env::args().any(|arg| arg == "--json") {
            // A closed standard error is nothing to stop for.
            let _ = error.print();
            return if help { ExitCode::SUCCESS } else { Exit::Usage.into() };
        }
        let text = error.render().to_string();
        let first = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        let words: Vec<_> = first.split_whitespace().collect();
        answer::print_error(true, &answer::Trouble::usage("usage.invalid", words.join(" ")));
        Exit::Usage.into()
    })
}
