//! Fills the full-text index behind the writer: what nobody searched for yet costs intake nothing.

use postroom_domain::{Category, MessageId};
use rusqlite::{Row, params};

use super::codes;
use super::group::Group;
use crate::StoreError;

/// From so many recipients on the shortened To field may not hold all addresses, so they are indexed by themselves.
const MANY: i64 = 10;

const ROW: &str =
    "SELECT ord, subject, header_from, header_to, header_cc, header_bcc, office, sender, kind, recipients
         FROM message";

/// Indexes the next messages in the order of their ids; answers whether more wait.
pub(crate) fn index(group: &mut Group<'_>) -> Result<bool, StoreError> {
    let mut select = group.conn.prepare_cached(&format!(
        "{ROW} WHERE ord > (SELECT ord FROM text_cursor) ORDER BY ord LIMIT ?1"
    ))?;
    let mut rows = select.query([group.step])?;
    let mut last = None;
    let mut indexed = 0;
    while let Some(row) = rows.next()? {
        let ord: i64 = row.get(0)?;
        match entry(group, row) {
            Ok(entry) => add(group, ord, &entry)?,
            // It cannot be found by its words; everything behind it can.
            Err(error) if error.is_of_content() => {
                let id = MessageId::from_ord(ord);
                tracing::error!(message.id = %id, %error, "the stored record of a message is damaged: it is not indexed");
            }
            Err(error) => return Err(error),
        }
        last = Some(ord);
        indexed += 1;
    }
    if let Some(last) = last {
        group
            .conn
            .prepare_cached("UPDATE text_cursor SET ord = ?1")?
            .execute([last])?;
    }
    Ok(indexed == group.step)
}

/// Brings a message's new addresses into the index, if it is in there.
pub(crate) fn index_again(group: &Group<'_>, id: MessageId) -> Result<(), StoreError> {
    let removed = group
        .conn
        .prepare_cached("DELETE FROM text WHERE rowid = ?1 AND rowid <= (SELECT ord FROM text_cursor)")?
        .execute([id.ord()])?;
    if removed > 0 {
        let mut select = group.conn.prepare_cached(&format!("{ROW} WHERE ord = ?1"))?;
        let mut rows = select.query([id.ord()])?;
        while let Some(row) = rows.next()? {
            add(group, id.ord(), &entry(group, row)?)?;
        }
    }
    Ok(())
}

/// What is indexed of a message.
struct Entry {
    subject: String,
    addresses: String,
    scope: String,
}

fn entry(group: &Group<'_>, row: &Row<'_>) -> Result<Entry, StoreError> {
    let mut addresses = String::new();
    for column in 2..6 {
        addresses.push_str(row.get_ref(column)?.as_str().unwrap_or(""));
        addresses.push(' ');
    }
    if row.get::<_, i64>(9)? >= MANY {
        addresses.push_str(&recipients(group, row.get(0)?)?);
    }
    let kind = codes::kind(row.get(8)?)?;
    let scope = scope_tokens(row.get(6)?, row.get(7)?, kind.category());
    let subject = row.get_ref(1)?.as_str().unwrap_or("").to_owned();
    Ok(Entry {
        subject,
        addresses,
        scope,
    })
}

fn add(group: &Group<'_>, ord: i64, entry: &Entry) -> Result<(), StoreError> {
    group
        .conn
        .prepare_cached("INSERT INTO text (rowid, subject, address, scope) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![ord, entry.subject, entry.addresses, entry.scope])?;
    Ok(())
}

/// The tokens that keep a search inside a scope: `m17 s345 c0` for user mail of office 17, `n17 c1` for its
/// notifications.
///
/// One token says all that an arm of a scope says: an office's token apart from its category's made each search walk
/// the category's million entries.
pub(crate) fn scope_tokens(office: i64, sender: i64, category: Category) -> String {
    let number = category.number();
    match category {
        Category::User => format!("m{office} s{sender} c{number}"),
        Category::Notification => format!("n{office} c{number}"),
    }
}

fn recipients(group: &Group<'_>, ord: i64) -> Result<String, StoreError> {
    Ok(group
        .conn
        .prepare_cached("SELECT ifnull(group_concat(address, ' '), '') FROM recipient WHERE ord = ?1")?
        .query_row([ord], |row| row.get(0))?)
}
