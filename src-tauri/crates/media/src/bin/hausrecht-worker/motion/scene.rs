//! Whether something moves in a row of small grey pictures. Pure: pictures and their times in, changes out.
//!
//! Each picture is cut into cells, and each cell has a running mean (the background) and a running mean of how much it differs
//! from itself half a second ago (its noise). A cell is *changed* when it lies further from its background than its own noise
//! explains, so a waving branch, a picture that is grainy at night and the seconds of a clock in the picture are learned and
//! stay quiet. It is *moving* if it differs from half a second ago by more than its noise too, so what was put down or taken
//! away is no motion for long. A change of the light is taken out before,
//! and one of the whole picture at once (a lamp, the switch to night) makes the scene be learned anew.

use std::collections::VecDeque;

use hausrecht_media::MotionSettings;

/// Size of a picture in pixels; its shape is not kept, so that zones are where they are in the whole picture.
pub(crate) const WIDTH: usize = 160;
/// See [`WIDTH`].
pub(crate) const HEIGHT: usize = 96;
const CELL: usize = 2;
const COLUMNS: usize = WIDTH / CELL;
const ROWS: usize = HEIGHT / CELL;
const CELLS: usize = COLUMNS * ROWS;

/// How many cells must be changed, by sensitivity from 1 to 10. A person who fills a ninth of the picture's height, 40 of 360
/// lines, changes about ten.
const LEAST_CELLS: [usize; 10] = [100, 56, 32, 18, 10, 8, 7, 6, 5, 4];
/// How long the scene is learned at first, and after the light has changed.
const LEARN_FIRST_US: u64 = 4_000_000;
const LEARN_AGAIN_US: u64 = 2_000_000;
/// A scene is not learned from fewer pictures than this.
const LEARN_PICTURES: u32 = 5;
/// How fast the background follows a cell that is quiet, one that is changed, and how fast noise is learned.
const QUIET_US: f32 = 5_000_000.0;
const CHANGED_US: f32 = 12_000_000.0;
const NOISE_US: f32 = 20_000_000.0;
/// The least and the most noise that is believed, in grey levels.
const NOISE: (f32, f32) = (1.0, 25.0);
/// A part of the whole picture that does not change at once unless the light does.
const LIGHT_SHARE: f32 = 0.5;
const CALM_SHARE: f32 = 0.25;
/// How old the picture is that tells what moves from what lies.
const BEFORE_US: u64 = 400_000;
/// How many pictures in a row must show it, and how long. A thing that is there from one picture to the next, such as the next
/// minute of a clock, differs from half a second ago for less than that.
const PICTURES_IN_A_ROW: u32 = 2;
const ROW_US: u64 = 500_000;
/// How long it must be quiet.
const QUIET_TO_END_US: u64 = 3_000_000;
/// A break in the pictures after which the scene is learned anew.
const BREAK_US: u64 = 10_000_000;

/// Motion began or ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Change {
    /// Whether it began.
    pub(crate) active: bool,
    /// The zone with the most of it.
    pub(crate) zone: Option<u32>,
    /// The part of that zone that changed, 0 to 1.
    pub(crate) share: f32,
}

/// The cells of a zone.
#[derive(Debug)]
struct Zone {
    number: Option<u32>,
    cells: Vec<usize>,
}

/// What was learned of a scene, and whether something moves in it.
#[derive(Debug)]
pub(crate) struct Scene {
    least_step: f32,
    noise_factor: f32,
    least_cells: usize,
    zones: Vec<Zone>,
    background: Vec<f32>,
    noise: Vec<f32>,
    earlier: VecDeque<(u64, Vec<f32>)>,
    last_us: Option<u64>,
    learned: u32,
    learn_until_us: u64,
    share_before: f32,
    in_a_row: u32,
    row_from_us: u64,
    active: Option<Change>,
    seen_us: u64,
}

impl Scene {
    /// A scene of which nothing is known yet.
    pub(crate) fn new(settings: &MotionSettings) -> Self {
        let step = settings.sensitivity.clamp(1, 10);
        let sensitivity = f32::from(step);
        Self {
            least_step: 26.0 - 2.0 * sensitivity,
            noise_factor: 5.0 - 0.2 * sensitivity,
            least_cells: LEAST_CELLS.get(usize::from(step) - 1).copied().unwrap_or(CELLS),
            zones: zones(settings),
            background: Vec::new(),
            noise: vec![NOISE.0; CELLS],
            earlier: VecDeque::new(),
            last_us: None,
            learned: 0,
            learn_until_us: 0,
            share_before: 0.0,
            in_a_row: 0,
            row_from_us: 0,
            active: None,
            seen_us: 0,
        }
    }

    /// Whether motion is going on.
    #[cfg(test)]
    pub(crate) fn is_active(&self) -> bool {
        self.active.is_some()
    }

