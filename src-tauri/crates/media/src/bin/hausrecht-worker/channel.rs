//! The worker's end of the control channel: the engine's orders as they come in, and what has gone wrong as it goes out.

use std::{io, os::fd::OwnedFd, thread};

use hausrecht_media::{ControlError, Event, FaultCode, Order, Receiver, Sender, Stream};

/// The longest text of a fault.
const MAX_FAULT_CHARS: usize = 2_000;

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
