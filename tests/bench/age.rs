//! How old a picture is when it stands on the display: the simulated camera burns the tenths of its clock into the picture as
//! bits, and says when it began to send. A bit that changes on the display tells how long its picture took.

use std::time::Duration;

use hausrecht_model::{Clock, clock::SystemClock};
use hausrecht_tests::{
    camera::SimCam,
    display::{Area, Display, Glance},
};

const LOOP_TENTHS: u32 = 240;
const LOOP_US: i64 = 24_000_000;
const PICTURE_US: i64 = 40_000;
/// Where the bits are in the picture of 1920x1080, as assets/footage/front.json says.
const BITS_LEFT: u32 = 1344;
const BIT_WIDTH: u32 = 63;
const BITS_MIDDLE: u32 = 1010;
const BITS: u32 = 8;

/// Ages of pictures, in milliseconds, least first.
pub(crate) struct Ages(Vec<f64>);

impl Ages {
    /// A line of the table.
    pub(crate) fn line(&self, name: &str) -> Vec<String> {
        let Some(last) = self.0.len().checked_sub(1) else {
            return vec![name.to_owned(), "no change seen".to_owned()];
        };
        let at = |part: f64| format!("{:.0}", self.0[(last as f64 * part).round() as usize]);
        vec![name.to_owned(), at(0.5), at(0.95), at(1.0), self.0.len().to_string()]
    }
}

/// Watches the picture of `camera` in `area` of the display for `span`.
pub(crate) async fn watch(display: &Display, area: Area, camera: &SimCam, span: Duration) -> Ages {
    let began_us = camera.state()["began_us"].as_i64().expect("the camera says when it began");
    let glance = display.glance();
    let watching = move || {
        let clock = SystemClock::new();
        let end_us = clock.now().0 + i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        let mut ages_ms = Vec::new();
        let mut known = None;
        while clock.now().0 < end_us {
            let shown = tenths(&glance, area);
            let now_us = clock.now().0;
            // Half-drawn bits are any number; the next one is the next picture.
            if known.is_some_and(|known| (known + 1) % LOOP_TENTHS == shown) {
                ages_ms.push(age_us(now_us - began_us, shown) as f64 / 1000.0);
                known = Some(shown);
            } else if known.is_none()
                || known.is_some_and(|known| shown < LOOP_TENTHS && shown.abs_diff(known) > 1)
            {
                // It was lost, or this is half a picture; either way it is found again from here.
                known = Some(shown);
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        ages_ms.sort_by(f64::total_cmp);
        Ages(ages_ms)
    };
    tokio::task::spawn_blocking(watching).await.expect("looking does not fail")
}

/// The number that the bits on the display say.
fn tenths(glance: &Glance, area: Area) -> u32 {
    let y = area.y + BITS_MIDDLE * area.height / 1080;
    (0..BITS).fold(0, |number, bit| {
        let x = area.x + (BITS_LEFT + bit * BIT_WIDTH + BIT_WIDTH / 2) * area.width / 1920;
        number << 1 | u32::from(glance.at(x, y)[1] > 150)
    })
}

/// How long ago the first picture with these tenths was sent, `since_us` after the camera's beginning.
fn age_us(since_us: i64, tenths: u32) -> i64 {
    // 25 pictures a second: two and a half a tenth.
    let first = (i64::from(tenths) * 5 + 1) / 2;
    (since_us - first * PICTURE_US).rem_euclid(LOOP_US)
}
