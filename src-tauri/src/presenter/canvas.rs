//! The canvas presenter: pictures as RGBA over one loopback WebSocket, drawn by the page into canvases.
//!
//! A message is one picture of one tile: little-endian `u32` magic `HRF1`, `u16` index of the tile in the last placement,
//! `u16` zero, `u32` generation of that placement, `u32` width, `u32` height, `f64` time of the picture in milliseconds,
//! then the rows, four bytes a pixel. The page answers each drawn picture with `{"t":tile,"s":generation}`; until then
//! that tile gets no other, so a slow page skips pictures and never falls behind.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use futures_util::{SinkExt, StreamExt};
use hausrecht_media::{FrameMeta, Picture};
use rand::Rng;
use serde::{Deserialize, Serialize};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        http::{StatusCode, header::ORIGIN},
    },
};

use super::{Feed, Placement, Presenter, feed::Change};

/// `HRF1` read as a little-endian number.
const MAGIC: u32 = 0x3146_5248;
const HEADER_BYTES: usize = 28;

/// Where the page finds its pictures.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub(crate) struct StreamEndpoint {
    /// Port on 127.0.0.1.
    port: u16,
    /// Goes into the query; nobody without it is served.
    token: String,
}

/// The presenter, as the wall knows it.
pub(crate) struct Canvas {
    feed: Arc<Feed>,
    endpoint: StreamEndpoint,
    /// Counts connections: the newest alone is served, for a page that was loaded again is the same page.
    newest: watch::Sender<u64>,
    closed: watch::Sender<bool>,
}

impl Presenter for Canvas {
    fn place(&self, placement: Arc<Placement>) {
        self.feed.place(placement);
    }

    fn fresh(&self) {
        self.feed.fresh();
    }
}

/// A picture that was drawn.
#[derive(Deserialize)]
struct Drawn {
    t: usize,
    s: u32,
}

impl Canvas {
    /// Listens on a free port of 127.0.0.1, with a token drawn from `rng`.
    ///
    /// # Errors
    /// No port can be had.
    pub(crate) async fn listen(rng: &mut impl Rng) -> io::Result<Arc<Self>> {
        let token = hex::encode(rng.random::<[u8; 32]>());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let canvas = Arc::new(Self {
            feed: Feed::new(),
            endpoint: StreamEndpoint { port, token },
            newest: watch::Sender::new(0),
            closed: watch::Sender::new(false),
        });
        tokio::spawn(canvas.clone().accept(listener));
        Ok(canvas)
    }

