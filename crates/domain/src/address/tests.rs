use proptest::prelude::*;

use super::*;
use crate::legible::{self, HiddenCharacter};

fn problem(text: &str) -> AddressProblem {
    Address::parse(text).expect_err(text).problem
}

#[test]
fn ordinary_and_unusual_addresses_are_kept_as_typed() {
    for text in [
        "case@office.example.com",
        "first.last+tag@Example.COM",
        "x@localhost",
        "\"a b\"@example.com",
        "\"a@b\"@example.com",
        "\"say \\\"hi\\\"\"@example.com",
        "root@[192.0.2.1]",
        "root@[IPv6:2001:db8::1]",
        "用户@例子.test",
        "o'brien@example.com",
    ] {
        let address = Address::parse(text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(address.to_string(), text);
        assert_eq!(format!("{}@{}", address.local_part(), address.domain()), text);
    }
}

#[test]
fn every_mistake_is_named() {
    use AddressProblem as P;
    let long = "x".repeat(65);
    for (text, expected) in [
        ("", P::Empty),
        ("case", P::MissingAt),
        ("a@b@c", P::TwoAtSigns),
        ("\"a\"@b@c", P::TwoAtSigns),
        ("@example.com", P::EmptyLocalPart),
        ("\"\"@example.com", P::EmptyLocalPart),
        ("case@", P::MissingDomain),
        ("da na@example.com", P::BadLocalCharacter(' ')),
        ("case,x@example.com", P::BadLocalCharacter(',')),
        ("case@exa mple.com", P::BadDomainCharacter(' ')),
        ("case@ex_ample.com", P::BadDomainCharacter('_')),
        (".case@example.com", P::MisplacedDot),
        ("case..x@example.com", P::MisplacedDot),
        ("case@example..com", P::EmptyLabel),
        ("case@example.com.", P::EmptyLabel),
        ("case@-example.com", P::MisplacedHyphen),
        ("case@example.com\r\nRCPT TO:<x@y>", P::LineEnd),
        ("case@example.com\0", P::ControlCharacter('\0')),
        ("\"case@example.com", P::UnbalancedQuote),
        ("\"da\"na@example.com", P::UnbalancedQuote),
        ("case@[300.0.0.1]", P::BadLiteral),
        ("case@[IPv6:zz]", P::BadLiteral),
        ("case@[x", P::BadLiteral),
        (&format!("{long}@example.com"), P::LocalPartTooLong { bytes: 65 }),
        ("case@\u{301}\u{e4}.test", P::BadInternationalDomain),
    ] {
        assert_eq!(problem(text), expected, "{text:?}");
    }
    assert_eq!(problem(&format!("a@{long}.test")), P::LabelTooLong);
    let domain = vec!["x".repeat(60); 4].join(".");
    assert_eq!(
        problem(&format!("{}@{domain}", "y".repeat(20))),
        P::TooLong { bytes: 264 }
    );
    assert_eq!(
        problem(&format!("y@{domain}.{domain}")),
        P::DomainTooLong { bytes: 487 }
    );
}

#[test]
fn hidden_characters_are_named_and_joiners_of_a_domain_are_its_spelling() {
    for (text, hidden) in [
        ("\u{202a}x@example.com", '\u{202a}'),
        ("x\u{202c}@example.com", '\u{202c}'),
        ("a\u{200d}b@example.com", '\u{200d}'),
        ("\u{6cc}\u{200c}\u{62e}@example.com", '\u{200c}'),
        ("\"\u{2066}x\"@example.com", '\u{2066}'),
        ("\u{3164}@example.com", '\u{3164}'),
        ("case@exam\u{200b}ple.com", '\u{200b}'),
        ("case@exam\u{ad}ple.com", '\u{ad}'),
        ("case@example.com\u{202c}", '\u{202c}'),
    ] {
        let expected = AddressProblem::HiddenCharacter(HiddenCharacter(hidden));
        assert_eq!(problem(text), expected, "{text:?}");
    }
    assert!(Address::parse("case@\u{6cc}\u{200c}\u{62e}.test").is_ok());
    for text in ["\u{e000}@example.com", "\"\u{e000}\"@example.com"] {
        assert_eq!(problem(text), AddressProblem::PrivateUse('\u{e000}'), "{text:?}");
    }
}

#[test]
fn refusal_shows_the_text_shortened_and_escaped() {
    let error = Address::parse("a@b@c").expect_err("two signs");
    assert_eq!(error.to_string(), "\"a@b@c\" has two @ signs");
    let error = Address::parse("a\nb@c").expect_err("line end");
    assert_eq!(error.to_string(), "\"a\\nb@c\" has a line end in it");
    let error = Address::parse("\u{202e}b@c").expect_err("hidden");
    assert_eq!(
        error.to_string(),
        "\"\\u{202e}b@c\" has the character U+202E (right-to-left override) in it, which is invisible or changes how \
         the rest is shown: remove it"
    );
    let error = Address::parse(&"x".repeat(5000)).expect_err("long");
    assert!(error.to_string().len() < 200);
}

#[test]
fn domains_compare_whatever_their_case_or_script() {
    let typed = Address::parse("case@BÜRO.example").expect("typed");
    let ascii = Address::parse("case@xn--bro-hoa.EXAMPLE").expect("ascii");
    assert_eq!(typed, ascii);
    assert_eq!(typed.to_ascii_domain(), "case@xn--bro-hoa.example");
    assert!(!typed.needs_smtputf8());
    assert_ne!(
        ascii,
        Address::parse("Case@xn--bro-hoa.example").expect("other case")
    );
    assert!(
        Address::parse("däna@example.com")
            .expect("utf-8")
            .needs_smtputf8()
    );
}

/// Text of characters that addresses are made of and hidden ones, some of it of the form of an address.
fn text() -> impl Strategy<Value = String> {
    let visible = prop_oneof!["[a-z0-9.\"\\\\@ \\[\\]]", "[éжクشक]"];
    let hidden = proptest::sample::select(vec![
        "\u{200b}",
        "\u{200c}",
        "\u{200d}",
        "\u{200e}",
        "\u{202e}",
        "\u{2066}",
        "\u{ad}",
        "\u{feff}",
        "\u{3164}",
        "\u{fe0f}",
        "\u{e0067}",
        "\u{e0100}",
        "\u{85}",
        "\n",
        "\0",
    ]);
    let piece = prop_oneof![6 => visible, 1 => hidden.prop_map(str::to_owned)];
    let pieces = |n: usize| proptest::collection::vec(piece.clone(), 0..n).prop_map(|all| all.concat());
    prop_oneof![
        "\\PC{0,300}|[\\x00-\\x7f]{0,40}",
        pieces(12),
        (pieces(6), pieces(6)).prop_map(|(local, domain)| format!("{local}a@b{domain}")),
    ]
}

proptest! {
    #[test]
    fn what_parses_reads_back_the_same(text in "[a-zé.\"\\\\ @\\[\\]0-9-]{0,40}") {
        if let Ok(address) = Address::parse(&text) {
            prop_assert_eq!(address.as_str(), &text);
            let again: Address = address.to_string().parse().expect("it parsed once");
            prop_assert_eq!(&again, &address);
            let ascii: Address = address.to_ascii_domain().parse().expect("the ASCII form is an address");
            prop_assert_eq!(&ascii, &address);
        }
    }

    #[test]
    fn built_from_its_grammar_it_parses(local in "[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\\.[a-z0-9]{1,10}){0,3}", domain in "[a-z0-9]{1,10}(\\.[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?){0,4}") {
        let text = format!("{local}@{domain}");
        let address = Address::parse(&text).expect("grammar");
        prop_assert_eq!(address.local_part(), local);
        prop_assert_eq!(address.domain(), domain);
    }

    #[test]
    fn any_text_is_an_address_or_a_named_problem(text in text()) {
        let is_joiner = |c: char| matches!(c, '\u{200c}' | '\u{200d}');
        match Address::parse(&text) {
            Ok(address) => {
                prop_assert!(!address.local_part().chars().any(legible::is_hidden));
                prop_assert!(!address.domain().chars().any(|c| legible::is_hidden(c) && !is_joiner(c)));
            }
            Err(error) => prop_assert!(!error.to_string().chars().any(legible::is_hidden)),
        }
    }
}
