//! Processor time of groups of processes over one and the same span of time, and their memory.

use std::time::{Duration, Instant};

use hausrecht_tests::process::{cpu_time, descendants};

/// Some processes, under one name.
pub(crate) struct Group {
    /// What it is.
    pub(crate) name: &'static str,
    /// Roots; everything they started counts too.
    pub(crate) roots: Vec<u32>,
}

impl Group {
    /// The processes of it now.
    fn all(&self) -> impl Iterator<Item = u32> {
        self.roots.iter().flat_map(|root| std::iter::once(*root).chain(descendants(*root)))
    }

    /// The memory of all of it, pages that several share divided among them; MiB.
    pub(crate) fn memory_mib(&self) -> f64 {
        self.all().map(pss_kib).sum::<f64>() / 1024.0
    }
}

/// Measures for `span`, and gives for each group its share of one core: 1 is a whole core.
pub(crate) async fn shares(groups: &[Group], span: Duration) -> Vec<f64> {
    let read = || -> Vec<Duration> { groups.iter().map(|group| group.all().map(cpu_time).sum()).collect() };
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

/// Proportional set size of a process, proc_pid_smaps_rollup(5); nothing for one that has ended.
pub(crate) fn pss_kib(pid: u32) -> f64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find(|line| line.starts_with("Pss:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0.0)
}
