//! What happens to a recipient by the name it bears.

use std::collections::HashMap;
use std::time::Duration;

use super::config::ByAddress;
use crate::reply::{EnhancedCode, Reply};

/// Tries that a `grey…` recipient is put off.
const GREY_TRIES: u32 = 2;
/// Grey recipients remembered; beyond it the tries start anew.
const GREY_MAX: usize = 100_000;

/// The fate of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Accept,
    Refuse(Reply),
    RefuseThenClose(Reply),
    AcceptAfter(Duration),
    CutInContent,
}

/// The tries of grey recipients so far.
#[derive(Debug, Default)]
pub(super) struct Greylist {
    tries: HashMap<String, u32>,
}

impl Greylist {
    /// Decides about a recipient.
    pub(super) fn fate(&mut self, rules: ByAddress, address: &str) -> Fate {
        let ByAddress::On { stall } = rules else {
            return Fate::Accept;
        };
        let refuse = |code, (class, subject, detail), text: &'static str| {
            Reply::enhanced(code, EnhancedCode::new(class, subject, detail), text)
        };
        let starts = |name: &str| {
            address
                .get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        match () {
            () if starts("fail") => Fate::Refuse(refuse(550, (5, 1, 1), "No such mailbox here")),
            () if starts("full") => Fate::Refuse(refuse(552, (5, 2, 2), "The mailbox is full")),
            () if starts("defer") => Fate::Refuse(refuse(451, (4, 3, 0), "Try again later")),
            () if starts("grey") && self.puts_off(address) => {
                Fate::Refuse(refuse(450, (4, 7, 1), "Greylisted, try again later"))
            }
            () if starts("stall") => Fate::AcceptAfter(stall),
            () if starts("drop") => Fate::CutInContent,
            () if starts("busy") => {
                Fate::RefuseThenClose(refuse(421, (4, 3, 2), "Too busy, closing the connection"))
            }
            () => Fate::Accept,
        }
    }

    fn puts_off(&mut self, address: &str) -> bool {
        if self.tries.len() >= GREY_MAX {
            self.tries.clear();
        }
        let tries = self.tries.entry(address.to_owned()).or_default();
        *tries = tries.saturating_add(1);
        *tries <= GREY_TRIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: ByAddress = ByAddress::On {
        stall: Duration::from_secs(3),
    };

    fn code(fate: &Fate) -> u16 {
        match fate {
            Fate::Refuse(reply) | Fate::RefuseThenClose(reply) => reply.code,
            Fate::Accept | Fate::AcceptAfter(_) | Fate::CutInContent => 250,
        }
    }

    #[test]
    fn local_part_decides() {
        let mut list = Greylist::default();
        let mut of = |address| list.fate(ON, address);
        for (address, wanted) in [
            ("fail.x@a.test", 550),
            ("FULL@a.test", 552),
            ("defer1@a.test", 451),
            ("busy@a.test", 421),
        ] {
            assert_eq!(code(&of(address)), wanted, "{address}");
        }
        assert_eq!(of("stall@a.test"), Fate::AcceptAfter(Duration::from_secs(3)));
        assert_eq!(of("drop@a.test"), Fate::CutInContent);
        assert_eq!(of("anna@fail.test"), Fate::Accept);
    }

    #[test]
    fn grey_recipient_is_accepted_on_its_third_try() {
        let mut list = Greylist::default();
        let codes: Vec<u16> = (0..4).map(|_| code(&list.fate(ON, "grey@a.test"))).collect();
        assert_eq!(codes, [450, 450, 250, 250]);
    }

    #[test]
    fn without_the_convention_all_are_accepted() {
        assert_eq!(
            Greylist::default().fate(ByAddress::Off, "fail@a.test"),
            Fate::Accept
        );
    }
}
