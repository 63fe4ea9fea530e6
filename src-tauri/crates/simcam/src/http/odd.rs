//! Answers that no client should have to bear: a byte a second, 100 MiB long, or entities that grow without end.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a huge answer is.
pub(super) const HUGE_BYTES: usize = 100 << 20;
/// Of how many bytes a huge answer is made at a time.
const CHUNK: &[u8] = &[b' '; 64 << 10];
/// The time from one byte to the next.
const BETWEEN: Duration = Duration::from_secs(1);

/// `text`, a byte a second.
pub(super) fn trickle(text: String) -> Body {
    let due = Box::pin(sleep_until(Instant::now()));
    Body::from_stream(Trickle { text: text.into(), due })
}

/// `envelope` with 100 MiB of space between the root's start and the rest.
pub(super) fn huge(envelope: &str) -> Body {
    let at = envelope.find("<s:Header>").unwrap_or(0);
    let (head, tail) = envelope.split_at(at);
    let (head, tail) = (Bytes::from(head.to_owned()), Bytes::from(tail.to_owned()));
    Body::from_stream(Huge { head: Some(head), left_bytes: HUGE_BYTES, tail: Some(tail) })
}

/// An envelope around ten to the power of nine words, in a kilobyte.
pub(super) fn bomb() -> String {
    let mut entities = String::from("<!ENTITY a0 \"boom\">");
    for level in 1..10 {
        let ten = format!("&a{};", level - 1).repeat(10);
        entities += &format!("<!ENTITY a{level} \"{ten}\">");
    }
    format!(
        "<?xml version=\"1.0\"?><!DOCTYPE s:Envelope [{entities}]>\
         <s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body>&a9;</s:Body></s:Envelope>"
    )
}

struct Trickle {
    text: Bytes,
    due: Pin<Box<Sleep>>,
}

impl Stream for Trickle {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.text.is_empty() {
            return Poll::Ready(None);
        }
        if self.due.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        let next = Instant::now() + BETWEEN;
        self.due.as_mut().reset(next);
        Poll::Ready(Some(Ok(self.text.split_to(1))))
    }
}

struct Huge {
    head: Option<Bytes>,
    left_bytes: usize,
    tail: Option<Bytes>,
}

impl Stream for Huge {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(head) = self.head.take() {
            return Poll::Ready(Some(Ok(head)));
        }
        if self.left_bytes > 0 {
            let size = self.left_bytes.min(CHUNK.len());
            self.left_bytes -= size;
            return Poll::Ready(Some(Ok(Bytes::from_static(&CHUNK[..size]))));
        }
        Poll::Ready(self.tail.take().map(Ok))
    }
}
