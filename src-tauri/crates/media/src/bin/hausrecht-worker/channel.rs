//! The worker's end of the control channel: the engine's orders as they come in, and what has gone wrong as it goes out.

use std::{
    io,
    net::Shutdown,
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::mpsc,
    thread,
};

use hausrecht_media::{
    BulkWriter, ControlError, Event, FaultCode, Order, Receiver, Sender, Stream, bulk::BulkFrame,
};

/// The longest text of a fault.
const MAX_FAULT_CHARS: usize = 2_000;
/// How many frames of the bulk stream wait for the engine before recording waits too.
const BULK_WAITING: usize = 32;

/// The two ends of the control channel.
#[derive(Debug)]
pub(crate) struct Channel {
    /// To the engine.
    pub(crate) events: Sender<Event>,
    /// From the engine.
    pub(crate) orders: Receiver<Order>,
}

/// Hands each order to `give`, with the descriptors that came with it, on a thread of its own, until `give` returns false or
/// an [`Order::Shutdown`] was handed over. An engine that is gone orders the end by that.
pub(crate) fn follow_orders(
    mut orders: Receiver<Order>,
    mut give: impl FnMut(Order, Vec<OwnedFd>) -> bool + Send + 'static,
) -> io::Result<()> {
    let following = move || {
        loop {
            let (order, descriptors) = match orders.recv_with() {
                Ok(order) => order,
                Err(ControlError::Malformed(error)) => {
                    tracing::warn!("an order was not understood: {error}");
                    continue;
                }
                Err(_) => (Order::Shutdown, Vec::new()),
            };
            let last = matches!(order, Order::Shutdown);
            if !give(order, descriptors) || last {
                return;
            }
        }
    };
    thread::Builder::new().name("orders".into()).spawn(following).map(drop)
}

/// Tells the engine what has gone wrong.
pub(crate) fn tell_fault(events: &Sender<Event>, stream: Stream, code: FaultCode, text: &str) {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let text = printable.take(MAX_FAULT_CHARS).collect();
    // Without an engine there is nobody to tell.
    let _ = events.send(&Event::Fault { stream, code, text });
}

/// Begins to write what is recorded to the engine, on a thread of its own that ends with the sender or with the engine.
pub(crate) fn begin_bulk(
    bulk: UnixStream,
) -> io::Result<(mpsc::SyncSender<BulkFrame>, thread::JoinHandle<()>)> {
    let (recorded, frames) = mpsc::sync_channel::<BulkFrame>(BULK_WAITING);
    let write = move || {
        let mut writer = BulkWriter::new(&bulk);
        for frame in frames {
            if let Err(error) = writer.write(&frame) {
                tracing::warn!("the engine takes no more: {error}");
                return;
            }
        }
        // What is written stays readable for the engine.
        let _ = bulk.shutdown(Shutdown::Write);
    };
    Ok((recorded, thread::Builder::new().name("bulk".into()).spawn(write)?))
}
