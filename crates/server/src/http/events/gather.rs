//! Gathers what a stream has to tell until its next frame.

use std::collections::HashSet;

use postroom_domain::{MessageId, Scope, ShownType, UserId};
use postroom_store::{Change, ChangeKind, ChangeSet, Filter};

/// What changed since the last frame.
pub(super) struct Gathered {
    visible: HashSet<MessageId>,
    changed: HashSet<MessageId>,
    deleted: HashSet<MessageId>,
    new: u64,
    new_untold: bool,
    resync: bool,
    counts: bool,
    status: bool,
    alerts: bool,
    opening: bool,
}

/// Rows to fetch and rows to tell of as gone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) changed: Vec<MessageId>,
    pub(super) deleted: Vec<MessageId>,
}

impl Gathered {
    /// Starts with every visible row as changed: what happened between the load of the list and the opening of the
    /// stream no commit tells of.
    pub(super) fn new(visible: Vec<MessageId>) -> Self {
        let visible: HashSet<MessageId> = visible.into_iter().collect();
        Self {
            changed: visible.clone(),
            visible,
            deleted: HashSet::new(),
            opening: true,
            new: 0,
            new_untold: false,
            resync: false,
            counts: false,
            status: true,
            alerts: true,
        }
    }

    /// Notes that the alerts of `me` are other ones.
    pub(super) fn note_alerts(&mut self, set: &ChangeSet, me: Option<UserId>) {
        self.alerts |= me.is_some_and(|me| set.alerted.contains(&me));
    }

    /// Whether alerts are to be told.
    pub(super) const fn alerts_stale(&self) -> bool {
        self.alerts
    }

    /// Whether alerts are to be told, which they then are.
    pub(super) const fn take_alerts(&mut self) -> bool {
        std::mem::replace(&mut self.alerts, false)
    }

    /// Takes in the changes of one commit that this person may hear of.
    pub(super) fn note(&mut self, set: &ChangeSet, scope: &Scope, filter: Option<&Filter>) {
        // The banners of others' acts are looked at, too; whoever sees nothing has none, and no mail that waits.
        self.status |= !set.changes.is_empty() && !scope.is_nothing();
        for change in &set.changes {
            if !scope.sees(change.sender, change.office, change.category) {
                continue;
            }
            self.counts = true;
            match change.kind {
                ChangeKind::Added => {
                    if filter.is_some_and(|filter| may_show(filter, change)) {
                        self.new += 1;
                        self.new_untold = true;
                    }
                }
                ChangeKind::Updated if self.visible.contains(&change.id) => {
                    self.changed.insert(change.id);
                }
                ChangeKind::Deleted if self.visible.contains(&change.id) => {
                    self.changed.remove(&change.id);
                    self.deleted.insert(change.id);
                }
                ChangeKind::Updated | ChangeKind::Deleted => {}
            }
        }
    }

    /// The stream fell behind: everything has to be fetched anew.
    pub(super) fn resync(&mut self) {
        self.resync = true;
        self.counts = true;
        self.status = true;
        self.alerts = true;
        self.opening = true;
        self.changed.clone_from(&self.visible);
    }

    pub(super) const fn status_changed(&mut self) {
        self.status = true;
    }

    pub(super) fn has_rows(&self) -> bool {
        self.resync || self.new_untold || !self.changed.is_empty() || !self.deleted.is_empty()
    }

    pub(super) const fn counts_stale(&self) -> bool {
        self.counts
    }

    pub(super) const fn counts_told(&mut self) {
        self.counts = false;
    }

    pub(super) const fn status_stale(&self) -> bool {
        self.status
    }

    pub(super) const fn status_told(&mut self) {
        self.status = false;
    }

    pub(super) const fn take_resync(&mut self) -> bool {
        std::mem::replace(&mut self.resync, false)
    }

    /// What to tell of since the last time.
    pub(super) fn take_rows(&mut self) -> Told {
        Told {
            changed: self.changed.drain().collect(),
            deleted: self.deleted.drain().collect(),
        }
    }

