//! The native presenter of Linux: one GTK drawing area above the page paints all tiles.
//!
//! Above, because the page loses what it draws over pictures that lie below it; one area, because it is cheaper than one
//! for each tile. It never takes the mouse, and is transparent where there is no tile.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use gtk::{cairo, gdk, glib, prelude::*};
use hausrecht_media::Picture;

use super::{Area, Feed, Placed, Placement, Presenter, Tile, feed::Change};

/// `#07090a`, the ground of a tile in every theme.
const GROUND: (f64, f64, f64) = (7.0 / 255.0, 9.0 / 255.0, 10.0 / 255.0);

/// The presenter, as the wall knows it.
pub(crate) struct Native {
    feed: Arc<Feed>,
}

impl Presenter for Native {
    fn place(&self, placement: Arc<Placement>) {
        self.feed.place(placement);
    }

    fn fresh(&self) {
        self.feed.fresh();
    }
}

impl Native {
    /// Puts a drawing area over `page`. Must be called on the main thread, where drawing stays.
    ///
    /// # Errors
    /// `page` does not stand in a box, which is where Tauri puts it.
    pub(crate) fn over(page: &gtk::Widget) -> anyhow::Result<Arc<Self>> {
        let around = page
            .parent()
            .and_then(|parent| parent.downcast::<gtk::Box>().ok())
            .ok_or_else(|| anyhow::anyhow!("the page does not stand in a box"))?;
        let area = gtk::DrawingArea::new();
        let overlay = gtk::Overlay::new();
        around.remove(page);
        overlay.add(page);
        overlay.add_overlay(&area);
        overlay.set_overlay_pass_through(&area, true);
        around.pack_start(&overlay, true, true, 0);
        // Without a window of its own for input, clicks fall through to the page.
        area.connect_realize(|area| {
            if let Some(window) = area.window() {
                window.set_pass_through(true);
            }
        });
        overlay.show_all();

        let feed = Feed::new();
        let screen = Rc::new(Screen { area: area.clone(), painted: RefCell::default() });
        let drawing = screen.clone();
        area.connect_draw(move |_, context| {
            drawing.draw(context);
            glib::Propagation::Proceed
        });
        glib::MainContext::default().spawn_local(follow(feed.clone(), screen));
        Ok(Arc::new(Self { feed }))
    }
}

/// Asks for repainting where something changed; GTK paints at most once a frame of the screen.
async fn follow(feed: Arc<Feed>, screen: Rc<Screen>) {
    let mut placements = feed.placements();
    loop {
        match feed.next(&mut placements).await {
            Change::Placed => screen.place(placements.borrow_and_update().clone()),
            Change::Fresh => screen.refresh(),
        }
    }
}

/// What is painted. Lives on the main thread.
struct Screen {
    area: gtk::DrawingArea,
    painted: RefCell<Painted>,
}

#[derive(Default)]
struct Painted {
    placement: Arc<Placement>,
    /// The last picture of each tile, by the tile's address: what is repainted when only the page changed.
    pictures: HashMap<*const Tile, cairo::ImageSurface>,
    /// Tiles that are repainted whole in the next frame. Only these take a newer picture: a repaint that the page asked
    /// for may cover half a tile, and would else join two pictures.
    queued: HashSet<*const Tile>,
}

impl Screen {
    fn place(&self, placement: Arc<Placement>) {
        let mut painted = self.painted.borrow_mut();
        painted.queued = placement.tiles.iter().map(|placed| Arc::as_ptr(&placed.tile)).collect();
        let Painted { pictures, queued, .. } = &mut *painted;
        pictures.retain(|tile, _| queued.contains(tile));
        painted.placement = placement;
        self.area.queue_draw();
    }

    fn refresh(&self) {
        let Painted { placement, queued, .. } = &mut *self.painted.borrow_mut();
        for placed in placement.tiles.iter().filter(|placed| !placed.hidden) {
            if placed.tile.take_fresh() {
                queued.insert(Arc::as_ptr(&placed.tile));
                let Area { x, y, width, height } = placed.area;
                self.area.queue_draw_area(x, y, width, height);
            }
        }
    }

