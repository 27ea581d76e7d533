//! The best of many entries, and which of two is better.

use std::cmp::Ordering;

use postroom_domain::SortOrder;

use crate::contract::SortValue;

/// A row's place in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) value: SortValue,
    pub(super) ord: i64,
}

/// Which of two entries comes first: by value, then by Date, both in the order asked for; those without a value last.
pub(super) fn compare(a: &Entry, b: &Entry, order: SortOrder) -> Ordering {
    let by_value = match (&a.value, &b.value) {
        (SortValue::Empty, SortValue::Empty) => Ordering::Equal,
        (SortValue::Empty, _) => return Ordering::Greater,
        (_, SortValue::Empty) => return Ordering::Less,
        (SortValue::Number(a), SortValue::Number(b)) => a.cmp(b),
        (SortValue::Text(a), SortValue::Text(b)) => a.cmp(b),
        // One column has values of one sort; a cursor of another list is refused before.
        (SortValue::Number(_), SortValue::Text(_)) => Ordering::Less,
        (SortValue::Text(_), SortValue::Number(_)) => Ordering::Greater,
    };
    let ascending = by_value.then(a.ord.cmp(&b.ord));
    match order {
        SortOrder::Ascending => ascending,
        SortOrder::Descending => ascending.reverse(),
    }
}

/// From which end the best are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Those that come first.
    First,
    /// Those that come last, for the page before a row.
    Last,
}

/// Keeps the best of the entries that it is given, in memory for about twice as many.
#[derive(Debug)]
pub(super) struct Best {
    kept: Vec<Entry>,
    want: usize,
    order: SortOrder,
    end: End,
}

impl Best {
    pub(super) fn new(want: usize, order: SortOrder, end: End) -> Self {
        Self {
            kept: Vec::new(),
            want,
            order,
            end,
        }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.kept.push(entry);
        if self.kept.len() >= self.want * 2 + 1024 {
            self.drop_the_rest();
        }
    }

    /// The best, in the order of the list.
    pub(super) fn finish(mut self) -> Vec<Entry> {
        self.drop_the_rest();
        let order = self.order;
        self.kept.sort_unstable_by(|a, b| compare(a, b, order));
        self.kept
    }

    fn drop_the_rest(&mut self) {
        if self.kept.len() <= self.want {
            return;
        }
        let (order, end) = (self.order, self.end);
        self.kept.select_nth_unstable_by(self.want, |a, b| {
            let first = compare(a, b, order);
            match end {
                End::First => first,
                End::Last => first.reverse(),
            }
        });
        self.kept.truncate(self.want);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(order: SortOrder, end: End) -> Vec<i64> {
        let mut best = Best::new(3, order, end);
        for n in 0..5_000 {
            let value = match n % 100 {
                99 => SortValue::Empty,
                _ => SortValue::Number(n),
            };
            best.push(Entry { value, ord: n });
        }
        best.finish().iter().map(|entry| entry.ord).collect()
    }

    #[test]
    fn best_are_kept_and_rows_without_a_value_come_last() {
        assert_eq!(best(SortOrder::Ascending, End::First), [0, 1, 2]);
        assert_eq!(best(SortOrder::Descending, End::First), [4998, 4997, 4996]);
        assert_eq!(best(SortOrder::Ascending, End::Last), [4799, 4899, 4999]);
        assert_eq!(best(SortOrder::Descending, End::Last), [299, 199, 99]);
    }
}
