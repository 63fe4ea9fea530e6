//! Turns the bytes of an answer into text, whatever the camera says that they are.

use std::borrow::Cow;

/// Before this many bytes the XML must begin.
const PREAMBLE_MAX_BYTES: usize = 2048;

/// Reads UTF-16 with or without a byte order mark, and otherwise UTF-8, in which what is no UTF-8 is taken for
/// ISO-8859-1: that is what it is where a camera declares it, and mostly where it declares UTF-8 wrongly.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest),
        [0xFF, 0xFE, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)),
        [0xFE, 0xFF, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)),
        [b'<', 0, ..] => Cow::Owned(utf16(bytes, u16::from_le_bytes)),
        [0, b'<', ..] => Cow::Owned(utf16(bytes, u16::from_be_bytes)),
        bytes => utf8(bytes),
    }
}

/// Cuts off what stands before the XML: white space, the head of a MIME part (SOAP with attachments), the number of a
/// chunk that a camera sends without announcing chunks.
pub(super) fn without_preamble(text: &str) -> &str {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}' || c == '\0');
    if text.starts_with('<') {
        return text;
    }
    let head = &text[..text.floor_char_boundary(PREAMBLE_MAX_BYTES)];
    let after_head =
        || ["\r\n\r\n", "\n\n"].into_iter().find_map(|gap| head.find(gap).map(|at| at + gap.len()));
    let start =
        if head.starts_with("--") { after_head() } else { head.find("<?xml").or_else(|| head.find('<')) };
    text[start.unwrap_or(0)..].trim_start()
}

fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut text = String::with_capacity(bytes.len() + bytes.len() / 8);
            for chunk in bytes.utf8_chunks() {
                text.push_str(chunk.valid());
                text.extend(chunk.invalid().iter().map(|&byte| latin1(byte)));
            }
            Cow::Owned(text)
        }
    }
}

/// The bytes between are control characters that nobody means.
fn latin1(byte: u8) -> char {
    if byte >= 0xA0 { char::from(byte) } else { char::REPLACEMENT_CHARACTER }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
