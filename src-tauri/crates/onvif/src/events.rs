//! A camera's events: one pull-point subscription and what arrives through it.

use hausrecht_model::UnixMicros;

use crate::{Error, topics::Meaning};

/// Whether a notification tells a first state, a change or an end of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The state at the time of the subscription: nothing happened just now.
    Initialized,
    /// The state changed.
    Changed,
    /// The property is gone.
    Deleted,
}

/// One thing that a camera reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The topic without namespace prefixes, `RuleEngine/CellMotionDetector/Motion`.
    pub topic: String,
    /// First state, change or end; `None` for something that has no state.
    pub operation: Option<Operation>,
    /// When, in our time: the camera's time corrected by its clock offset, or the time of arrival.
    pub at: UnixMicros,
    /// Where: names and values, for example `VideoSourceToken`.
    pub source: Vec<(String, String)>,
    /// What: names and values, for example `IsMotion`.
    pub data: Vec<(String, String)>,
}

impl Notification {
    /// What this means in Hausrecht's own terms.
    pub fn meaning(&self) -> Meaning {
        todo!()
    }
}

/// A subscription that lives until it is dropped or ended.
#[derive(Debug)]
pub struct Subscription {}

impl Subscription {
    /// Waits for the next notifications; empty when none came within the pull. It pulls again when the camera
    /// closes early, renews, and subscribes anew once when the camera has forgotten the subscription. After an
    /// error the next call subscribes anew; the caller decides how long to wait before that.
    ///
    /// # Errors
    /// What the last attempt ended with; see [`Error::needs_a_person`].
    pub async fn next(&mut self) -> Result<Vec<Notification>, Error> {
        todo!()
    }
    /// Ends the subscription at the camera; a refusal is no error.
    pub async fn unsubscribe(self) {
        todo!()
    }
}