    /// Takes the next picture, [`WIDTH`] times [`HEIGHT`] bytes, and says whether motion begins or ends with it. One of
    /// another size is left out.
    pub(crate) fn look(&mut self, grey: &[u8], at_us: u64) -> Option<Change> {
        let cells = cells(grey)?;
        let passed_us = self.last_us.and_then(|last| at_us.checked_sub(last));
        self.last_us = Some(at_us);
        let Some(passed_us) = passed_us.filter(|passed| *passed < BREAK_US && !self.background.is_empty())
        else {
            self.learn_anew(&cells, at_us, LEARN_FIRST_US);
            return self.quiet(at_us);
        };
        if self.learned < LEARN_PICTURES || at_us < self.learn_until_us {
            let steps = self.steps(&cells, at_us);
            self.learn(&cells, &steps);
            self.keep(cells, at_us);
            return self.quiet(at_us);
        }
        let light = median(cells.iter().zip(&self.background).map(|(now, usual)| now - usual));
        let away: Vec<f32> =
            cells.iter().zip(&self.background).map(|(now, usual)| now - usual - light).collect();
        let changed = self.clumps(&away);
        let share = share_of(&changed);
        let sudden = share > LIGHT_SHARE && self.share_before < CALM_SHARE;
        self.share_before = share;
        if sudden || light.abs() > 60.0 {
            self.learn_anew(&cells, at_us, LEARN_AGAIN_US);
            return self.quiet(at_us);
        }
        let steps = self.steps(&cells, at_us);
        let found = self.find(&changed, &steps);
        self.follow(&cells, &steps, &changed, passed_us);
        self.keep(cells, at_us);
        self.judge(found, at_us)
    }

    /// Motion ends, because nobody looks any more.
    pub(crate) fn end(&mut self) -> Option<Change> {
        self.active.take().map(|change| Change { active: false, ..change })
    }

    fn learn_anew(&mut self, cells: &[f32], at_us: u64, how_long_us: u64) {
        self.background = cells.to_vec();
        self.earlier.clear();
        self.learned = 1;
        self.learn_until_us = at_us.saturating_add(how_long_us);
        self.share_before = 0.0;
        self.in_a_row = 0;
    }

    /// How far each cell is from where it was half a second ago, but for the light; of the first picture, nothing is known.
    fn steps(&self, cells: &[f32], at_us: u64) -> Vec<f32> {
        let old = |(then_us, _): &&(u64, Vec<f32>)| at_us.saturating_sub(*then_us) >= BEFORE_US;
        let Some((_, before)) = self.earlier.iter().rev().find(old).or_else(|| self.earlier.front()) else {
            return vec![0.0; CELLS];
        };
        let light = median(cells.iter().zip(before).map(|(now, then)| now - then));
        cells.iter().zip(before).map(|(now, then)| (now - then - light).abs()).collect()
    }

    /// While learning, every picture weighs the same.
    fn learn(&mut self, cells: &[f32], steps: &[f32]) {
        self.learned += 1;
        let weight = 1.0 / self.learned.min(1000) as f32;
        let now = cells.iter().zip(steps);
        for ((usual, noise), (now, step)) in self.background.iter_mut().zip(&mut self.noise).zip(now) {
            *usual += (now - *usual) * weight;
            *noise = (*noise + (step - *noise) * weight).clamp(NOISE.0, NOISE.1);
        }
    }

    fn keep(&mut self, cells: Vec<f32>, at_us: u64) {
        self.earlier.push_back((at_us, cells));
        while self.earlier.get(1).is_some_and(|(then_us, _)| at_us.saturating_sub(*then_us) >= BEFORE_US) {
            self.earlier.pop_front();
        }
    }

    /// The cells that are changed and have two neighbours that are: grain is scattered, things hang together.
    fn clumps(&self, away: &[f32]) -> Vec<bool> {
        let single: Vec<bool> = away
            .iter()
            .zip(&self.noise)
            .map(|(away, noise)| away.abs() > self.least_step.max(noise * self.noise_factor))
            .collect();
        (0..single.len())
            .map(|index| {
                is_set(&single, index) && neighbours(index).filter(|near| is_set(&single, *near)).count() >= 2
            })
            .collect()
    }

    /// The zone with the largest part changed, if there is enough of it and it moves.
    fn find(&self, changed: &[bool], steps: &[f32]) -> Option<Change> {
        let moving: Vec<bool> = steps
            .iter()
            .zip(&self.noise)
            .map(|(step, noise)| *step > (self.least_step / 2.0).max(noise * self.noise_factor / 2.0))
            .collect();
        let mut best: Option<Change> = None;
        for zone in &self.zones {
            let count = zone.cells.iter().filter(|index| is_set(changed, **index)).count();
            let least = self.least_cells.min(zone.cells.len().div_ceil(4));
            let both = |index: &&usize| is_set(changed, **index) && is_set(&moving, **index);
            let moving = zone.cells.iter().filter(both).count();
            if count < least.max(1) || moving < least.div_ceil(4) {
                continue;
            }
            let share = count as f32 / zone.cells.len() as f32;
            if best.is_none_or(|best| share > best.share) {
                best = Some(Change { active: true, zone: zone.number, share });
            }
        }
        best
    }

