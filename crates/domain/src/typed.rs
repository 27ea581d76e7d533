//! What somebody typed to find a name or an address.

/// Words of which each has to begin a word of what is looked for, in any order, without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Typed(Vec<String>);

impl Typed {
    /// Most characters that are looked at.
    pub const MAX_CHARS: usize = 100;

    /// Takes the words of a text; they are parted by white space, so that an address is one word.
    pub fn of(text: &str) -> Self {
        let text: String = text.chars().take(Self::MAX_CHARS).collect();
        Self(text.split_whitespace().map(str::to_lowercase).collect())
    }

    /// Whether nothing was typed, which everything answers to.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The word that was typed last, in small letters.
    pub fn last(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// Whether each word begins a word of one of `texts`. A word begins where a letter or digit follows none, and
    /// what was typed may go on over its end: `case@ex` begins a word of `case@example.com`.
    pub fn begins_in(&self, texts: &[&str]) -> bool {
        let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
        self.0
            .iter()
            .all(|word| texts.iter().any(|text| begins(text, word)))
    }
}

fn begins(text: &str, word: &str) -> bool {
    let mut inside = false;
    text.char_indices().any(|(at, c)| {
        let starts = c.is_alphanumeric() && !inside;
        inside = c.is_alphanumeric();
        (starts || at == 0) && text.get(at..).is_some_and(|rest| rest.starts_with(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_typed_begins_a_word() {
        let texts = ["Élise O'Neil-Case", "elise.case@office.example.com"];
        for typed in [
            "",
            "éli",
            "NEIL",
            "case é",
            "elise.c",
            "elise.case@off",
            "example",
            "com  neil",
        ] {
            assert!(Typed::of(typed).begins_in(&texts), "{typed:?}");
        }
        for typed in ["lise", "xample", "neil nobody", "@office", "case@example"] {
            assert!(!Typed::of(typed).begins_in(&texts), "{typed:?}");
        }
    }

    #[test]
    fn long_text_is_cut() {
        let typed = Typed::of(&"x".repeat(5_000));
        assert_eq!(typed.last().map(str::len), Some(Typed::MAX_CHARS));
        assert!(!typed.is_empty());
        assert!(Typed::of(" \t").is_empty());
    }
}