    /// Whether visible rows that are not found are to be told as gone: in the first frame, and after the stream fell
    /// behind, no deletion was heard of.
    pub(super) const fn take_opening(&mut self) -> bool {
        std::mem::replace(&mut self.opening, false)
    }

    /// How many rows came in since the stream opened, if that is news.
    pub(super) fn take_new(&mut self) -> Option<u64> {
        std::mem::replace(&mut self.new_untold, false).then_some(self.new)
    }
}

/// Whether a new message can be in the list; what the change does not tell is left to the counts.
fn may_show(filter: &Filter, change: &Change) -> bool {
    let type_fits = filter.shown.is_none_or(|shown| shown == ShownType::Outbox);
    type_fits
        && filter.category.is_none_or(|category| category == change.category)
        && filter.sender.is_none_or(|sender| sender == change.sender)
        && filter.office.is_none_or(|office| office == change.office)
        && filter.kind.is_none()
        && filter.search.is_none()
        && filter.until.is_none()
}

#[cfg(test)]
mod tests {
    use postroom_domain::{Category, OfficeId};

    use super::*;

    fn set(kind: ChangeKind, id: i64, sender: i64) -> ChangeSet {
        ChangeSet {
            changes: vec![Change {
                id: MessageId::from_ord(id),
                sender: UserId(sender),
                office: OfficeId(1),
                category: Category::User,
                kind,
            }],
            ..ChangeSet::default()
        }
    }

    #[test]
    fn stream_tells_of_visible_rows_in_scope_alone() {
        let scope = Scope::own(UserId(3));
        let mut gathered = Gathered::new(vec![MessageId::from_ord(1), MessageId::from_ord(2)]);
        assert_eq!(
            gathered.take_rows().changed.len(),
            2,
            "the first frame tells of all"
        );
        gathered.note(&set(ChangeKind::Updated, 1, 3), &scope, None);
        gathered.note(&set(ChangeKind::Updated, 9, 3), &scope, None);
        gathered.note(&set(ChangeKind::Updated, 2, 4), &scope, None);
        let told = Told {
            changed: vec![MessageId::from_ord(1)],
            deleted: vec![],
        };
        assert_eq!(gathered.take_rows(), told);
        assert!(!gathered.has_rows());
    }

    #[test]
    fn deleted_row_is_told_as_deleted_and_not_fetched() {
        let scope = Scope::own(UserId(3));
        let mut gathered = Gathered::new(vec![MessageId::from_ord(1)]);
        gathered.note(&set(ChangeKind::Updated, 1, 3), &scope, None);
        gathered.note(&set(ChangeKind::Deleted, 1, 3), &scope, None);
        let told = Told {
            changed: vec![],
            deleted: vec![MessageId::from_ord(1)],
        };
        assert_eq!(gathered.take_rows(), told);
    }

    #[test]
    fn status_is_looked_at_again_for_those_who_see_mail_alone() {
        for (scope, expected) in [(Scope::nothing(), false), (Scope::own(UserId(3)), true)] {
            let mut gathered = Gathered::new(vec![]);
            gathered.status_told();
            gathered.note(&set(ChangeKind::Added, 1, 4), &scope, None);
            assert_eq!(gathered.status_stale(), expected, "{scope:?}");
        }
    }

    #[test]
    fn new_rows_are_counted_where_the_filter_can_hold_them() {
        let scope = Scope::own(UserId(3));
        let mut gathered = Gathered::new(vec![]);
        let sent = Filter {
            shown: Some(ShownType::Sent),
            ..Filter::default()
        };
        gathered.note(&set(ChangeKind::Added, 1, 3), &scope, Some(&sent));
        assert_eq!(gathered.take_new(), None);
        gathered.note(&set(ChangeKind::Added, 2, 3), &scope, Some(&Filter::default()));
        gathered.note(&set(ChangeKind::Added, 3, 4), &scope, Some(&Filter::default()));
        assert_eq!(gathered.take_new(), Some(1));
        assert_eq!(gathered.take_new(), None);
    }
}
