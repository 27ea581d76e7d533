use proptest::prelude::*;

use super::*;

#[test]
fn tables_ascend() {
    for pair in HIDDEN.windows(2) {
        assert!(pair[0].0 <= pair[0].1 && pair[0].1 < pair[1].0, "{pair:?}");
    }
    for (first, last, name) in NAMES {
        assert!(
            is_hidden(first) && is_hidden(last) && !name.is_empty(),
            "{first:?}"
        );
    }
}

#[test]
fn names_that_people_have_are_taken() {
    for name in [
        "",
        "Case Clerk",
        "Grüße & Söhne, Zürich (2. Stock)",
        "D’Arcy – O'Brien",
        "李小龍",
        "葛\u{e0100}城",
        "Владимир Ильич",
        "שרה כהן",
        "محمد علی",
        "\u{200f}(שרה) כהן!\u{200f} (2)",
        "C++\u{200e} שרה",
        "\u{61c}محمد (2)\u{61c}",
        "می\u{200c}خواهم",
        "क\u{94d}\u{200d}ष",
        "ශ\u{dca}\u{200d}රී",
        "മോഹന\u{d4d}\u{200d}ലാല\u{d4d}\u{200d}",
        "হঠাত\u{9cd}\u{200d}",
        "น้ำฝน",
        "❤\u{fe0f} 1\u{fe0f}\u{20e3}",
        "👩🏽\u{200d}🚀 🏃\u{200d}♂\u{fe0f} ❤\u{fe0f}\u{200d}🔥",
        "a\u{301}",
        "\u{600}١٢ \u{6dd} \u{70f} \u{8e2} \u{110bd}",
        "\u{e000}田 \u{f0000}",
        "ᠮᠣᠩᠭᠣᠯ\u{180b} ᠠ\u{180e}ᠠ",
        "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    ] {
        assert_eq!(check(name), Ok(()), "{name:?}");
        assert!(
            matches!(shown(name), Cow::Borrowed(same) if same == name),
            "{name:?}"
        );
    }
}

#[test]
fn hidden_characters_are_named_and_left_out() {
    for (text, words, plain) in [
        ("gpj.\u{202e}exe", "U+202E (right-to-left override)", "gpj.exe"),
        ("\u{202a}x", "U+202A (left-to-right embedding)", "x"),
        ("x\u{202c}", "U+202C (pop directional formatting)", "x"),
        ("a\u{2066}b\u{2069}", "U+2066 (left-to-right isolate)", "ab"),
        ("a\u{200e}b", "U+200E (left-to-right mark)", "ab"),
        ("a\u{61c}b", "U+061C (Arabic letter mark)", "ab"),
        ("שרה a\u{200f}b", "U+200F (right-to-left mark)", "שרה ab"),
        ("\u{200f}", "U+200F (right-to-left mark)", ""),
        ("\u{200f}12", "U+200F (right-to-left mark)", "12"),
        ("Ca\u{200b}se", "U+200B (zero width space)", "Case"),
        ("Ca\u{200d}se", "U+200D (zero width joiner)", "Case"),
        ("Ca\u{200c}se", "U+200C (zero width non-joiner)", "Case"),
        (
            "\u{41e}\u{441}\u{200d}\u{430}",
            "U+200D (zero width joiner)",
            "\u{41e}\u{441}\u{430}",
        ),
        ("می\u{200c}", "U+200C (zero width non-joiner)", "می"),
        (
            "می\u{200c}\u{200c}خ",
            "U+200C (zero width non-joiner)",
            "می\u{200c}خ",
        ),
        (
            "क\u{94d}\u{200d}\u{200d}",
            "U+200D (zero width joiner)",
            "क\u{94d}\u{200d}",
        ),
        ("Case\u{fe0f}", "U+FE0F (variation selector)", "Case"),
        ("1\u{fe0f}", "U+FE0F (variation selector)", "1"),
        ("e\u{e0101}", "U+E0101 (format character)", "e"),
        ("Ca\u{ad}se", "U+00AD (soft hyphen)", "Case"),
        ("\u{feff}Case", "U+FEFF (byte order mark)", "Case"),
        ("Case\u{3164}", "U+3164 (Hangul filler)", "Case"),
        ("Case\u{2800}", "U+2800 (blank Braille pattern)", "Case"),
        ("a\u{2028}b", "U+2028 (line separator)", "ab"),
        ("a\u{e0041}b", "U+E0041 (format character)", "ab"),
        ("a\u{180e}b", "U+180E (format character)", "ab"),
        (
            "\u{1f3f4}\u{e0067}\u{e0062}",
            "U+E0067 (format character)",
            "\u{1f3f4}",
        ),
        ("\u{1f3f4}\u{e007f}", "U+E007F (format character)", "\u{1f3f4}"),
        (
            "\u{1f3f4}\u{e0067}\u{e007f}\u{e0067}",
            "U+E0067 (format character)",
            "\u{1f3f4}\u{e0067}\u{e007f}",
        ),
        ("a\u{fffe}b\u{afffe}", "U+FFFE (format character)", "ab"),
        ("a\0b", "U+0000 (NUL)", "a b"),
        ("a\tb\u{1b}[31m", "U+0009 (control character)", "a b [31m"),
        ("a\u{85}b", "U+0085 (control character)", "a b"),
    ] {
        let found = check(text).map_err(|hidden| hidden.to_string());
        assert_eq!(found, Err(words.to_owned()), "{text:?}");
        assert_eq!(shown(text), plain, "{text:?}");
    }
}

