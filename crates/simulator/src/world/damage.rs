//! What a bad disk does to stored mail.

use super::*;

impl World<'_> {
    /// The first so many of an office's mail that waits.
    pub(super) fn waiting_of(&self, office: u8, most: u16) -> Vec<MessageId> {
        let open = self.judge.open.iter();
        let waits =
            open.filter(|(_, known)| known.letter.office == office && known.state != MessageState::Sending);
        waits.map(|(&id, _)| id).take(usize::from(most)).collect()
    }

    /// Changes the content of messages in the file while no process has it.
    pub(super) fn damage(&mut self, path: &Path) -> anyhow::Result<()> {
        let ids = std::mem::take(&mut self.to_damage);
        if ids.is_empty() {
            return Ok(());
        }
        let file = rusqlite::Connection::open(path)?;
        for id in ids {
            if file.execute("UPDATE content SET body = x'00' WHERE ord = ?1", [id.ord()])? > 0 {
                self.judge.damaged(id);
            }
        }
        Ok(())
    }
}
