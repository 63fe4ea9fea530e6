//! Fragmented MP4 (ISO/IEC 14496-12) with one video track: what a clip is made of. Written here rather than by `mp4mux` so
//! that each fragment is one message with an exact count of pictures, and so that cutting costs no pipeline. Times are
//! microseconds throughout (timescale 1 000 000).

mod read;
#[cfg(test)]
mod tests;
mod whole;

use hausrecht_model::Codec;

pub use self::read::{Header, ParseError, Sample, find_box, parse_init, parse_moof};
pub use self::whole::{Row, Whole, free, head, mdat_head, tail};

/// What a decoder must know before the first picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Format {
    /// The codec.
    pub codec: Codec,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Contents of `avcC` or `hvcC`; empty for MJPEG, each picture of which is whole.
    pub codec_data: Vec<u8>,
}

/// One picture of a fragment.
#[derive(Clone, Copy, Debug)]
pub struct SampleEntry {
    /// When it is decoded, from the fragment's decode time on.
    pub duration_us: u32,
    /// Size in bytes.
    pub size_bytes: u32,
    /// Whether decoding can begin here.
    pub key: bool,
    /// Presentation time less decode time.
    pub composition_us: i32,
}

const SAMPLE_FLAGS_KEY: u32 = 0x0200_0000;
const SAMPLE_FLAGS_OTHER: u32 = 0x0101_0000;
const TIMESCALE: u32 = 1_000_000;

/// The identity matrix of `mvhd` and `tkhd`.
const MATRIX: [u32; 9] = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000];

/// Contents of `esds` for MJPEG. ISO/IEC 14496-14, 5.6; ISO/IEC 14496-1, 7.2.6.5 and 7.2.6.6. Sizes and bit rates stay 0, for
/// they are not known when a clip begins.
const JPEG_ESDS: [u8; 27] = [
    0, 0, 0, 0, // version and flags
    3, 21, 0, 0, 0, // ES_Descriptor: no number, no options
    4, 13, 0x6c, 0x11, // DecoderConfigDescriptor: JPEG (ISO/IEC 10918-1), a visual stream
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // buffer, highest and mean bit rate
    6, 1, 2, // SLConfigDescriptor: as MP4 has it
];

/// Writes `ftyp` and `moov`; `None` for a picture too large for it.
pub fn init_segment(format: &Format) -> Option<Vec<u8>> {
    let (entry, config, codec_data) = match format.codec {
        Codec::H264 => (b"avc1", b"avcC", &format.codec_data[..]),
        Codec::H265 => (b"hvc1", b"hvcC", &format.codec_data[..]),
        Codec::Mjpeg => (b"mp4v", b"esds", &JPEG_ESDS[..]),
    };
    let (width, height) = (u16::try_from(format.width).ok()?, u16::try_from(format.height).ok()?);
    let mut out = Vec::with_capacity(1024);
    boxed(&mut out, b"ftyp", |b| {
        b.extend(b"iso6");
        word(b, 0);
        b.extend(b"iso6mp41");
    });
    boxed(&mut out, b"moov", |moov| {
        full(moov, b"mvhd", 0, 0, |b| {
            words(b, &[0, 0, TIMESCALE, 0, 0x10000, 0x0100_0000, 0, 0]);
            words(b, &MATRIX);
            words(b, &[0, 0, 0, 0, 0, 0, 2]);
        });
        boxed(moov, b"trak", |trak| {
            full(trak, b"tkhd", 0, 3, |b| {
                words(b, &[0, 0, 1, 0, 0, 0, 0, 0, 0]);
                words(b, &MATRIX);
                words(b, &[u32::from(width) << 16, u32::from(height) << 16]);
            });
            boxed(trak, b"mdia", |mdia| {
                // Language “und”.
                full(mdia, b"mdhd", 0, 0, |b| words(b, &[0, 0, TIMESCALE, 0, 0x55c4_0000]));
                full(mdia, b"hdlr", 0, 0, |b| {
                    word(b, 0);
                    b.extend(b"vide");
                    words(b, &[0, 0, 0]);
                    b.extend(b"video\0");
                });
                boxed(mdia, b"minf", |minf| {
                    full(minf, b"vmhd", 0, 1, |b| words(b, &[0, 0]));
                    boxed(minf, b"dinf", |dinf| {
                        full(dinf, b"dref", 0, 0, |b| {
                            word(b, 1);
                            full(b, b"url ", 0, 1, |_| {});
                        });
                    });
                    boxed(minf, b"stbl", |stbl| {
                        full(stbl, b"stsd", 0, 0, |b| {
                            word(b, 1);
                            boxed(b, entry, |b| visual_entry(b, width, height, config, codec_data));
                        });
                        full(stbl, b"stts", 0, 0, |b| word(b, 0));
                        full(stbl, b"stsc", 0, 0, |b| word(b, 0));
                        full(stbl, b"stsz", 0, 0, |b| words(b, &[0, 0]));
                        full(stbl, b"stco", 0, 0, |b| word(b, 0));
                    });
                });
            });
        });
        boxed(moov, b"mvex", |mvex| {
            full(mvex, b"trex", 0, 0, |b| words(b, &[1, 1, 0, 0, SAMPLE_FLAGS_OTHER]));
        });
    });
    Some(out)
}

