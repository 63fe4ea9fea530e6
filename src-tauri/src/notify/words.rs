//! The words of a notification, in the language of the window. The page has its own; it may be closed when these are
//! needed.

use hausrecht_engine::wire::Language;
use hausrecht_model::EventKind;

/// The words of one language.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Words {
    English,
    German,
}

impl Words {
    /// The words for the setting; `System` is what the environment says.
    pub(super) fn of(language: Language) -> Self {
        let from = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        match language {
            Language::En => Self::English,
            Language::De => Self::German,
            Language::System => Self::of_locale(
                &["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(from).unwrap_or_default(),
            ),
        }
    }

    fn of_locale(locale: &str) -> Self {
        let language = locale.split(['_', '.', '@', '-']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("de") { Self::German } else { Self::English }
    }

    /// What happened.
    pub(super) fn kind(self, kind: EventKind) -> &'static str {
        let (english, german) = match kind {
            EventKind::Motion => ("Motion", "Bewegung"),
            EventKind::Person => ("A person", "Eine Person"),
            EventKind::Vehicle => ("A vehicle", "Ein Fahrzeug"),
            EventKind::Animal => ("An animal", "Ein Tier"),
            EventKind::Face => ("A face", "Ein Gesicht"),
            EventKind::Package => ("A package", "Ein Paket"),
            EventKind::Line => ("A line was crossed", "Eine Linie wurde überquert"),
            EventKind::Intrusion => ("Somebody is in the zone", "Jemand ist im Bereich"),
            EventKind::Doorbell => ("Somebody rings", "Es klingelt"),
            EventKind::Sound => ("A sound", "Ein Geräusch"),
            EventKind::Tamper => {
                ("The camera was covered or turned", "Die Kamera wurde verdeckt oder verdreht")
            }
            EventKind::Input => ("An input changed", "Ein Eingang hat sich geändert"),
            // Also what a later version of the model may add.
            EventKind::Unknown | _ => ("The camera reports something", "Die Kamera meldet etwas"),
        };
        self.choose(english, german)
    }

    /// When it happened, and how many came before it within the same notification.
    pub(super) fn body(self, time: &str, more: u32) -> String {
        match more {
            0 => time.to_owned(),
            more => format!(
                "{time} · {more} {}",
                self.choose("more", if more == 1 { "weiteres" } else { "weitere" })
            ),
        }
    }

    /// The button that opens the clip.
    pub(super) fn open(self) -> &'static str {
        self.choose("Open", "Öffnen")
    }

    fn choose(self, english: &'static str, german: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::German => german,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_of_the_desktop_is_understood() {
        for (locale, words) in [
            ("de_DE.UTF-8", Words::German),
            ("de", Words::German),
            ("DE_AT@euro", Words::German),
            ("den_CA", Words::English),
            ("C.UTF-8", Words::English),
            ("", Words::English),
        ] {
            assert_eq!(Words::of_locale(locale), words, "{locale}");
        }
    }

    #[test]
    fn every_kind_has_its_own_words_in_both_languages() {
        let mut all: Vec<_> = EventKind::ALL
            .into_iter()
            .flat_map(|kind| [Words::English.kind(kind), Words::German.kind(kind)])
            .collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!(Words::German.body("07:05", 3), "07:05 · 3 weitere");
        assert_eq!(Words::English.body("07:05", 0), "07:05");
    }
}
