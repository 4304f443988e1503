//! What the processes of a function print, as the log service would take it.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::task::JoinHandle;

/// Where a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// The lines of a function.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<(Stream, String)>>>);

impl Log {
    /// Keeps every line of a pipe until it closes.
    pub(crate) fn follow(
        &self,
        stream: Stream,
        pipe: impl AsyncRead + Unpin + Send + 'static,
    ) -> JoinHandle<()> {
        let log = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(pipe).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                log.0.lock().unwrap_or_else(PoisonError::into_inner).push((stream, line));
            }
        })
    }

    /// All lines so far.
    pub(crate) fn lines(&self) -> Vec<(Stream, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All of it as one text.
    pub(crate) fn text(&self) -> String {
        self.lines().into_iter().map(|(_, line)| line + "\n").collect()
    }

    /// What was told of the work itself, without the numbers of every invocation.
    pub(crate) fn events(&self) -> Vec<String> {
        let lines = self.lines().into_iter().map(|(_, line)| line);
        lines.filter(|line| !line.contains("invocation ended")).collect()
    }

    /// Bytes printed.
    pub(crate) fn bytes(&self) -> usize {
        self.lines().iter().map(|(_, line)| line.len() + 1).sum()
    }

    /// The lines that hold metrics in the embedded form.
    pub(crate) fn metrics(&self) -> Vec<Value> {
        let parsed =
            self.lines().into_iter().filter_map(|(_, line)| serde_json::from_str::<Value>(&line).ok());
        parsed.filter(|line| line["_aws"].is_object()).collect()
    }

    /// What stands in the log but is not one JSON object a line. What a process that ends says of its end goes to
    /// the other stream, and is not looked at.
    pub(crate) fn not_json(&self) -> Vec<String> {
        let is_object = |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|value| value.is_object());
        let lines = self.lines().into_iter();
        let lines = lines.filter(|(stream, _)| *stream == Stream::Out).map(|(_, line)| line);
        lines.filter(|line| !is_object(line)).collect()
    }
}
