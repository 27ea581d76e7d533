//! The list in other orders, against the rows themselves (Q5).

use std::cmp::Ordering;

use postroom_domain::{MessageId, Scope, SortKey, SortOrder};
use postroom_store::{Filter, More, Row, SortValue, Sorted, SortedPage, SortedPlace, SortedRequest, Store};

use super::Harness;
use super::world::{World, scopes};

const MESSAGES: usize = 260;
const KEYS: [SortKey; 9] = [
    SortKey::Date,
    SortKey::SentOn,
    SortKey::From,
    SortKey::Subject,
    SortKey::User,
    SortKey::Size,
    SortKey::Status,
    SortKey::Attempts,
    SortKey::NextAttempt,
];
const ORDERS: [SortOrder; 2] = [SortOrder::Ascending, SortOrder::Descending];

/// A few filters: none, one Type, a search.
fn some_filters() -> Vec<Filter> {
    let all = super::world::filters();
    all.into_iter().step_by(9).collect()
}

struct List<'a> {
    store: &'a dyn Store,
    scope: Scope,
    filter: Filter,
    by: SortKey,
    order: SortOrder,
}

impl List<'_> {
    async fn page(&self, place: SortedPlace, limit: u32) -> SortedPage {
        let request = SortedRequest {
            scope: self.scope.clone(),
            filter: self.filter.clone(),
            by: self.by,
            order: self.order,
            place,
            limit,
        };
        match self.store.sorted(&request).await.unwrap() {
            Sorted::Page(page) => page,
            Sorted::TooMany { matches } => panic!("{matches} are not too many"),
        }
    }

    /// The ids in the order that the rows themselves say.
    async fn expected(&self, world: &World) -> Vec<MessageId> {
        let ids = world.expect(&self.scope, &self.filter);
        let mut rows = Vec::new();
        for some in ids.chunks(200) {
            rows.extend(self.store.rows(&Scope::everything(), some).await.unwrap());
        }
        rows.sort_by(|a, b| self.compare(a, b));
        rows.iter().map(|row| row.id).collect()
    }

    fn compare(&self, a: &Row, b: &Row) -> Ordering {
        let (x, y) = (self.value(a), self.value(b));
        let by_value = match (&x, &y) {
            (SortValue::Empty, SortValue::Empty) => Ordering::Equal,
            (SortValue::Empty, _) => return Ordering::Greater,
            (_, SortValue::Empty) => return Ordering::Less,
            (SortValue::Number(x), SortValue::Number(y)) => x.cmp(y),
            (SortValue::Text(x), SortValue::Text(y)) => x.cmp(y),
            _ => panic!("a column has values of one sort"),
        };
        let ascending = by_value.then(a.id.cmp(&b.id));
        match self.order {
            SortOrder::Ascending => ascending,
            SortOrder::Descending => ascending.reverse(),
        }
    }

    fn value(&self, row: &Row) -> SortValue {
        let time = |at: Option<postroom_domain::Timestamp>| {
            at.map_or(SortValue::Empty, |at| SortValue::Number(at.as_micros()))
        };
        match self.by {
            SortKey::Date => SortValue::Number(row.id.ord()),
            SortKey::SentOn => time(row.sent_on),
            SortKey::From => SortValue::of_text(&row.from),
            SortKey::Subject => SortValue::of_text(&row.subject),
            SortKey::User => SortValue::of_text(&row.sender.1),
            SortKey::Size => SortValue::Number(row.size_bytes as i64),
            SortKey::Status => SortValue::Number(row.state.number()),
            SortKey::Attempts => SortValue::Number(row.attempts.into()),
            SortKey::NextAttempt => time(row.next_attempt_at),
        }
    }
}

/// Calls `check` for every scope, some filters, every key and both orders.
async fn everywhere(
    h: &mut impl Harness,
    seed: u64,
    mut check: impl AsyncFnMut(&List<'_>, &[MessageId], &str),
) {
    let world = World::make(h.store(), MESSAGES, seed).await;
    for (name, scope) in scopes() {
        for filter in some_filters() {
            for by in KEYS {
                for order in ORDERS {
                    let list = List {
                        store: h.store(),
                        scope: scope.clone(),
                        filter: filter.clone(),
                        by,
                        order,
                    };
                    let expected = list.expected(&world).await;
                    let what = format!("{name}, {filter:?}, {by:?} {order:?}");
                    check(&list, &expected, &what).await;
                }
            }
        }
    }
}

fn ids(page: &SortedPage) -> Vec<MessageId> {
    page.rows.iter().map(|row| row.id).collect()
}

pub(crate) async fn sorted_pages_forward_show_each_row_once_in_order(h: &mut impl Harness) {
    everywhere(h, 21, async |list, expected, what| {
        let mut seen = Vec::new();
        let mut place = SortedPlace::First;
        loop {
            let page = list.page(place, 41).await;
            assert_eq!(page.before, !seen.is_empty(), "{what}");
            seen.extend(ids(&page));
            if page.more == More::No {
                break;
            }
            place = SortedPlace::After(page.last.clone().unwrap());
        }
        assert_eq!(seen, expected, "{what}");
    })
    .await;
}

pub(crate) async fn sorted_pages_backward_show_each_row_once_in_order(h: &mut impl Harness) {
    everywhere(h, 22, async |list, expected, what| {
        // The last page by jumping, then back to the beginning.
        let from = expected.len().saturating_sub(30);
        let page = list.page(SortedPlace::At(from as u64), 200).await;
        let mut seen = ids(&page);
        assert_eq!(seen, expected[from..], "{what}");
        let mut first = page.first.clone();
        let mut is_more = page.before && !page.rows.is_empty();
        while is_more {
            let page = list.page(SortedPlace::Before(first.clone().unwrap()), 59).await;
            assert_eq!(page.more, More::Yes, "{what}");
            seen.splice(0..0, ids(&page));
            is_more = page.before;
            first = page.first.clone().or(page.last.clone());
        }
        assert_eq!(seen, expected, "{what}");
    })
    .await;
}