    /// Lets background and noise follow.
    fn follow(&mut self, cells: &[f32], steps: &[f32], changed: &[bool], passed_us: u64) {
        let part = |over_us: f32| 1.0 - (-(passed_us as f32) / over_us).exp();
        let (quiet, slow, noisy) = (part(QUIET_US), part(CHANGED_US), part(NOISE_US));
        let now = cells.iter().zip(steps).zip(changed);
        for ((usual, noise), ((now, step), changed)) in
            self.background.iter_mut().zip(&mut self.noise).zip(now)
        {
            *usual += (now - *usual) * if *changed { slow } else { quiet };
            *noise = (*noise + (step - *noise) * noisy).clamp(NOISE.0, NOISE.1);
        }
    }

    fn judge(&mut self, found: Option<Change>, at_us: u64) -> Option<Change> {
        let Some(found) = found else {
            self.in_a_row = 0;
            return self.quiet(at_us);
        };
        if self.in_a_row == 0 {
            self.row_from_us = at_us;
        }
        self.in_a_row += 1;
        if self.in_a_row < PICTURES_IN_A_ROW || at_us.saturating_sub(self.row_from_us) < ROW_US {
            return self.quiet(at_us);
        }
        self.seen_us = at_us;
        if self.active.is_some() {
            return None;
        }
        self.active = Some(found);
        Some(found)
    }

    fn quiet(&mut self, at_us: u64) -> Option<Change> {
        let since_us = at_us.checked_sub(self.seen_us);
        if since_us.is_none_or(|since| since >= QUIET_TO_END_US) { self.end() } else { None }
    }
}

fn is_set(cells: &[bool], index: usize) -> bool {
    cells.get(index).copied().unwrap_or(false)
}

fn share_of(cells: &[bool]) -> f32 {
    cells.iter().filter(|set| **set).count() as f32 / CELLS as f32
}

/// The mean of each cell.
fn cells(grey: &[u8]) -> Option<Vec<f32>> {
    if grey.len() != WIDTH * HEIGHT {
        return None;
    }
    let mut sums = vec![0_u32; CELLS];
    for (y, line) in grey.chunks_exact(WIDTH).enumerate() {
        let row = sums.chunks_exact_mut(COLUMNS).nth(y / CELL)?;
        for (sum, pixels) in row.iter_mut().zip(line.chunks_exact(CELL)) {
            *sum += pixels.iter().map(|pixel| u32::from(*pixel)).sum::<u32>();
        }
    }
    Some(sums.into_iter().map(|sum| sum as f32 / (CELL * CELL) as f32).collect())
}

fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    let middle = values.len() / 2;
    if values.is_empty() {
        return 0.0;
    }
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// The up to eight cells around one.
fn neighbours(index: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (index % COLUMNS, index / COLUMNS);
    let rows = y.saturating_sub(1)..=(y + 1).min(ROWS - 1);
    rows.flat_map(move |row| {
        (x.saturating_sub(1)..=(x + 1).min(COLUMNS - 1)).map(move |column| row * COLUMNS + column)
    })
    .filter(move |near| *near != index)
}

/// The cells of each zone; of the whole picture if there is none.
fn zones(settings: &MotionSettings) -> Vec<Zone> {
    if settings.zones.is_empty() {
        return vec![Zone { number: None, cells: (0..CELLS).collect() }];
    }
    (0..)
        .zip(settings.zones.iter().take(MotionSettings::MAX_ZONES))
        .filter(|(_, corners)| (3..=MotionSettings::MAX_CORNERS).contains(&corners.len()))
        .map(|(number, corners)| Zone { number: Some(number), cells: cells_in(corners) })
        .collect()
}

/// The cells whose middle lies inside; for a zone that is smaller than a cell, the one in which its own middle lies.
fn cells_in(corners: &[(f32, f32)]) -> Vec<usize> {
    let middle = |index: usize| {
        let (column, row) = ((index % COLUMNS) as f32, (index / COLUMNS) as f32);
        ((column + 0.5) / COLUMNS as f32, (row + 0.5) / ROWS as f32)
    };
    let inside: Vec<usize> = (0..CELLS).filter(|index| is_inside(corners, middle(*index))).collect();
    if !inside.is_empty() {
        return inside;
    }
    let count = corners.len() as f32;
    let (x, y) =
        corners.iter().fold((0.0, 0.0), |(x, y), corner| (x + corner.0 / count, y + corner.1 / count));
    let apart = |index: &usize| {
        let (cell_x, cell_y) = middle(*index);
        (cell_x - x).powi(2) + (cell_y - y).powi(2)
    };
    (0..CELLS).min_by(|a, b| apart(a).total_cmp(&apart(b))).into_iter().collect()
}

/// The even-odd rule: whether a ray to the right crosses the outline an odd number of times.
fn is_inside(corners: &[(f32, f32)], (x, y): (f32, f32)) -> bool {
    let next = corners.iter().cycle().skip(1);
    let crossed = corners
        .iter()
        .zip(next)
        .filter(|((ax, ay), (bx, by))| (*ay > y) != (*by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax);
    crossed.count() % 2 == 1
}
