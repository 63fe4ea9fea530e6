//! The stream for canvases, spoken to as the page does and as a stranger would.

use futures_util::StreamExt;
use hausrecht_model::CameraId;
use tokio_tungstenite::{
    MaybeTlsStream, connect_async,
    tungstenite::{Error, client::IntoClientRequest, http::HeaderValue},
};

use super::*;
use crate::presenter::{
    Wall,
    tests::{BGRX, Plain, place, soon},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(canvas: &Canvas, token: &str, origin: Option<&str>) -> Result<Socket, Error> {
    let mut request =
        format!("ws://127.0.0.1:{}/?token={token}", canvas.endpoint.port).into_client_request()?;
    if let Some(origin) = origin {
        request.headers_mut().insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

async fn next_picture(socket: &mut Socket) -> Vec<u8> {
    soon(socket.next()).await.unwrap().unwrap().into_data().to_vec()
}

struct Screen {
    plain: Arc<Plain>,
    canvas: Arc<Canvas>,
    wall: Arc<Wall>,
}

async fn screen() -> Screen {
    let plain = Arc::new(Plain::default());
    let canvas = Canvas::listen(&mut rand::rng()).await.unwrap();
    let wall = Wall::new(Arc::new(plain.clone()), canvas.clone(), tokio::runtime::Handle::current());
    Screen { plain, canvas, wall }
}

#[tokio::test]
async fn the_page_gets_a_picture_and_the_next_only_after_it_drew_it() {
    let Screen { plain, canvas, wall } = screen().await;
    let generation = wall.place(vec![place(CameraId::random(&mut rand::rng()), 160.0)]);
    let mut socket = connect(&canvas, &canvas.endpoint.token, Some("tauri://localhost")).await.unwrap();
    let picture = next_picture(&mut socket).await;
    let word = |at: usize| u32::from_le_bytes(picture[at..at + 4].try_into().unwrap());
    assert_eq!((word(0), word(4), word(8), word(12), word(16)), (MAGIC, 0, generation, 160, 90));
    assert!((f64::from_le_bytes(picture[20..28].try_into().unwrap()) - 1.5).abs() < 1e-9);
    assert_eq!(picture[28..32], [BGRX[2], BGRX[1], BGRX[0], 255]);
    assert_eq!(picture.len(), 28 + 160 * 90 * 4);

    let view = plain.opened.lock().unwrap()[0].1.clone();
    for _ in 0..3 {
        view.sequence.send_modify(|sequence| *sequence += 1);
    }
    socket.send(Message::text(format!(r#"{{"t":0,"s":{generation}}}"#))).await.unwrap();
    next_picture(&mut socket).await;
    socket.send(Message::text(format!(r#"{{"t":0,"s":{generation}}}"#))).await.unwrap();
    let mut drawn = view.drawn.subscribe();
    soon(drawn.wait_for(|drawn| drawn.len() == 2)).await.unwrap();
    assert_eq!(*view.drawn.borrow(), [1, 4], "newest wins");
}

#[tokio::test]
async fn strangers_are_turned_away() {
    let Screen { canvas, .. } = screen().await;
    let right = canvas.endpoint.token.clone();
    let wrong = "0".repeat(64);
    for (token, origin) in [
        (wrong.as_str(), Some("tauri://localhost")),
        ("", Some("tauri://localhost")),
        (right.as_str(), None),
        (right.as_str(), Some("https://example.org")),
        (right.as_str(), Some("http://localhost:8000")),
    ] {
        let refused = connect(&canvas, token, origin).await;
        assert!(matches!(&refused, Err(Error::Http(answer)) if answer.status() == 403), "{token} {origin:?}");
    }
}

#[tokio::test]
async fn a_page_that_was_loaded_again_replaces_the_one_before() {
    let Screen { canvas, wall, .. } = screen().await;
    wall.place(vec![place(CameraId::random(&mut rand::rng()), 160.0)]);
    let mut before = connect(&canvas, &canvas.endpoint.token, Some("tauri://localhost")).await.unwrap();
    next_picture(&mut before).await;
    let mut after = connect(&canvas, &canvas.endpoint.token, Some("tauri://localhost")).await.unwrap();
    next_picture(&mut after).await;
    assert!(!matches!(soon(before.next()).await, Some(Ok(Message::Binary(_)))));
}
