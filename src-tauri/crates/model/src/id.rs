//! Identifiers: 64 random bits, written as sixteen lower-case hexadecimal digits.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A text that is not an identifier.
#[derive(Debug, thiserror::Error)]
#[error("“{0}” is not an id: sixteen hexadecimal digits are expected")]
pub struct ParseIdError(String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, specta::Type)]
        #[specta(transparent)]
        pub struct $name(#[specta(type = String)] u64);

        impl $name {
            /// Draws a new identifier from `rng`.
            pub fn random(rng: &mut impl rand::Rng) -> Self {
                Self(rng.random())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:016x})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let plain = text.len() == 16
                    && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
                match u64::from_str_radix(text, 16) {
                    Ok(value) if plain => Ok(Self(value)),
                    Ok(_) | Err(_) => Err(ParseIdError(text.to_owned())),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A question whether somebody may open a clip, to the one who must agree.
    AskId
);
id!(
    /// A moment that somebody marked.
    BookmarkId
);
id!(
    /// A camera.
    CameraId
);
id!(
    /// A fetch from the card in a camera.
    CardJobId
);
id!(
    /// A clip: about a minute of one camera.
    ClipId
);
id!(
    /// Something that a camera reported.
    EventId
);
id!(
    /// A grant: who may view what, until when.
    GrantId
);
id!(
    /// What is kept until it is released.
    HoldId
);
id!(
    /// A file that was imported.
    ImportId
);
id!(
    /// A person who may view something, the owner among them.
    PersonId
);
id!(
    /// A wall that somebody has arranged.
    WallId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = CameraId::random(&mut rand::rng());
        assert_eq!(id.to_string().parse::<CameraId>().unwrap(), id);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "12", "00000000000000zz", "+0000000000000ff", "0123456789ABCDEF"] {
            assert!(text.parse::<CameraId>().is_err(), "{text}");
        }
    }
}