fn visual_entry(b: &mut Vec<u8>, width: u16, height: u16, config: &[u8; 4], codec_data: &[u8]) {
    words(b, &[0, 1, 0, 0, 0, 0]);
    b.extend(width.to_be_bytes());
    b.extend(height.to_be_bytes());
    // 72 dpi twice, as the specification has it, and one picture a sample.
    words(b, &[0x0048_0000, 0x0048_0000, 0]);
    b.extend(1_u16.to_be_bytes());
    b.extend([0; 32]);
    b.extend([0, 24, 0xff, 0xff]);
    boxed(b, config, |b| b.extend(codec_data));
}

/// Writes one `moof` and its `mdat`; `payloads` are the pictures in the order of `samples`.
pub fn fragment<'a>(
    number: u32,
    decode_us: u64,
    samples: &[SampleEntry],
    payloads: impl Iterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let payload_bytes: usize = samples.iter().map(|sample| sample.size_bytes as usize).sum();
    let mut out = Vec::with_capacity(payload_bytes + samples.len() * 16 + 128);
    let mut data_offset_at = 0;
    boxed(&mut out, b"moof", |moof| {
        full(moof, b"mfhd", 0, 0, |b| word(b, number));
        boxed(moof, b"traf", |traf| {
            full(traf, b"tfhd", 0, 0x02_0000, |b| word(b, 1));
            full(traf, b"tfdt", 1, 0, |b| b.extend(decode_us.to_be_bytes()));
            full(traf, b"trun", 1, 0x00_0f01, |b| {
                word(b, u32::try_from(samples.len()).unwrap_or(u32::MAX));
                data_offset_at = b.len();
                word(b, 0);
                for sample in samples {
                    let flags = if sample.key { SAMPLE_FLAGS_KEY } else { SAMPLE_FLAGS_OTHER };
                    words(b, &[sample.duration_us, sample.size_bytes, flags]);
                    b.extend(sample.composition_us.to_be_bytes());
                }
            });
        });
    });
    let data_offset = u32::try_from(out.len() + 8).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(data_offset_at..data_offset_at + 4) {
        place.copy_from_slice(&data_offset.to_be_bytes());
    }
    boxed(&mut out, b"mdat", |mdat| payloads.for_each(|payload| mdat.extend(payload)));
    out
}

fn word(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_be_bytes());
}

fn words(out: &mut Vec<u8>, values: &[u32]) {
    values.iter().for_each(|value| word(out, *value));
}

fn boxed(out: &mut Vec<u8>, kind: &[u8; 4], fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    word(out, 0);
    out.extend(kind);
    fill(out);
    let size = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&size.to_be_bytes());
    }
}

fn full(out: &mut Vec<u8>, kind: &[u8; 4], version: u8, flags: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    boxed(out, kind, |b| {
        word(b, u32::from(version) << 24 | flags);
        fill(b);
    });
}
