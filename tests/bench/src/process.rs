//! What a process used, as the kernel counts it.

use std::process::Child;
use std::time::{Duration, Instant};

/// Ticks of the kernel's clock in a second: the same on every Linux we build for.
pub(crate) const TICKS: f64 = 100.0;
/// Between two looks at its memory.
const LOOK: Duration = Duration::from_millis(20);

/// What a process used until its end.
pub(crate) struct Used {
    /// Of all its threads, in the program and in the kernel.
    pub(crate) cpu_seconds: f64,
    /// The most memory it held.
    pub(crate) peak_kib: u64,
    /// From its start to its end.
    pub(crate) wall_seconds: f64,
    /// Its exit status.
    pub(crate) status: i32,
}

/// Waits for a child's end. One that has ended and was not asked for its status yet still tells its times.
pub(crate) fn until_end(child: &mut Child, began: Instant) -> Result<Used, String> {
    let id = child.id().to_string();
    let mut peak_kib = 0;
    loop {
        let (state, ticks) = times(&id)?;
        if state == "Z" {
            let wall_seconds = began.elapsed().as_secs_f64();
            let status = child.wait().map_err(|error| error.to_string())?.code().unwrap_or(-1);
            return Ok(Used { cpu_seconds: ticks as f64 / TICKS, peak_kib, wall_seconds, status });
        }
        peak_kib = peak_kib.max(peak(&id));
        std::thread::sleep(LOOK);
    }
}

/// The state of a process, and the ticks it used.
pub(crate) fn times(id: &str) -> Result<(String, u64), String> {
    let path = format!("/proc/{id}/stat");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    // Its name stands in brackets and may hold anything.
    let rest = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let mut words = rest.split(' ');
    let state = words.next().unwrap_or_default().to_owned();
    let mut ticks = words.skip(10).take(2).filter_map(|word| word.parse::<u64>().ok());
    let used = ticks.next().zip(ticks.next()).map(|(user, system)| user + system);
    Ok((state, used.ok_or_else(|| format!("{path} cannot be read"))?))
}

/// The most memory a process has held, in KiB; 0 where it has none any more.
pub(crate) fn peak(id: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
