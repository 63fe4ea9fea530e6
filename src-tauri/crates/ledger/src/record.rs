//! What the tree hashes of an entry: its hash, and the tags of the clips that it is about.
//!
//! An entry of version 2 stands in the tree as a few lines that say no more than that, so that whoever is shown all records from
//! a clip's first entry on can see that none about it was left out, and still reads nothing of the others:
//!
//! ```text
//! hausrecht-record-v2
//! 3f0a…  (SHA-256 of the entry, 64 hexadecimal digits)
//! 3086…  (a clip's tag; none, one or several lines, sorted)
//! ```
//!
//! An entry of version 1 is hashed as it is.

use std::collections::BTreeSet;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{ClipTag, Hash};

/// The first line of a record.
const HEAD: &str = "hausrecht-record-v2";
/// How every entry of version 2 ends: members are sorted by name.
const END: &[u8] = b",\"v\":2}";

/// What of an entry the record is made of.
#[derive(Deserialize)]
struct About {
    clip: Option<String>,
    #[serde(default)]
    facts: Facts,
}

#[derive(Default, Deserialize)]
struct Facts {
    #[serde(default)]
    tags: serde_json::Value,
}

/// The clips that a leaf is about: its `clip`, and those that it names in the fact `tags`.
pub fn tags_of(leaf: &[u8]) -> BTreeSet<ClipTag> {
    let Ok(about) = serde_json::from_slice::<About>(leaf) else { return BTreeSet::new() };
    let named = about.facts.tags.as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = about.clip.as_deref().into_iter().chain(named.iter().filter_map(serde_json::Value::as_str));
    texts.filter_map(|text| text.parse().ok()).collect()
}

/// Whether a leaf stands in the tree as a record that says nothing of it; else as it is.
pub(crate) fn is_hidden_in_tree(leaf: &[u8]) -> bool {
    leaf.ends_with(END)
}

/// The record of an entry with this hash about these clips.
pub fn record(entry: &Hash, tags: &BTreeSet<ClipTag>) -> Vec<u8> {
    let mut text = format!("{HEAD}\n{}\n", hex::encode(entry));
    for tag in tags {
        text.push_str(&tag.to_string());
        text.push('\n');
    }
    text.into_bytes()
}

/// What the tree hashes of a leaf.
pub fn record_of(leaf: &[u8]) -> Vec<u8> {
    if is_hidden_in_tree(leaf) { record(&Sha256::digest(leaf).into(), &tags_of(leaf)) } else { leaf.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_names_the_clips_and_nothing_else() {
        let (a, b) = ("aa".repeat(32), "bb".repeat(32));
        let leaf = format!(r#"{{"clip":"{b}","facts":{{"tags":["{a}","{b}"]}},"kind":"erased","v":2}}"#);
        let hash = hex::encode(Sha256::digest(&leaf));
        let text = String::from_utf8(record_of(leaf.as_bytes())).unwrap();
        assert_eq!(text, format!("hausrecht-record-v2\n{hash}\n{a}\n{b}\n"));
        let none = br#"{"facts":{"tags":"of something else"},"kind":"started","v":2}"#;
        assert!(tags_of(none).is_empty());
    }

    #[test]
    fn an_entry_of_the_first_version_stands_as_it_is() {
        let leaf = br#"{"clip":"x","v":1}"#;
        assert_eq!(record_of(leaf), leaf);
    }
}