    fn draw(&self, context: &cairo::Context) {
        let mut painted = self.painted.borrow_mut();
        let Painted { placement, pictures, queued } = &mut *painted;
        let clip = clip_rectangle(context);
        for placed in placement.tiles.iter().filter(|placed| !placed.hidden) {
            if clip.is_some_and(|clip| clip.intersect(&rectangle(placed.area)).is_none()) {
                continue;
            }
            let take = queued.remove(&Arc::as_ptr(&placed.tile));
            if let Err(error) = draw_tile(context, placed, take, pictures) {
                tracing::warn!(%error, "a tile could not be painted");
            }
        }
    }
}

/// Paints one tile: ground, and the whole picture as large as it fits; `take`: the newest one.
fn draw_tile(
    context: &cairo::Context,
    placed: &Placed,
    take: bool,
    pictures: &mut HashMap<*const Tile, cairo::ImageSurface>,
) -> anyhow::Result<()> {
    let key = Arc::as_ptr(&placed.tile);
    let mut drawn = None;
    if take {
        let copied = placed.tile.newest(|picture| {
            drawn = Some(picture.meta);
            copy(pictures.remove(&key), &picture)
        });
        if let Some(surface) = copied {
            pictures.insert(key, surface?);
        }
    }
    let Some(surface) = pictures.get(&key) else { return Ok(()) };
    let Area { x, y, width, height } = placed.area;
    let (x, y, width, height) = (f64::from(x), f64::from(y), f64::from(width), f64::from(height));
    let (picture_width, picture_height) = (f64::from(surface.width()), f64::from(surface.height()));
    let scale = (width / picture_width).min(height / picture_height);

    context.save()?;
    context.rectangle(x, y, width, height);
    context.clip();
    context.set_source_rgb(GROUND.0, GROUND.1, GROUND.2);
    context.paint()?;
    // On whole pixels, a picture that already has the right size is copied and not filtered.
    let left = (x + (width - picture_width * scale) / 2.0).round();
    let top = (y + (height - picture_height * scale) / 2.0).round();
    context.translate(left, top);
    context.scale(scale, scale);
    context.set_source_surface(surface, 0.0, 0.0)?;
    context.source().set_filter(cairo::Filter::Bilinear);
    context.paint()?;
    context.restore()?;
    if let Some(meta) = drawn {
        placed.tile.drawn(meta);
    }
    Ok(())
}

/// Copies a picture into a surface, the one before if it has the same size.
fn copy(before: Option<cairo::ImageSurface>, picture: &Picture<'_>) -> anyhow::Result<cairo::ImageSurface> {
    let (width, height) = (i32::try_from(picture.width)?, i32::try_from(picture.height)?);
    let before = before.filter(|old| old.width() == width && old.height() == height);
    let mut surface = match before {
        Some(surface) => surface,
        None => cairo::ImageSurface::create(cairo::Format::Rgb24, width, height)?,
    };
    let line_bytes = usize::try_from(width)? * 4;
    let target_stride = usize::try_from(surface.stride())?;
    let source_stride = usize::try_from(picture.stride)?;
    let mut data = surface.data()?;
    if source_stride == target_stride && data.len() == picture.bgrx.len() {
        data.copy_from_slice(picture.bgrx);
    } else {
        for (target, source) in data.chunks_mut(target_stride).zip(picture.bgrx.chunks(source_stride)) {
            if let (Some(target), Some(source)) = (target.get_mut(..line_bytes), source.get(..line_bytes)) {
                target.copy_from_slice(source);
            }
        }
    }
    drop(data);
    Ok(surface)
}

fn rectangle(area: Area) -> gdk::Rectangle {
    gdk::Rectangle::new(area.x, area.y, area.width, area.height)
}

/// The part of the area that is to be repainted; `None`: nothing bounds it.
fn clip_rectangle(context: &cairo::Context) -> Option<gdk::Rectangle> {
    let (left, top, right, bottom) = context.clip_extents().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "a window is far smaller than an i32")]
    let whole = |value: f64| value as i32;
    let (x, y) = (whole(left.floor()), whole(top.floor()));
    Some(gdk::Rectangle::new(x, y, whole(right.ceil()) - x, whole(bottom.ceil()) - y))
}
