//! Passphrases: six drawn words are offered first, own ones are rated.
//!
//! The words are the English list of BIP 39: 2048 words that differ in their first four letters, so each drawn word adds
//! exactly 11 bits. The list comes from the crate `bip39` 3.0.0 (CC0-1.0).

use std::{fmt, sync::LazyLock};

use age::secrecy::SecretString;
use rand::seq::IndexedRandom;
use serde::Serialize;
use zxcvbn::feedback::{Suggestion, Warning};

/// Words in a suggested passphrase.
const WORD_COUNT: u8 = 6;

static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("passphrase/words.txt").lines().collect());

/// A passphrase that was drawn.
pub struct Suggested {
    /// Six words with a space between them.
    pub words: SecretString,
    /// Bits of entropy that drawing it took: 66. This is exact, since each word is drawn evenly and independently.
    pub bits: f64,
}

impl fmt::Debug for Suggested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Suggested({} bits)", self.bits)
    }
}

/// Draws a passphrase from `rng`.
pub fn suggest(rng: &mut impl rand::CryptoRng) -> Suggested {
    // The longest word has eight letters: no growing, so no copy of the words is left behind.
    let mut words = String::with_capacity(usize::from(WORD_COUNT) * 9);
    for _ in 0..WORD_COUNT {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(WORDS.choose(rng).expect("the list has 2048 words"));
    }
    let bits_a_word = f64::from(u32::try_from(WORDS.len()).expect("the list has 2048 words")).log2();
    Suggested { words: SecretString::from(words), bits: f64::from(WORD_COUNT) * bits_a_word }
}

/// What zxcvbn thinks of a passphrase. An estimate for words that a person chose, not a proof.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Rating {
    /// 0 (guessed at once) to 4 (hard to guess even with the sealed file at hand).
    pub score: u8,
    /// Decimal logarithm of the guesses that it would take.
    pub guesses_log10: f64,
    /// What makes it weak, if one thing does.
    pub warning: Option<Weakness>,
    /// What would make it better; empty for a good one.
    pub advice: Vec<Advice>,
}

/// Rates `passphrase`; `inputs` are words an attacker would try first, such as the owner's name. Only the first 100
/// characters count.
pub fn rate(passphrase: &str, inputs: &[&str]) -> Rating {
    let entropy = zxcvbn::zxcvbn(passphrase, inputs);
    let feedback = entropy.feedback();
    Rating {
        score: u8::from(entropy.score()),
        guesses_log10: entropy.guesses_log10(),
        warning: feedback.and_then(|f| f.warning()).map(Weakness::from),
        advice: feedback
            .map(|f| f.suggestions().iter().copied().map(Advice::from).collect())
            .unwrap_or_default(),
    }
}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident from $foreign:ident { $($(#[$case_doc:meta])* $case:ident = $foreign_case:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$case_doc])* $case,)*
        }

        impl From<$foreign> for $name {
            fn from(foreign: $foreign) -> Self {
                match foreign {
                    $($foreign::$foreign_case => Self::$case,)*
                }
            }
        }
    };
}

codes!(
    /// What makes a passphrase weak. The window has a sentence for each in every language.
    Weakness from Warning {
        /// A row of keys.
        KeyRow = StraightRowsOfKeysAreEasyToGuess,
        /// A short pattern on the keyboard.
        KeyPattern = ShortKeyboardPatternsAreEasyToGuess,
        /// One letter again and again.
        Repeat = RepeatsLikeAaaAreEasyToGuess,
        /// A few letters again and again.
        RepeatedGroup = RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess,
        /// Among the ten most used.
        TopTen = ThisIsATop10Password,
        /// Among the hundred most used.
        TopHundred = ThisIsATop100Password,
        /// Often used.
        Common = ThisIsACommonPassword,
        /// Like one that is often used.
        LikeCommon = ThisIsSimilarToACommonlyUsedPassword,
        /// Letters or digits in order.
        Sequence = SequencesLikeAbcAreEasyToGuess,
        /// A recent year.
        Year = RecentYearsAreEasyToGuess,
        /// A single word.
        OneWord = AWordByItselfIsEasyToGuess,
        /// A date.
        Date = DatesAreOftenEasyToGuess,
        /// A name by itself.
        OneName = NamesAndSurnamesByThemselvesAreEasyToGuess,
        /// A common name.
        CommonName = CommonNamesAndSurnamesAreEasyToGuess,
    }
);

codes!(
    /// What would make a passphrase better. The window has a sentence for each in every language.
    Advice from Suggestion {
        /// Use a few words, no common phrase.
        FewWords = UseAFewWordsAvoidCommonPhrases,
        /// Symbols, digits and capitals are not needed.
        NoSymbolsNeeded = NoNeedForSymbolsDigitsOrUppercaseLetters,
        /// Add another word or two.
        MoreWords = AddAnotherWordOrTwo,
        /// A capital at the start helps little.
        CapitalsHelpLittle = CapitalizationDoesntHelpVeryMuch,
        /// All capitals help little.
        AllCapitalsHelpLittle = AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase,
        /// Reversed words help little.
        ReversingHelpsLittle = ReversedWordsArentMuchHarderToGuess,
        /// Replacing `a` by `@` helps little.
        SubstitutesHelpLittle = PredictableSubstitutionsDontHelpVeryMuch,
        /// Use a longer keyboard pattern.
        LongerPattern = UseALongerKeyboardPatternWithMoreTurns,
        /// Repeat nothing.
        NoRepeats = AvoidRepeatedWordsAndCharacters,
        /// No sequences.
        NoSequences = AvoidSequences,
        /// No recent years.
        NoRecentYears = AvoidRecentYears,
        /// No years that belong to you.
        NoOwnYears = AvoidYearsThatAreAssociatedWithYou,
        /// No dates that belong to you.
        NoOwnDates = AvoidDatesAndYearsThatAreAssociatedWithYou,
    }
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use age::secrecy::ExposeSecret;
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_list_is_what_its_figure_of_entropy_needs() {
        let distinct: BTreeSet<_> = WORDS.iter().collect();
        assert_eq!((WORDS.len(), distinct.len()), (2048, 2048));
        assert!(
            WORDS.iter().all(|w| (3..=8).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_lowercase()))
        );
        let starts: BTreeSet<_> = WORDS.iter().map(|w| &w[..w.len().min(4)]).collect();
        assert_eq!(starts.len(), 2048, "four letters name each word");
    }

    #[test]
    fn six_words_of_eleven_bits_each() {
        let suggested = suggest(&mut rand::rngs::StdRng::seed_from_u64(7));
        assert_eq!(suggested.words.expose_secret().split(' ').count(), 6);
        assert_eq!(suggested.bits, 66.0);
        assert!(rate(suggested.words.expose_secret(), &[]).score == 4);
        assert_eq!(format!("{suggested:?}"), "Suggested(66 bits)");
    }

    #[test]
    fn own_passphrases_are_rated() {
        let weak = rate("password1", &[]);
        assert!(weak.score <= 1 && !weak.advice.is_empty(), "{weak:?}");
        let named = rate("margarethe1968", &["Margarethe"]);
        assert!(named.guesses_log10 < rate("margarethe1968", &[]).guesses_log10 + 0.01);
        assert_eq!(rate("", &[]).score, 0);
        assert_eq!(serde_json::to_value(rate("qwertyuiop", &[]).warning).unwrap(), "top_hundred");
    }
}
