//! Text that reads as it is: no characters that nobody sees, that turn what follows around, or that pass for others
//! (Unicode Technical Standard #39, Unicode Standard Annex #31).
//!
//! | text | rule | function |
//! | --- | --- | --- |
//! | names of people, offices and keys, display names, tags, reasons | no hidden character | [`check`] |
//! | local parts of addresses | none of them, joiners neither, nor private use | [`is_hidden`], [`is_private_use`] |
//! | what people sign in with | besides, letters of one script that do not all look Latin | [`check_identifier`] |
//! | what was stored before, comes inside mail, or is the product's name | shown without them | [`shown`] |
//! | logins and addresses stored before, for those who correct them | shown as escapes | [`escaped`] |
//!
//! Joiners, selectors and marks of direction are taken in the first row where what is around them needs them.
//!
//! Subjects, bodies and file names travel as they came: only how they are shown is a matter of this module.

mod scripts;

use std::borrow::Cow;

use self::scripts::{Script, looks_latin, script, script_of_mark};

/// Signs that take a consonant's vowel away: a joiner behind one is spelling, whatever follows (RFC 5892 appendix A).
const VIRAMAS: [char; 12] = [
    '\u{94d}', '\u{9cd}', '\u{a4d}', '\u{acd}', '\u{b4d}', '\u{bcd}', '\u{c4d}', '\u{ccd}', '\u{d4d}',
    '\u{dca}', '\u{1039}', '\u{17d2}',
];
/// The keycap of emoji such as 1 with U+FE0F.
const KEYCAP: char = '\u{20e3}';
/// The flag that tags make a region's (UTS #51 §C.1), the tag that ends them, and how many there are besides the first.
const BLACK_FLAG: char = '\u{1f3f4}';
const CANCEL_TAG: char = '\u{e007f}';
const REGION_TAGS_MAX: usize = 6;

/// Ranges of hidden characters besides controls and noncharacters, ascending, of Unicode 16: general category Cf without
/// the signs that Arabic, Syriac and Kaithi write around numbers and names, line and paragraph separators, default
/// ignorable code points, and letters and signs that are blank.
const HIDDEN: [(char, char); 20] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fdd0}', '\u{fdef}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// What the hidden characters that people meet are called.
const NAMES: [(char, char, &str); 26] = [
    ('\0', '\0', "NUL"),
    ('\u{ad}', '\u{ad}', "soft hyphen"),
    ('\u{34f}', '\u{34f}', "combining grapheme joiner"),
    ('\u{61c}', '\u{61c}', "Arabic letter mark"),
    ('\u{115f}', '\u{1160}', "Hangul filler"),
    ('\u{200b}', '\u{200b}', "zero width space"),
    ('\u{200c}', '\u{200c}', "zero width non-joiner"),
    ('\u{200d}', '\u{200d}', "zero width joiner"),
    ('\u{200e}', '\u{200e}', "left-to-right mark"),
    ('\u{200f}', '\u{200f}', "right-to-left mark"),
    ('\u{2028}', '\u{2028}', "line separator"),
    ('\u{2029}', '\u{2029}', "paragraph separator"),
    ('\u{202a}', '\u{202a}', "left-to-right embedding"),
    ('\u{202b}', '\u{202b}', "right-to-left embedding"),
    ('\u{202c}', '\u{202c}', "pop directional formatting"),
    ('\u{202d}', '\u{202d}', "left-to-right override"),
    ('\u{202e}', '\u{202e}', "right-to-left override"),
    ('\u{2060}', '\u{2060}', "word joiner"),
    ('\u{2066}', '\u{2066}', "left-to-right isolate"),
    ('\u{2067}', '\u{2067}', "right-to-left isolate"),
    ('\u{2068}', '\u{2068}', "first strong isolate"),
    ('\u{2069}', '\u{2069}', "pop directional isolate"),
    ('\u{2800}', '\u{2800}', "blank Braille pattern"),
    ('\u{3164}', '\u{3164}', "Hangul filler"),
    ('\u{fe00}', '\u{fe0f}', "variation selector"),
    ('\u{feff}', '\u{feff}', "byte order mark"),
];

/// A character that nobody sees, or that changes how what is around it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("U+{:04X} ({})", u32::from(*.0), name_of(*.0))]
pub struct HiddenCharacter(pub char);

impl HiddenCharacter {
    /// Why a text with it is refused, and what to do, to stand behind the name of a field.
    pub fn reason(self) -> String {
        format!(
            "has the character {self} in it, which is invisible or changes how the rest is shown: remove it"
        )
    }
}

