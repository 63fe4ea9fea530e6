//! What a camera's event topics mean: a table of makers' topics, kept as data in `topics.tsv`.

use hausrecht_model::EventKind;

/// What a notification says in Hausrecht's own terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The kind; [`EventKind::Unknown`] for a topic that the table lacks.
    pub kind: EventKind,
    /// `true` when it starts, `false` when it ends, `None` for something without duration.
    pub active: Option<bool>,
}