    /// Its window is gone: nobody is listened to any more.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
        // Whoever is served is not the newest then.
        self.newest.send_modify(|count| *count += 1);
    }

    /// What the page needs to connect.
    pub(crate) fn endpoint(&self) -> StreamEndpoint {
        self.endpoint.clone()
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut closed = self.closed.subscribe();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = closed.wait_for(|closed| *closed) => return,
            };
            match accepted {
                Ok((socket, from)) => {
                    tokio::spawn(self.clone().serve(socket, from));
                }
                Err(error) => {
                    // Out of file descriptors, for example: others may be closed in a moment.
                    tracing::warn!(%error, "no connection for canvases");
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                }
            }
        }
    }

    async fn serve(self: Arc<Self>, socket: TcpStream, from: SocketAddr) {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "pictures may be held back");
        }
        #[expect(clippy::result_large_err, reason = "the answer's type is the handshake's")]
        let admit = |request: &Request, response: Response| self.admit(request).map(|()| response);
        match accept_hdr_async(socket, admit).await {
            Ok(socket) => {
                if let Err(error) = self.feed_page(socket).await {
                    tracing::debug!(%error, "the page's picture stream ended");
                }
            }
            Err(error) => tracing::warn!(%from, %error, "a stranger asked for pictures"),
        }
    }

    /// Lets only our own page in: it knows the token, and no other page can claim its origin.
    #[expect(clippy::result_large_err, reason = "the answer's type is the handshake's")]
    fn admit(&self, request: &Request) -> Result<(), ErrorResponse> {
        let token = request.uri().query().and_then(|query| query.strip_prefix("token="));
        let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
        if token.is_some_and(|token| same(token, &self.endpoint.token)) && origin.is_some_and(own_origin) {
            return Ok(());
        }
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = StatusCode::FORBIDDEN;
        Err(refusal)
    }

    async fn feed_page(&self, socket: WebSocketStream<TcpStream>) -> anyhow::Result<()> {
        let mine = {
            let mut mine = 0;
            self.newest.send_modify(|count| {
                *count += 1;
                mine = *count;
            });
            mine
        };
        let mut newest = self.newest.subscribe();
        let (mut out, mut back) = socket.split();
        let mut placements = self.feed.placements();
        let mut placement = placements.borrow_and_update().clone();
        // The pictures on their way, by tile.
        let mut on_their_way: HashMap<usize, FrameMeta> = HashMap::new();
        // A page that connects has nothing on its canvases yet.
        let mut whole = true;
        loop {
            for (index, placed) in placement.tiles.iter().enumerate() {
                if on_their_way.contains_key(&index) || !(placed.tile.take_fresh() || whole) {
                    continue;
                }
                let message = placed.tile.newest(|picture| message(index, placement.generation, &picture));
                if let Some((meta, bytes)) = message {
                    on_their_way.insert(index, meta);
                    out.feed(Message::binary(bytes)).await?;
                }
            }
            whole = false;
            out.flush().await?;
            tokio::select! {
                change = self.feed.next(&mut placements) => {
                    if change == Change::Placed {
                        placement = placements.borrow_and_update().clone();
                        on_their_way.clear();
                        whole = true;
                    }
                }
                answer = back.next() => match answer {
                    Some(Ok(Message::Text(text))) => {
                        let drawn: Drawn = serde_json::from_str(&text)?;
                        if drawn.s == placement.generation
                            && let Some(meta) = on_their_way.remove(&drawn.t)
                            && let Some(placed) = placement.tiles.get(drawn.t)
                        {
                            placed.tile.drawn(meta);
                        }
                    }
                    Some(Ok(Message::Close(_))) | None => return Ok(()),
                    Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Err(error)) => return Err(error.into()),
                },
                _ = newest.wait_for(|count| *count != mine) => return Ok(()),
            }
        }
    }
}

/// Where our page may have come from.
fn own_origin(origin: &str) -> bool {
    let built_in =
        matches!(origin, "tauri://localhost" | "http://tauri.localhost" | "https://tauri.localhost");
    built_in || (cfg!(dev) && origin == "http://127.0.0.1:5173")
}

/// Compares without telling by the time it takes how much was right.
fn same(given: &str, expected: &str) -> bool {
    given.len() == expected.len()
        && given.bytes().zip(expected.bytes()).fold(0, |wrong, (a, b)| wrong | (a ^ b)) == 0
}

/// The bytes of a picture, and its particulars.
fn message(tile: usize, generation: u32, picture: &Picture<'_>) -> (FrameMeta, Vec<u8>) {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let mut bytes = Vec::with_capacity(HEADER_BYTES + width * height * 4);
    bytes.extend(MAGIC.to_le_bytes());
    bytes.extend(u16::try_from(tile).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend(0_u16.to_le_bytes());
    bytes.extend(generation.to_le_bytes());
    bytes.extend(picture.width.to_le_bytes());
    bytes.extend(picture.height.to_le_bytes());
    #[expect(clippy::cast_precision_loss, reason = "a time of 285 years is still exact to the microsecond")]
    let pts_ms = picture.meta.pts_us as f64 / 1000.0;
    bytes.extend(pts_ms.to_le_bytes());
    for row in picture.bgrx.chunks(picture.stride as usize).take(height) {
        for pixel in row.chunks_exact(4).take(width) {
            bytes.extend([pixel[2], pixel[1], pixel[0], 255]);
        }
    }
    (picture.meta, bytes)
}

#[cfg(test)]
mod tests;