/// Why people cannot sign in with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum IdentifierError {
    /// A hidden character.
    #[error("{}", .0.reason())]
    Hidden(HiddenCharacter),
    /// Neither a letter or digit that is taken nor one of `.`, `_`, `-`, `@`, `+`; or one that passes for another.
    #[error(
        "has {} in it, which is not allowed or looks like another character: use letters, digits 0 to 9 and . _ - @ +",
        described(*.0)
    )]
    Character(char),
    /// Letters of several scripts, as Latin and Cyrillic.
    #[error("mixes letters of several alphabets: use one")]
    MixedScripts,
    /// Letters of another script that can all be read as Latin ones.
    #[error("has letters of another alphabet that all look like Latin ones: write it in Latin letters")]
    LooksLatin,
}

/// A character as it can be told to people.
fn described(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        '!'..='~' => format!("the character {c}"),
        _ => format!("the character U+{:04X}", u32::from(c)),
    }
}

/// Whether a character is a control or format character, turns the direction of text around, or is blank or a
/// noncharacter. Joiners, selectors and marks of direction are, too, though [`check`] and [`shown`] take them where they
/// belong.
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    // Most text, spared the search: Latin letters, Chinese, Japanese and Korean.
    if matches!(c, '\u{ae}'..='\u{34e}' | '\u{3165}'..='\u{d7ff}') {
        return false;
    }
    // The last two of each plane are noncharacters.
    c.is_control()
        || u32::from(c) & 0xfffe == 0xfffe
        || HIDDEN
            .binary_search_by(|&(first, last)| compare(first, last, c))
            .is_ok()
}

/// Whether a font alone says what `c` looks like, as for rare characters in Chinese and Japanese names: local parts and
/// logins have none.
pub fn is_private_use(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}')
}

/// Whether `c` only marks the direction of what is beside it, as Hebrew and Arabic need it next to Latin and punctuation;
/// [`check`] and [`shown`] take it next to letters that are written from right to left.
pub fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// Checks a name of one line: it has no hidden character in it.
///
/// # Errors
/// The first [`HiddenCharacter`].
pub fn check(text: &str) -> Result<(), HiddenCharacter> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    let mut letters = Letters::of(text);
    let mut before = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if is_hidden(c) && !is_in_place(before, c, chars.as_str(), || letters.are_right_to_left_around(at)) {
            return Err(HiddenCharacter(c));
        }
        before = Some(c);
    }
    Ok(())
}

/// Checks what somebody signs in with, in lower case: letters of one script on each side of an @, or of Latin with Chinese,
/// Japanese or Korean, digits 0 to 9, and `.`, `_`, `-`, `@`, `+`.
///
/// # Errors
/// What keeps it from being told from others.
pub fn check_identifier(text: &str) -> Result<(), IdentifierError> {
    if let Some(c) = text.chars().find(|&c| is_hidden(c)) {
        return Err(IdentifierError::Hidden(HiddenCharacter(c)));
    }
    text.split('@').try_for_each(check_side)
}

/// Checks one side of an @, or the whole.
fn check_side(text: &str) -> Result<(), IdentifierError> {
    let mut found: Option<Script> = None;
    for c in text.chars() {
        if c.is_ascii_digit() || "._-+".contains(c) {
            continue;
        }
        // A mark belongs to a letter of its script, so none comes first.
        let mark = found.and_then(|found| script_of_mark(c).filter(|script| *script == found));
        let script = script(c).or(mark).ok_or(IdentifierError::Character(c))?;
        if found.is_some_and(|other| !other.stands_with(script)) {
            return Err(IdentifierError::MixedScripts);
        }
        found = Some(script);
    }
    let mut letters = text.chars().filter(|c| c.is_alphabetic());
    if found.is_some_and(|script| script != Script::Latin) && letters.all(looks_latin) {
        return Err(IdentifierError::LooksLatin);
    }
    Ok(())
}

/// A text as it is shown: control characters become spaces, other hidden characters are left out.
pub fn shown(text: &str) -> Cow<'_, str> {
    if check(text).is_ok() {
        return Cow::Borrowed(text);
    }
    let mut letters = Letters::of(text);
    let mut shown = String::with_capacity(text.len());
    let mut before = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let kept = if c.is_control() {
            Some(' ')
        } else if is_hidden(c) {
            is_in_place(before, c, chars.as_str(), || letters.are_right_to_left_around(at)).then_some(c)
        } else {
            Some(c)
        };
        if let Some(c) = kept {
            shown.push(c);
            before = Some(c);
        }
    }
    Cow::Owned(shown)
}

/// Whether tags behind a black flag and a first tag end as those of a region do, England's for example.
fn is_end_of_region(tags: &str) -> bool {
    let mut tags = tags.chars().take(REGION_TAGS_MAX);
    tags.find(|tag| !('\u{e0020}'..CANCEL_TAG).contains(tag)) == Some(CANCEL_TAG)
}

