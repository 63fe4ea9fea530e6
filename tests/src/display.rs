//! An X display of one's own, and what is on it, pixel by pixel.
//!
//! Xvfb keeps its screen in a file in the format of xwd(1), so looking at it costs no X client and disturbs nothing.

use std::{
    fs, io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::{process::Owned, until::until_blocking};

/// A virtual display; it ends when dropped.
#[derive(Debug)]
pub struct Display {
    _server: Owned,
    number: u32,
    folder: tempfile::TempDir,
}

impl Display {
    /// Starts a display of `width` x `height` pixels in 24 bit colour.
    ///
    /// # Panics
    /// Xvfb does not start.
    pub fn start(width: u32, height: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the screen");
        // Xvfb picks a free number and writes it here.
        let number_file = folder.path().join("number");
        let written = fs::File::create(&number_file).expect("a file for the number");
        let mut command = Command::new("Xvfb");
        command
            .args(["-displayfd", "1", "-nolisten", "tcp", "-noreset", "-screen", "0"])
            .arg(format!("{width}x{height}x24"))
            .arg("-fbdir")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(written)
            .stderr(Stdio::null());
        let server = Owned::start(&mut command);
        let number = until_blocking("the display", Duration::from_secs(20), || {
            let text = fs::read_to_string(&number_file).map_err(|error| error.to_string())?;
            if text.ends_with('\n') {
                text.trim().parse::<u32>().map_err(|error| error.to_string())
            } else {
                Err(text)
            }
        });
        Self { _server: server, number, folder }
    }

    /// The value of `DISPLAY`.
    pub fn name(&self) -> String {
        format!(":{}", self.number)
    }

    /// Process id of the X server.
    pub fn server_pid(&self) -> u32 {
        self._server.0.id()
    }

    /// Looks at single points of the screen, as often as one likes.
    ///
    /// # Panics
    /// The screen file is not as xwd(1) describes it.
    pub fn glance(&self) -> Glance {
        let file =
            fs::File::open(self.folder.path().join("Xvfb_screen0")).expect("Xvfb keeps its screen in a file");
        let mut head = [0; 80];
        file.read_exact_at(&mut head, 0).expect("the file has a head");
        let layout = Layout::from_xwd(&head).expect("Xvfb writes the format of xwd");
        Glance { file, layout }
    }

    /// What is on the screen now.
    ///
    /// # Panics
    /// The screen file is not as xwd(1) describes it.
    pub fn picture(&self) -> Picture {
        let bytes =
            fs::read(self.folder.path().join("Xvfb_screen0")).expect("Xvfb keeps its screen in a file");
        Picture::from_xwd(&bytes).expect("Xvfb writes the format of xwd")
    }
}

impl Display {
    /// What is inside `area` now: a thousandth of the work of [`Display::picture`] for a small one, for looking many times a second.
    ///
    /// # Panics
    /// The screen file is not as xwd(1) describes it, or `area` reaches outside.
    pub fn part(&self, area: Area) -> Picture {
        let file =
            fs::File::open(self.folder.path().join("Xvfb_screen0")).expect("Xvfb keeps its screen in a file");
        let mut header = [0; 80];
        file.read_exact_at(&mut header, 0).expect("xwd has a header");
        let word = |index: usize| {
            let bytes = header.get(index * 4..index * 4 + 4).and_then(|bytes| bytes.try_into().ok());
            u64::from(u32::from_be_bytes(bytes.expect("the header has twenty words at least")))
        };
        assert_eq!((word(7), word(11)), (0, 32), "32 bits a pixel, the least byte first");
        let start = word(0) + word(19) * 12;
        let mut rgb = Vec::with_capacity((area.width * area.height * 3) as usize);
        let mut row = vec![0; area.width as usize * 4];
        for y in area.y..area.y + area.height {
            let at = start + u64::from(y) * word(12) + u64::from(area.x) * 4;
            file.read_exact_at(&mut row, at).expect("the area lies on the screen");
            rgb.extend(row.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]));
        }
        Picture { width: area.width, height: area.height, rgb }
    }
}

/// A picture in 8 bit RGB.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    rgb: Vec<u8>,
}

/// A part of a picture, in pixels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Area {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// Where the pixels are in the format of xwd(1): a header of 32 bit big-endian words, colours, then rows of 32 bit pixels.
#[derive(Clone, Copy, Debug)]
struct Layout {
    width: u32,
    height: u32,
    row_bytes: u32,
    start: u32,
    least_first: bool,
}

