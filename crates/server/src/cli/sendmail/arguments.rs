//! The sendmail command line: what is understood, what is taken and ignored, what is refused.
//!
//! | option | meaning |
//! | --- | --- |
//! | `-t` | take recipients from To, Cc and Bcc as well |
//! | `-f ADDR`, `-r ADDR` | the envelope's sender |
//! | `-i`, `-oi` | a line with a single dot does not end the message |
//! | `-F NAME`, `-N`, `-R`, `-V`, `-B`, `-O`, `-o…`, `-b m`, `-v`, `-m`, `-G`, `-U` | taken for compatibility, and ignored |
//! | `-bs`, `-bp`, `-bi`, `-q…` … | refused: this is not a mail server's control program |

use super::exit::Failure;

/// Options that carry a value, in the same word or the next one.
const WITH_VALUE: &str = "FNRVBOXhpLACdD";
/// Options without a value that change nothing here.
const IGNORED: &str = "vmGUne";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Recipients of the command line.
    pub(crate) recipients: Vec<String>,
    /// Whether the header fields name recipients too.
    pub(crate) from_header: bool,
    /// Whether a single dot is content.
    pub(crate) dots_are_content: bool,
    /// The envelope's sender.
    pub(crate) sender: Option<String>,
}

impl Arguments {
    /// Reads the words behind `sendmail`.
    ///
    /// # Errors
    /// [`Failure::Usage`] that names the word.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, Failure> {
        let mut arguments = Self::default();
        let mut words = words.into_iter();
        let mut options = true;
        while let Some(word) = words.next() {
            match word.strip_prefix('-').filter(|rest| options && !rest.is_empty()) {
                Some("-") => options = false,
                Some(option) => arguments.option(option, &mut words)?,
                None => arguments.recipients.push(word),
            }
        }
        if arguments.recipients.is_empty() && !arguments.from_header {
            return Err(Failure::Usage(
                "nobody to send to: name recipients behind the options, or give -t to take them from To, Cc and Bcc"
                    .to_owned(),
            ));
        }
        Ok(arguments)
    }

    fn option(&mut self, option: &str, words: &mut impl Iterator<Item = String>) -> Result<(), Failure> {
        for (place, letter) in option.char_indices() {
            let rest = option.get(place + letter.len_utf8()..).unwrap_or_default();
            match letter {
                't' => self.from_header = true,
                'i' => self.dots_are_content = true,
                'o' => {
                    self.dots_are_content |= rest == "i";
                    return Ok(());
                }
                'f' | 'r' => {
                    self.sender = Some(value(letter, rest, words)?);
                    return Ok(());
                }
                'b' if rest == "m" => return Ok(()),
                'b' | 'q' => {
                    return Err(Failure::Usage(format!(
                        "-{letter}{rest} is not for submitting mail; `postroom queue --help` shows the queue's commands"
                    )));
                }
                _ if WITH_VALUE.contains(letter) => {
                    value(letter, rest, words)?;
                    return Ok(());
                }
                _ if IGNORED.contains(letter) => {}
                _ => {
                    return Err(Failure::Usage(format!(
                        "-{letter} is not an option; known are -t -i -f ADDR -r ADDR -F NAME and recipients"
                    )));
                }
            }
        }
        Ok(())
    }
}

fn value(letter: char, rest: &str, words: &mut impl Iterator<Item = String>) -> Result<String, Failure> {
    if !rest.is_empty() {
        return Ok(rest.to_owned());
    }
    words
        .next()
        .ok_or_else(|| Failure::Usage(format!("-{letter} needs a value")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, Failure> {
        Arguments::parse(line.split(' ').filter(|w| !w.is_empty()).map(str::to_owned))
    }

    #[test]
    fn the_line_that_php_uses_is_understood() {
        let arguments = parse("-t -i -fdesk@office.example.com").unwrap();
        assert!(arguments.from_header && arguments.dots_are_content);
        assert_eq!(arguments.sender.as_deref(), Some("desk@office.example.com"));
    }

    #[test]
    fn clusters_values_and_the_end_of_options_are_understood() {
        let arguments = parse("-oi -F Desk -r a@example.test -bm -odb -vt -- -b@example.test").unwrap();
        assert_eq!(arguments.recipients, ["-b@example.test"]);
        assert!(arguments.from_header && arguments.dots_are_content);
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_name() {
        for (line, word) in [
            ("", "-t"),
            ("-x a@b.test", "-x"),
            ("-f", "-f needs"),
            ("-bp", "-bp"),
            ("-q", "-q"),
        ] {
            assert!(parse(line).unwrap_err().to_string().contains(word), "{line}");
        }
    }
}
