//! Processor time of groups of processes over one and the same span of time.

use std::time::{Duration, Instant};

use hausrecht_tests::process::{cpu_time, descendants};

/// Some processes, under one name.
pub(crate) struct Group {
    /// What it is.
    pub(crate) name: &'static str,
    /// Roots; everything they started counts too.
    pub(crate) roots: Vec<u32>,
}

/// Measures for `span`, and gives for each group its share of one core: 1 is a whole core.
pub(crate) async fn shares(groups: &[Group], span: Duration) -> Vec<f64> {
    let read = || -> Vec<Duration> {
        groups
            .iter()
            .map(|group| {
                let all =
                    group.roots.iter().flat_map(|root| std::iter::once(*root).chain(descendants(*root)));
                all.map(cpu_time).sum()
            })
            .collect()
    };
    let (start, before) = (Instant::now(), read());
    tokio::time::sleep(span).await;
    let (after, passed) = (read(), start.elapsed());
    before
        .iter()
        .zip(after)
        .map(|(before, after)| after.saturating_sub(*before).as_secs_f64() / passed.as_secs_f64())
        .collect()
}

/// Time that the host took from this machine, as a share of one core; a run with much of it says little.
pub(crate) fn stolen() -> Duration {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let steal: u64 =
        stat.lines().next().and_then(|line| line.split_whitespace().nth(8)?.parse().ok()).unwrap_or(0);
    Duration::from_millis(steal * 1000 / rustix::param::clock_ticks_per_second())
}
