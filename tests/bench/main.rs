//! `make bench`: what recording, the wall, seeking, the timeline and the log cost here, next to other people's programs in the same run.
//!
//! Machines differ and are noisy; what counts is the ratio between two columns of one run. It prints whatever it measures.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made ends with the reason")]

mod age;
mod cameras;
mod log;
mod recording;
mod seeking;
mod start;
mod table;
mod timeline;
mod trust;
mod usage;
mod wall;

use std::path::Path;

use hausrecht_tests::stage::alone_program;

fn main() {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some(cameras::HOLDING) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(cameras::be_the_client(args.collect()));
    }
    // In a network of its own, so that cameras of the real one are neither found nor recorded.
    if !alone_program() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    runtime.block_on(async {
        if wanted("recording") {
            recording::measure(1).await;
            recording::measure(8).await;
        }
        if wanted("wall") {
            wall::sixteen().await;
        }
        if wanted("view") {
            wall::one().await;
        }
        if wanted("start") {
            start::measure().await;
        }
        if wanted("cameras") {
            cameras::find().await;
            cameras::hold().await;
        }
        if wanted("first") {
            cameras::first_picture().await;
        }
        if wanted("seeking") {
            seeking::measure().await;
        }
        if wanted("timeline") {
            timeline::measure(std::env::args().nth(2).as_deref().map(Path::new)).await;
        }
        if wanted("trust") {
            trust::measure().await;
        }
        if wanted("log") {
            log::measure(1_000_000, std::env::args().nth(2).as_deref().map(Path::new)).await;
        }
    });
}