/// A text in which every hidden character is written as its escape, `\u{200b}`: what is stored is told from what it looks
/// like.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Whether the hidden character `c` stands where it belongs to what is around it.
fn is_in_place(
    before: Option<char>,
    c: char,
    after: &str,
    is_beside_right_to_left: impl FnOnce() -> bool,
) -> bool {
    let next = after.chars().next();
    match c {
        '\u{200c}' | '\u{200d}' => {
            let is_spelling = before.is_some_and(|c| VIRAMAS.contains(&c));
            let joins =
                before.is_some_and(can_be_joined) && next.is_some_and(|c| can_be_joined(c) && !is_hidden(c));
            is_spelling || joins
        }
        _ if is_direction_mark(c) => is_beside_right_to_left(),
        // 1 and U+FE0F become a keycap with U+20E3; else a selector follows a sign or ideograph.
        '\u{fe00}'..='\u{fe0f}' => match before {
            Some('0'..='9' | '#' | '*') => c == '\u{fe0f}' && next == Some(KEYCAP),
            Some(before) => takes_selector(before),
            None => false,
        },
        '\u{e0100}'..='\u{e01ef}' => before.is_some_and(takes_selector),
        // Selectors and the vowel separator of Mongolian.
        '\u{180b}'..='\u{180f}' => matches!(before, Some('\u{1820}'..='\u{18aa}')),
        '\u{e0020}'..='\u{e007f}' => match before {
            Some(BLACK_FLAG) => c != CANCEL_TAG && is_end_of_region(after),
            Some(before) => ('\u{e0020}'..CANCEL_TAG).contains(&before),
            None => false,
        },
        _ => false,
    }
}

/// The letters of a text that are nearest to a place, each looked for once.
struct Letters<'t> {
    ahead: std::str::CharIndices<'t>,
    before: Option<char>,
    after: Option<(usize, char)>,
}

impl<'t> Letters<'t> {
    fn of(text: &'t str) -> Self {
        let mut ahead = text.char_indices();
        let after = ahead.find(is_letter);
        Self {
            ahead,
            before: None,
            after,
        }
    }

    /// Whether the letter before or after a place, or both, are written from right to left. Places ascend.
    fn are_right_to_left_around(&mut self, at: usize) -> bool {
        while let Some((place, c)) = self.after
            && place < at
        {
            self.before = Some(c);
            self.after = self.ahead.find(is_letter);
        }
        let after = self.after.map(|(_, c)| c);
        self.before.is_some_and(is_right_to_left) || after.is_some_and(is_right_to_left)
    }
}

/// Whether what stands at a place is a letter that is seen.
fn is_letter(&(_, c): &(usize, char)) -> bool {
    c.is_alphabetic() && !is_hidden(c)
}

/// Whether a letter is Hebrew, Arabic or of another script that is written from right to left.
fn is_right_to_left(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fefc}')
}

/// Whether a joiner beside `c` changes how it looks: letters of joining scripts, combining marks, emoji and the selectors
/// behind them.
fn can_be_joined(c: char) -> bool {
    if c.is_alphabetic() {
        return script(c).is_some_and(Script::joins);
    }
    let is_mark = matches!(c, '\u{300}'..='\u{1fff}') && !c.is_numeric() && !c.is_whitespace();
    matches!(c, '\u{fe0e}' | '\u{fe0f}') || is_symbol(c) || (is_mark && !is_hidden(c))
}

/// Whether a variation selector behind `c` chooses a form of it.
fn takes_selector(c: char) -> bool {
    is_symbol(c) || script(c) == Some(Script::EastAsian)
}

/// Whether `c` is of the signs among which emoji are.
fn is_symbol(c: char) -> bool {
    matches!(
        c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{3030}' | '\u{303d}' | '\u{3297}'
            | '\u{3299}' | '\u{2190}'..='\u{27ff}' | '\u{2900}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}'
    )
}

fn compare(first: char, last: char, c: char) -> std::cmp::Ordering {
    if last < c {
        std::cmp::Ordering::Less
    } else if first > c {
        std::cmp::Ordering::Greater
    } else {
        std::cmp::Ordering::Equal
    }
}

/// What a hidden character is called.
fn name_of(c: char) -> &'static str {
    let other = if c.is_control() {
        "control character"
    } else {
        "format character"
    };
    NAMES
        .iter()
        .find(|(first, last, _)| (*first..=*last).contains(&c))
        .map_or(other, |(_, _, name)| *name)
}

#[cfg(test)]
mod tests;
