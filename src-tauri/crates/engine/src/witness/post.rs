//! One request to another computer that the owner named, bounded in time and size; nothing is followed elsewhere.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;

const PATIENCE: Duration = Duration::from_secs(15);
/// The longest answer that is read.
const ANSWER_BYTES: usize = 64 << 10;

/// Posts `body` to `address`; status and body of the answer, or why there is none.
pub(super) async fn post(
    address: &str,
    content_type: &'static str,
    body: Vec<u8>,
) -> std::result::Result<(u16, Vec<u8>), String> {
    let told = |error: reqwest::Error| error.without_url().to_string();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .map_err(told)?;
    let request = client.post(address).header(CONTENT_TYPE, content_type).body(body);
    let mut answer = request.send().await.map_err(told)?;
    let status = answer.status().as_u16();
    let mut bytes = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(told)? {
        bytes.extend_from_slice(&part);
        if bytes.len() > ANSWER_BYTES {
            return Err("its answer is too long".into());
        }
    }
    Ok((status, bytes))
}
