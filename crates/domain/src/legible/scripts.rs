//! Scripts of letters, as far as people sign in with them: the letters of today's languages, without compatibility forms
//! and those that only phonetic writing has.

use super::compare;

/// A script; those of Chinese, Japanese and Korean are one, because they are written together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Latin,
    Greek,
    Cyrillic,
    Armenian,
    Georgian,
    Hebrew,
    Arabic,
    Devanagari,
    Bengali,
    Gurmukhi,
    Gujarati,
    Oriya,
    Tamil,
    Telugu,
    Kannada,
    Malayalam,
    Sinhala,
    Thai,
    Lao,
    Tibetan,
    Myanmar,
    Ethiopic,
    Khmer,
    EastAsian,
}

impl Script {
    /// Whether one login may have letters of both: of one script, or Latin beside Chinese, Japanese or Korean, which are
    /// written together (UTS #39, Highly Restrictive).
    pub(super) fn stands_with(self, other: Self) -> bool {
        let is_of_pair = |script: Self| matches!(script, Self::Latin | Self::EastAsian);
        self == other || (is_of_pair(self) && is_of_pair(other))
    }

    /// Whether joiners and non-joiners are part of its spelling.
    pub(super) const fn joins(self) -> bool {
        matches!(
            self,
            Self::Arabic
                | Self::Devanagari
                | Self::Bengali
                | Self::Gurmukhi
                | Self::Gujarati
                | Self::Oriya
                | Self::Tamil
                | Self::Telugu
                | Self::Kannada
                | Self::Malayalam
                | Self::Sinhala
                | Self::Myanmar
                | Self::Khmer
        )
    }
}

/// Ranges that hold the letters of a script, ascending.
#[rustfmt::skip]
const RANGES: [(char, char, Script); 65] = [
    ('A', 'Z', Script::Latin),
    ('a', 'z', Script::Latin),
    ('\u{c0}', '\u{d6}', Script::Latin),
    ('\u{d8}', '\u{f6}', Script::Latin),
    ('\u{f8}', '\u{131}', Script::Latin),
    ('\u{134}', '\u{137}', Script::Latin),
    ('\u{139}', '\u{13e}', Script::Latin),
    ('\u{141}', '\u{148}', Script::Latin),
    ('\u{14a}', '\u{17e}', Script::Latin),
    ('\u{199}', '\u{199}', Script::Latin),
    ('\u{1a0}', '\u{1a1}', Script::Latin),
    ('\u{1af}', '\u{1b0}', Script::Latin),
    ('\u{218}', '\u{21b}', Script::Latin),
    ('\u{253}', '\u{254}', Script::Latin),
    ('\u{257}', '\u{257}', Script::Latin),
    ('\u{259}', '\u{259}', Script::Latin),
    ('\u{25b}', '\u{25b}', Script::Latin),
    ('\u{386}', '\u{386}', Script::Greek),
    ('\u{388}', '\u{3ce}', Script::Greek),
    ('\u{400}', '\u{481}', Script::Cyrillic),
    ('\u{48a}', '\u{52f}', Script::Cyrillic),
    ('\u{531}', '\u{556}', Script::Armenian),
    ('\u{561}', '\u{586}', Script::Armenian),
    ('\u{5d0}', '\u{5ea}', Script::Hebrew),
    ('\u{620}', '\u{63f}', Script::Arabic),
    ('\u{641}', '\u{64a}', Script::Arabic),
    ('\u{671}', '\u{674}', Script::Arabic),
    ('\u{679}', '\u{6d3}', Script::Arabic),
    ('\u{6d5}', '\u{6d5}', Script::Arabic),
    ('\u{900}', '\u{97f}', Script::Devanagari),
    ('\u{980}', '\u{9ff}', Script::Bengali),
    ('\u{a00}', '\u{a7f}', Script::Gurmukhi),
    ('\u{a80}', '\u{aff}', Script::Gujarati),
    ('\u{b00}', '\u{b7f}', Script::Oriya),
    ('\u{b80}', '\u{bff}', Script::Tamil),
    ('\u{c00}', '\u{c7f}', Script::Telugu),
    ('\u{c80}', '\u{cff}', Script::Kannada),
    ('\u{d00}', '\u{d7f}', Script::Malayalam),
    ('\u{d80}', '\u{dff}', Script::Sinhala),
    ('\u{e00}', '\u{e7f}', Script::Thai),
    ('\u{e80}', '\u{eff}', Script::Lao),
    ('\u{f00}', '\u{fff}', Script::Tibetan),
    ('\u{1000}', '\u{109f}', Script::Myanmar),
    ('\u{10d0}', '\u{10fa}', Script::Georgian),
    ('\u{1200}', '\u{137f}', Script::Ethiopic),
    ('\u{1780}', '\u{17b3}', Script::Khmer),
    ('\u{17b6}', '\u{17dd}', Script::Khmer),
    ('\u{1e00}', '\u{1e99}', Script::Latin),
    ('\u{1e9e}', '\u{1e9e}', Script::Latin),
    ('\u{1ea0}', '\u{1ef9}', Script::Latin),
    ('\u{3005}', '\u{3006}', Script::EastAsian),
    ('\u{3041}', '\u{3096}', Script::EastAsian),
    ('\u{309d}', '\u{309e}', Script::EastAsian),
    ('\u{30a1}', '\u{30fa}', Script::EastAsian),
    ('\u{30fc}', '\u{30fe}', Script::EastAsian),
    ('\u{3105}', '\u{312f}', Script::EastAsian),
    ('\u{3400}', '\u{4dbf}', Script::EastAsian),
    ('\u{4e00}', '\u{9fff}', Script::EastAsian),
    ('\u{ac00}', '\u{d7a3}', Script::EastAsian),
    ('\u{20000}', '\u{2a6df}', Script::EastAsian),
    ('\u{2a700}', '\u{2b739}', Script::EastAsian),
    ('\u{2b740}', '\u{2b81d}', Script::EastAsian),
    ('\u{2b820}', '\u{2cea1}', Script::EastAsian),
    ('\u{2ceb0}', '\u{2ebe0}', Script::EastAsian),
    ('\u{30000}', '\u{323af}', Script::EastAsian),
];

