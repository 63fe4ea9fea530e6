//! Witnesses of the log.

use hausrecht_model::UnixMicros;
use serde::{Deserialize, Serialize};

/// A witness, and what it has said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct WitnessView {
    /// Its name, from its key.
    pub name: String,
    /// Where it answers.
    pub url: String,
    /// Its key.
    pub key: String,
    /// Entries of the log that it has seen.
    #[specta(type = u32)]
    pub size: u64,
    /// When it saw them, by its own clock.
    pub seen_us: Option<UnixMicros>,
    /// What was wrong when it was asked last.
    pub problem: Option<WitnessProblem>,
}

/// What is wrong with a witness, or with the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, specta::Type)]
pub struct WitnessProblem {
    /// What.
    pub trouble: WitnessTrouble,
    /// Particulars, an English sentence.
    pub detail: String,
}

/// What can be wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum WitnessTrouble {
    /// It does not answer.
    Silent,
    /// It answers, but knows another log, or has another key.
    Refused,
    /// It has seen more entries than the log has: something was cut off.
    Cut,
    /// It has seen other entries: the log was written anew.
    Fork,
}

/// Time stamps of the log (RFC 3161).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct TimeStamps {
    /// Where the authority answers that the owner named.
    pub authority: Option<String>,
    /// How many stamps there are.
    #[specta(type = u32)]
    pub count: u64,
    /// The newest.
    pub newest: Option<StampView>,
    /// What was wrong when the authority was asked last, an English sentence.
    pub problem: Option<String>,
}

/// A time stamp.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct StampView {
    /// Entries of the log that it covers.
    #[specta(type = u32)]
    pub size: u64,
    /// When, by the authority's clock.
    pub time_us: UnixMicros,
    /// Where the authority answered.
    pub authority: String,
}

/// Time stamps that were written out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, specta::Type)]
pub struct StampsExported {
    /// How many.
    #[specta(type = u32)]
    pub count: u64,
    /// Where they are: `checkpoint-N.txt`, and its stamp `checkpoint-N.tsr`.
    pub folder: String,
}
