//! The wall opens, keeps, resizes and drops views as the page places tiles.

use std::{sync::atomic::Ordering, time::Duration};

use hausrecht_engine::wire::{DeadReason, PicturePart};
use hausrecht_model::UnixMicros;

use super::*;
use crate::presenter::tests::{Plain, Remembering, place, soon};

fn wall() -> (Arc<Plain>, Arc<Remembering>, Arc<Wall>) {
    let plain = Arc::new(Plain::default());
    let remembering = Remembering::new();
    let wall = Wall::new(Arc::new(plain.clone()), remembering.clone(), tokio::runtime::Handle::current());
    (plain, remembering, wall)
}

async fn first_picture(remembering: &Remembering) {
    soon(remembering.fresh.subscribe().wait_for(|count| *count > 0)).await.unwrap();
}

#[tokio::test]
async fn a_tile_keeps_its_view_while_it_stays_and_loses_it_when_it_goes() {
    let (plain, remembering, wall) = wall();
    let camera = CameraId::random(&mut rand::rng());
    assert_eq!(wall.place(vec![place(camera, 160.0)]), 1);
    first_picture(&remembering).await;
    assert_eq!(wall.place(vec![place(camera, 160.0)]), 2);
    assert_eq!(plain.opened.lock().unwrap().len(), 1);
    let view = plain.opened.lock().unwrap()[0].1.clone();
    wall.place(Vec::new());
    remembering.placement.send_replace(Arc::default());
    soon(async {
        while !view.ended.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn places_are_rounded_to_whole_pixels_and_views_to_those_of_the_screen() {
    let (plain, remembering, wall) = wall();
    wall.set_scale(2.0);
    wall.place(vec![place(CameraId::random(&mut rand::rng()), 160.3)]);
    first_picture(&remembering).await;
    let placement = remembering.placement.borrow().clone();
    assert_eq!(placement.tiles[0].area, Area { x: 0, y: 11, width: 161, height: 90 });
    assert_eq!(*plain.opened.lock().unwrap()[0].1.size.lock().unwrap(), Size { width: 322, height: 180 });
}

#[tokio::test(start_paused = true)]
async fn a_new_size_is_asked_for_only_when_it_has_come_to_rest() {
    let (plain, remembering, wall) = wall();
    let camera = CameraId::random(&mut rand::rng());
    wall.place(vec![place(camera, 160.0)]);
    first_picture(&remembering).await;
    let view = plain.opened.lock().unwrap()[0].1.clone();
    let mut sequence = view.sequence.subscribe();
    for width in [170.0, 180.0, 190.0] {
        wall.place(vec![place(camera, width)]);
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(view.size.lock().unwrap().width, 160);
    }
    sequence.changed().await.unwrap();
    assert_eq!(view.size.lock().unwrap().width, 190);
}

#[tokio::test]
async fn a_hidden_window_has_no_views_and_gets_them_back() {
    let (plain, remembering, wall) = wall();
    wall.place(vec![place(CameraId::random(&mut rand::rng()), 160.0)]);
    first_picture(&remembering).await;
    wall.set_visible(false);
    assert!(remembering.placement.borrow().tiles.is_empty());
    wall.set_visible(true);
    assert_eq!(remembering.placement.borrow().tiles.len(), 1);
    assert_eq!(remembering.placement.borrow().generation, 1, "the page's placement is still the same");
    soon(async {
        while plain.opened.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_last_picture_of_a_dead_camera_is_hidden() {
    let (_plain, remembering, wall) = wall();
    let camera = CameraId::random(&mut rand::rng());
    wall.place(vec![place(camera, 160.0)]);
    assert!(!remembering.placement.borrow().tiles[0].hidden);
    wall.note_states(&[TileState {
        camera,
        picture: PictureState::Dead {
            since_us: UnixMicros(0),
            reason: DeadReason::Unreachable,
            retry_at_us: None,
        },
        recording: false,
        record: hausrecht_engine::wire::RecordState::Recording,
        fps: 0.0,
        age_ms: 0,
        lag_ms: 0,
        frozen_ms: 0,
        aspect: None,
        last_event: None,
    }]);
    assert!(remembering.placement.borrow().tiles[0].hidden);
}

#[tokio::test]
async fn another_presenter_takes_over_what_is_on_the_screen() {
    let (plain, before, wall) = wall();
    wall.place(vec![place(CameraId::random(&mut rand::rng()), 160.0)]);
    first_picture(&before).await;
    let after = Remembering::new();
    wall.use_presenter(after.clone());
    assert!(before.placement.borrow().tiles.is_empty());
    assert_eq!(after.placement.borrow().tiles.len(), 1);
    assert_eq!(plain.opened.lock().unwrap().len(), 1, "the view is the same");
    plain.opened.lock().unwrap()[0].1.sequence.send_modify(|sequence| *sequence += 1);
    first_picture(&after).await;
}

fn main_of(mut place: TilePlace) -> TilePlace {
    if let TileSource::Live { stream, .. } = &mut place.what {
        *stream = hausrecht_model::StreamRole::Main;
    }
    place
}

#[tokio::test]
async fn another_stream_takes_over_with_its_first_picture() {
    let (plain, remembering, wall) = wall();
    let camera = CameraId::random(&mut rand::rng());
    wall.place(vec![place(camera, 160.0)]);
    first_picture(&remembering).await;
    plain.begins_with.store(0, Ordering::SeqCst);
    wall.place(vec![main_of(place(camera, 640.0))]);
    let placed = remembering.placement.borrow().clone();
    soon(async {
        while plain.opened.lock().unwrap().len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let [small, large] = [0, 1].map(|index| plain.opened.lock().unwrap()[index].1.clone());
    let width = || placed.tiles[0].tile.newest(|picture| picture.width);
    assert_eq!(width(), Some(160), "what was there stays");
    assert!(!small.ended.load(Ordering::SeqCst), "and goes on");
    large.sequence.send_modify(|sequence| *sequence = 1);
    soon(async {
        while !small.ended.load(Ordering::SeqCst) {
            assert!(width().is_some(), "there is a picture at every moment");
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(width(), Some(640));
}

#[tokio::test]
async fn a_part_of_the_picture_is_asked_for_without_a_new_view() {
    let (plain, remembering, wall) = wall();
    let camera = CameraId::random(&mut rand::rng());
    wall.place(vec![place(camera, 160.0)]);
    first_picture(&remembering).await;
    let part = PicturePart { left: 0.5, top: 0.0, width: 0.5, height: 0.5 };
    let region = Region::from(part);
    wall.place(vec![TilePlace { region: Some(part), ..place(camera, 160.0) }]);
    let view = plain.opened.lock().unwrap()[0].1.clone();
    soon(async {
        while *view.region.lock().unwrap() != region {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(plain.opened.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_enlarged_page_has_enlarged_places_and_a_locked_desktop_none() {
    let (_plain, remembering, wall) = wall();
    wall.set_zoom(1.5);
    wall.place(vec![place(CameraId::random(&mut rand::rng()), 160.0)]);
    let placement = remembering.placement.borrow().clone();
    assert_eq!(placement.tiles[0].area, Area { x: 1, y: 16, width: 240, height: 135 });
    wall.set_asleep(true);
    assert!(remembering.placement.borrow().tiles.is_empty());
    wall.set_asleep(false);
    assert_eq!(remembering.placement.borrow().tiles.len(), 1);
}