#[test]
fn escapes_tell_what_is_stored_from_what_it_looks_like() {
    assert_eq!(escaped("ca\u{200b}se@x.test"), "ca\\u{200b}se@x.test");
    assert_eq!(escaped("a\nb"), "a\\nb");
    assert_eq!(escaped("שרה"), "שרה");
}

#[test]
fn logins_are_told_apart() {
    use IdentifierError as E;
    let hidden = |c| E::Hidden(HiddenCharacter(c));
    for (login, expected) in [
        ("case", Ok(())),
        ("case.clerk_2+x@example.com", Ok(())),
        ("käthe", Ok(())),
        ("nguyễn", Ok(())),
        ("владимир", Ok(())),
        ("владимир@example.com", Ok(())),
        ("γιώργος", Ok(())),
        ("田中さくら", Ok(())),
        ("김철수", Ok(())),
        ("שרה", Ok(())),
        ("y\u{131}ld\u{131}z", Ok(())),
        ("\u{259}li", Ok(())),
        ("\u{253}a\u{257}o\u{199}i", Ok(())),
        ("\u{25b}k\u{254}", Ok(())),
        ("tanaka田中.it", Ok(())),
        ("प्रिया", Ok(())),
        ("விக்ரம்", Ok(())),
        ("น้ำฝน", Ok(())),
        ("\u{94d}क", Err(E::Character('\u{94d}'))),
        ("a\u{94d}", Err(E::Character('\u{94d}'))),
        ("क\u{966}", Err(E::Character('\u{966}'))),
        ("क\u{964}", Err(E::Character('\u{964}'))),
        ("田中ж", Err(E::MixedScripts)),
        ("ca\u{202e}se", Err(hidden('\u{202e}'))),
        ("ca\u{200d}se", Err(hidden('\u{200d}'))),
        ("می\u{200c}خ", Err(hidden('\u{200c}'))),
        ("\u{200f}שרה", Err(hidden('\u{200f}'))),
        ("case\u{3164}", Err(hidden('\u{3164}'))),
        ("ca se", Err(E::Character(' '))),
        ("田\u{e000}", Err(E::Character('\u{e000}'))),
        ("adm\u{26a}n", Err(E::Character('\u{26a}'))),
        ("\u{ff43}ase", Err(E::Character('\u{ff43}'))),
        ("cas\u{1d41e}", Err(E::Character('\u{1d41e}'))),
        ("case\u{b2}", Err(E::Character('\u{b2}'))),
        ("case\u{661}", Err(E::Character('\u{661}'))),
        ("cafe\u{301}", Err(E::Character('\u{301}'))),
        ("c\u{430}se", Err(E::MixedScripts)),
        ("владим\u{69}р", Err(E::MixedScripts)),
        ("\u{441}\u{430}\u{435}", Err(E::LooksLatin)),
        ("\u{440}\u{443}\u{441}.1@example.com", Err(E::LooksLatin)),
        ("case@\u{441}\u{43e}.com", Err(E::MixedScripts)),
    ] {
        assert_eq!(check_identifier(login), expected, "{login:?}");
    }
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>(),
        proptest::sample::select(vec![
            'a',
            'é',
            'ж',
            'ی',
            'خ',
            'क',
            '\u{94d}',
            '漢',
            '1',
            ' ',
            '❤',
            '🚀',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{61c}',
            'ש',
            '\u{3164}',
            '\u{fe0f}',
            '\u{20e3}',
            '\u{202e}',
            '\u{e0100}',
            '\u{e0067}',
            '\u{e007f}',
            '\u{1f3f4}',
            '\u{1820}',
            '\u{180b}',
            '\n',
            '\0',
        ]),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #[test]
    fn what_is_taken_is_shown_as_it_was_typed(text in text()) {
        let is_taken = check(&text).is_ok();
        prop_assert_eq!(is_taken, shown(&text) == text);
    }

    #[test]
    fn what_is_shown_could_be_taken(text in text()) {
        let shown = shown(&text).into_owned();
        prop_assert_eq!(check(&shown), Ok(()), "{:?}", text);
    }

    #[test]
    fn what_is_left_out_is_hidden(text in text()) {
        let visible = |text: &str| -> String { text.chars().filter(|&c| !is_hidden(c) && c != ' ').collect() };
        prop_assert_eq!(visible(&shown(&text)), visible(&text));
    }

    #[test]
    fn login_that_is_taken_has_no_hidden_character_and_scripts_that_go_together(text in text()) {
        if check_identifier(&text).is_ok() {
            prop_assert_eq!(check(&text), Ok(()));
            for side in text.split('@') {
                let mut scripts = side.chars().filter_map(script);
                let first = scripts.next();
                prop_assert!(scripts.all(|script| first.is_some_and(|first| first.stands_with(script))));
            }
        }
    }
}
