//! The words of a search, compared as the full-text index compares them: without case and diacritics.

use unicode_normalization::UnicodeNormalization;

use crate::SearchQuery;

/// Folded words; the last may be the start of a word.
#[derive(Debug, Clone)]
pub(super) struct Words {
    whole: Vec<String>,
    start: String,
}

impl Words {
    /// The words of a query.
    pub(super) fn of(query: &SearchQuery) -> Self {
        let mut whole: Vec<String> = query.words().map(fold).collect();
        let start = whole.pop().unwrap_or_default();
        Self { whole, start }
    }

    /// Whether every word occurs in `texts`.
    pub(super) fn occur_in(&self, texts: &[&str]) -> bool {
        let mut missing: Vec<&str> = self.whole.iter().map(String::as_str).collect();
        let mut started = false;
        for text in texts {
            for word in text.split(|c: char| !is_part(c)).filter(|word| !word.is_empty()) {
                let matches = |wanted: &str, same: fn(&str, &str) -> bool| {
                    if word.is_ascii() {
                        same_ascii(word, wanted, same)
                    } else {
                        same(&fold(word), wanted)
                    }
                };
                started = started || matches(&self.start, |word, start| word.starts_with(start));
                missing.retain(|wanted| !matches(wanted, |word, wanted| word == wanted));
                if started && missing.is_empty() {
                    return true;
                }
            }
        }
        false
    }

    /// The folded words that must occur whole.
    pub(super) fn whole(&self) -> &[String] {
        &self.whole
    }

    /// The folded start of a word that must occur.
    pub(super) fn start(&self) -> &str {
        &self.start
    }
}

/// Compares without an allocation where the first letter already tells them apart, which is nearly always.
fn same_ascii(word: &str, wanted: &str, same: fn(&str, &str) -> bool) -> bool {
    let first = word.bytes().next().map(|byte| byte.to_ascii_lowercase());
    word.len() >= wanted.len() && first == wanted.bytes().next() && same(&word.to_ascii_lowercase(), wanted)
}

/// Whether a character belongs to a word: letters, digits, and marks that fold away.
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || is_mark(c)
}

const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    word.nfd()
        .filter(|c| !is_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'ς' { 'σ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Words {
        Words::of(&SearchQuery::parse(text).expect("searchable"))
    }

    #[test]
    fn every_word_must_occur_and_the_last_may_be_a_start() {
        let texts = ["Your Policy renewal", "client@example.com"];
        assert!(words("policy ren").occur_in(&texts));
        assert!(words("EXAMPLE client").occur_in(&texts));
        assert!(!words("pol renewal").occur_in(&texts));
        assert!(!words("policy claim").occur_in(&texts));
    }

    #[test]
    fn case_and_diacritics_are_alike() {
        assert!(words("cafe").occur_in(&["CAFÉ crème"]));
        assert!(words("ÜBER").occur_in(&["uber allem"]));
    }
}