impl Layout {
    fn from_xwd(bytes: &[u8]) -> Option<Self> {
        let word = |index: usize| {
            let at = index * 4;
            Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
        };
        // Each colour is twelve bytes.
        let start = word(0)? + word(19)? * 12;
        let bits = word(11)?;
        (bits == 32).then_some(Self {
            width: word(4)?,
            height: word(5)?,
            row_bytes: word(12)?,
            start,
            least_first: word(7)? == 0,
        })
    }

    /// Where the pixel stands in the file.
    fn at(&self, x: u32, y: u32) -> u64 {
        u64::from(self.start) + u64::from(y) * u64::from(self.row_bytes) + u64::from(x) * 4
    }

    fn colour(&self, [a, b, c, d]: [u8; 4]) -> [u8; 3] {
        if self.least_first { [c, b, a] } else { [b, c, d] }
    }
}

/// Single points of a screen.
#[derive(Debug)]
pub struct Glance {
    file: fs::File,
    layout: Layout,
}

impl Glance {
    /// Red, green and blue at a point now.
    ///
    /// # Panics
    /// The point lies outside the screen.
    pub fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let mut pixel = [0; 4];
        self.file.read_exact_at(&mut pixel, self.layout.at(x, y)).expect("a point on the screen");
        self.layout.colour(pixel)
    }
}

impl Picture {
    fn from_xwd(bytes: &[u8]) -> Option<Self> {
        let layout = Layout::from_xwd(bytes)?;
        let (width, height) = (layout.width, layout.height);
        let mut rgb = Vec::with_capacity((width * height * 3) as usize);
        for row in 0..height {
            let at = usize::try_from(layout.at(0, row)).ok()?;
            for pixel in bytes.get(at..at + width as usize * 4)?.chunks_exact(4) {
                rgb.extend(layout.colour([pixel[0], pixel[1], pixel[2], pixel[3]]));
            }
        }
        Some(Self { width, height, rgb })
    }

    /// Reads a PNG file.
    ///
    /// # Errors
    /// There is none, or it is not 8 bit RGB or RGBA.
    pub fn load(path: &Path) -> io::Result<Self> {
        let decoder = png::Decoder::new(io::BufReader::new(fs::File::open(path)?));
        let mut reader = decoder.read_info()?;
        let size = reader.output_buffer_size().ok_or_else(|| io::Error::other("too large"))?;
        let mut bytes = vec![0; size];
        let info = reader.next_frame(&mut bytes)?;
        let channels = match info.color_type {
            png::ColorType::Rgb => 3,
            png::ColorType::Rgba => 4,
            png::ColorType::Grayscale | png::ColorType::GrayscaleAlpha | png::ColorType::Indexed => {
                return Err(io::Error::other("neither RGB nor RGBA"));
            }
        };
        let rgb =
            bytes[..info.buffer_size()].chunks_exact(channels).flat_map(|p| [p[0], p[1], p[2]]).collect();
        Ok(Self { width: info.width, height: info.height, rgb })
    }

    /// Writes a PNG file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<PathBuf> {
        let mut encoder =
            png::Encoder::new(io::BufWriter::new(fs::File::create(path)?), self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header()?.write_image_data(&self.rgb)?;
        Ok(path.to_owned())
    }

    /// Red, green and blue at a point.
    pub fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let at = ((y * self.width + x) * 3) as usize;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    /// The part of `area` whose pixels differ visibly from those of `other`, 0 to 1.
    ///
    /// # Panics
    /// `area` reaches outside either picture.
    pub fn changed(&self, other: &Self, area: Area) -> f64 {
        let mut changed = 0_u32;
        for y in area.y..area.y + area.height {
            for x in area.x..area.x + area.width {
                let (a, b) = (self.at(x, y), other.at(x, y));
                // Compression alone moves a channel by a few steps.
                if a.iter().zip(b).any(|(a, b)| a.abs_diff(b) > 24) {
                    changed += 1;
                }
            }
        }
        f64::from(changed) / f64::from(area.width * area.height)
    }

    /// How many different colours there are in `area`, coarsely: a flat surface has a handful, a camera's picture hundreds.
    pub fn colours(&self, area: Area) -> usize {
        let mut seen = std::collections::BTreeSet::new();
        for y in area.y..area.y + area.height {
            for x in area.x..area.x + area.width {
                seen.insert(self.at(x, y).map(|channel| channel / 16));
            }
        }
        seen.len()
    }

    /// Mean brightness of `area`, 0 to 255.
    pub fn brightness(&self, area: Area) -> f64 {
        let mut sum = 0_u64;
        for y in area.y..area.y + area.height {
            for x in area.x..area.x + area.width {
                sum += self.at(x, y).iter().map(|channel| u64::from(*channel)).sum::<u64>();
            }
        }
        sum as f64 / f64::from(area.width * area.height * 3)
    }
}