/// Marks of those scripts that spell and are no letters, ascending: signs without a vowel, dots, tones (general category M
/// without the property Alphabetic).
const MARKS: [(char, char); 35] = [
    ('\u{93c}', '\u{93c}'),
    ('\u{94d}', '\u{94d}'),
    ('\u{9bc}', '\u{9bc}'),
    ('\u{9cd}', '\u{9cd}'),
    ('\u{a3c}', '\u{a3c}'),
    ('\u{a4d}', '\u{a4d}'),
    ('\u{abc}', '\u{abc}'),
    ('\u{acd}', '\u{acd}'),
    ('\u{afd}', '\u{aff}'),
    ('\u{b3c}', '\u{b3c}'),
    ('\u{b4d}', '\u{b4d}'),
    ('\u{b55}', '\u{b55}'),
    ('\u{bcd}', '\u{bcd}'),
    ('\u{c3c}', '\u{c3c}'),
    ('\u{c4d}', '\u{c4d}'),
    ('\u{cbc}', '\u{cbc}'),
    ('\u{ccd}', '\u{ccd}'),
    ('\u{d3b}', '\u{d3c}'),
    ('\u{d4d}', '\u{d4d}'),
    ('\u{dca}', '\u{dca}'),
    ('\u{e47}', '\u{e4c}'),
    ('\u{e4e}', '\u{e4e}'),
    ('\u{eba}', '\u{eba}'),
    ('\u{ec8}', '\u{ecc}'),
    ('\u{f35}', '\u{f35}'),
    ('\u{f37}', '\u{f37}'),
    ('\u{f39}', '\u{f39}'),
    ('\u{f3e}', '\u{f3f}'),
    ('\u{f82}', '\u{f84}'),
    ('\u{f86}', '\u{f87}'),
    ('\u{1037}', '\u{1037}'),
    ('\u{1039}', '\u{103a}'),
    ('\u{135d}', '\u{135f}'),
    ('\u{17c9}', '\u{17d3}'),
    ('\u{17dd}', '\u{17dd}'),
];

/// Small letters of Cyrillic, Greek and Armenian that are read as Latin ones (confusables of UTS #39).
const LOOK_LATIN: &str = "\
    \u{430}\u{441}\u{435}\u{43e}\u{440}\u{445}\u{443}\u{43a}\u{456}\u{458}\u{455}\u{4bb}\u{4cf}\u{475}\u{501}\u{51b}\u{51d}\
    \u{3b1}\u{3b3}\u{3b9}\u{3ba}\u{3bd}\u{3bf}\u{3c1}\u{3c3}\u{3c4}\u{3c5}\u{3c7}\
    \u{561}\u{570}\u{578}\u{57d}\u{581}\u{584}\u{585}";

/// The script of a letter; `None` for what is no letter, and for letters that nobody should sign in with.
pub(super) fn script(c: char) -> Option<Script> {
    c.is_alphabetic().then(|| range(c)).flatten()
}

/// The script of a mark that spells and is no letter.
pub(super) fn script_of_mark(c: char) -> Option<Script> {
    let is_mark = MARKS
        .binary_search_by(|&(first, last)| compare(first, last, c))
        .is_ok();
    is_mark.then(|| range(c)).flatten()
}

/// In which script's range a character lies.
fn range(c: char) -> Option<Script> {
    let place = RANGES
        .binary_search_by(|&(first, last, _)| compare(first, last, c))
        .ok()?;
    RANGES.get(place).map(|&(_, _, script)| script)
}

/// Whether a small letter of another script is read as a Latin one.
pub(super) fn looks_latin(c: char) -> bool {
    LOOK_LATIN.contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_ascend() {
        for pair in RANGES.windows(2) {
            assert!(pair[0].0 <= pair[0].1 && pair[0].1 < pair[1].0, "{pair:?}");
        }
    }

    #[test]
    fn marks_ascend_and_have_a_script() {
        for pair in MARKS.windows(2) {
            assert!(pair[0].0 <= pair[0].1 && pair[0].1 < pair[1].0, "{pair:?}");
        }
        for c in MARKS.into_iter().flat_map(|(first, last)| first..=last) {
            assert!(script_of_mark(c).is_some(), "{c:?}");
        }
    }

    #[test]
    fn letters_that_look_latin_are_of_other_scripts_and_small() {
        for c in LOOK_LATIN.chars() {
            assert!(
                matches!(
                    script(c),
                    Some(Script::Cyrillic | Script::Greek | Script::Armenian)
                ),
                "{c:?}"
            );
            assert!(c.is_lowercase(), "{c:?}");
        }
    }
}
