//! The card worker: what a camera has recorded itself, by ONVIF replay (ONVIF Streaming Specification, 6). It is watched, or
//! fetched into clips as a camera worker writes them. The RTSP of it is spoken here, because the pictures' own times stand
//! in an extension of the packets that the readers of live streams do not know.

mod connection;
mod depay;
mod feed;
mod fetch;
mod packet;
mod reader;
mod session;
mod sieve;
mod times;
mod watch;
mod wire;

use std::{
    os::{fd::OwnedFd, unix::net::UnixStream},
    process,
    sync::mpsc,
    time::Duration,
};

use hausrecht_media::{CardOpen, Event, FaultCode, Order, Stream};
use hausrecht_model::{Clock, clock::SystemClock};

use self::{connection::Account, feed::Feed, fetch::Fetch, reader::FromCard, watch::Watch};
use crate::{
    channel::{Channel, follow_orders, tell_fault},
    sandbox::{self, Needs},
    source::Address,
};

/// What the engine branches on, and what stands in the log.
type Failure = (FaultCode, String);

const TICK: Duration = Duration::from_millis(250);
/// How often the place on the card is told at most.
const POSITION_EVERY: Duration = Duration::from_millis(250);

/// What reaches the owning thread.
enum Input {
    Order(Order, Vec<OwnedFd>),
    Card { attempt: u32, what: FromCard },
}

/// Runs the card worker until the span is fetched, the engine orders its end, or the camera fails.
pub(crate) fn run(channel: Channel, bulk: UnixStream, mut open: CardOpen) -> anyhow::Result<()> {
    let Channel { events, orders } = channel;
    let Some(address) = Address::parse(&open.uri) else {
        tell_fault(&events, Stream::Main, FaultCode::NotFound, "the replay's address is not an RTSP address");
        anyhow::bail!("the replay's address is not an RTSP address");
    };
    if address.tls {
        tell_fault(
            &events,
            Stream::Main,
            FaultCode::Refused,
            "this camera replays its card over TLS only, which Hausrecht does not read",
        );
        anyhow::bail!("a replay over TLS");
    }
    let sandbox = sandbox::restrict(&Needs {
        connect_ports: vec![address.port],
        names: address.named,
        tls: address.tls,
        udp: false,
        unix_sockets: false,
        fonts: false,
    });
    events.send(&Event::Ready { sandbox })?;
    let (inputs, incoming) = mpsc::channel();
    let ordered = inputs.clone();
    follow_orders(orders, move |order, descriptors| ordered.send(Input::Order(order, descriptors)).is_ok())?;
    let account = Account { user: open.user.clone(), password: open.password.clone() };
    // The card grows while it is read. What is recorded from now on is not on it yet; who ran after it would not come to an end.
    open.until_unix_us = open.until_unix_us.min(SystemClock::new().now().0.saturating_sub(open.offset_us));
    let feed = Feed::new(address, account, open.until_unix_us, inputs);
    let ended = if open.fetch {
        Fetch::new(events.clone(), feed, bulk, &open)?.work(&incoming)
    } else {
        Watch::new(events.clone(), feed, &open).work(&incoming)
    };
    match ended {
        Ok(()) => process::exit(0),
        Err((code, text)) => {
            tell_fault(&events, Stream::Main, code, &text);
            process::exit(1)
        }
    }
}
