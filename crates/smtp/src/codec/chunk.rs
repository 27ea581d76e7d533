//! Chunks of a message sent with BDAT (RFC 3030).

use super::BareLineEnd;

/// Looks for line ends that stand alone in a message that arrives in chunks.
///
/// A chunk's length says where it ends, so nothing can be smuggled in here; but what is let in would be smuggled out by
/// the next DATA, and BINARYMIME, which alone allows it, is not offered.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChunkChecker {
    after_cr: bool,
}

impl ChunkChecker {
    /// Looks at the next bytes of the message.
    ///
    /// # Errors
    /// [`BareLineEnd`] at the first CR or LF that stands alone.
    pub fn check(&mut self, bytes: &[u8]) -> Result<(), BareLineEnd> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr) {
                rest = rest.strip_prefix(b"\n").ok_or(BareLineEnd::CarriageReturn)?;
                continue;
            }
            let Some(found) = memchr::memchr2(b'\r', b'\n', rest) else {
                break;
            };
            if rest.get(found) == Some(&b'\n') {
                return Err(BareLineEnd::LineFeed);
            }
            self.after_cr = true;
            rest = rest.get(found + 1..).unwrap_or_default();
        }
        Ok(())
    }

    /// Looks at the end of the message.
    ///
    /// # Errors
    /// [`BareLineEnd::CarriageReturn`] if the last byte was a CR.
    pub const fn finish(self) -> Result<(), BareLineEnd> {
        if self.after_cr {
            Err(BareLineEnd::CarriageReturn)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pair_may_be_cut_between_chunks() {
        let mut checker = ChunkChecker::default();
        assert_eq!(checker.check(b"a\r\nb\r"), Ok(()));
        assert_eq!(checker.check(b"\nc"), Ok(()));
        assert_eq!(checker.finish(), Ok(()));
    }

    #[test]
    fn lone_line_ends_are_found() {
        assert_eq!(ChunkChecker::default().check(b"a\nb"), Err(BareLineEnd::LineFeed));
        assert_eq!(
            ChunkChecker::default().check(b"a\rb"),
            Err(BareLineEnd::CarriageReturn)
        );
        let mut checker = ChunkChecker::default();
        assert_eq!(checker.check(b"a\r"), Ok(()));
        assert_eq!(checker.finish(), Err(BareLineEnd::CarriageReturn));
    }
}
