//! Pages, jumps, counts and search against a naive model.

use postroom_domain::{Category, MessageId, MessageState, Scope, UserId};
use postroom_store::{Counts, Filter, More, Page, PageRequest, Place, Store};

use super::Harness;
use super::world::{Dice, World, filters, scopes};
use crate::build::{at, letter, put};

const MESSAGES: usize = 700;

/// Calls `check` for every scope and filter with what the model expects.
async fn everywhere(world: &World, mut check: impl AsyncFnMut(&str, &Scope, &Filter, &[MessageId])) {
    for (name, scope) in scopes() {
        for filter in filters() {
            let expected = world.expect(&scope, &filter);
            let what = format!("{name}, {filter:?}");
            check(&what, &scope, &filter, &expected).await;
        }
    }
}

async fn page(store: &dyn Store, scope: &Scope, filter: &Filter, place: Place, limit: u32) -> Page {
    let request = PageRequest {
        scope: scope.clone(),
        filter: filter.clone(),
        place,
        limit,
    };
    store.page(&request).await.unwrap()
}

fn ids(page: &Page) -> Vec<MessageId> {
    page.rows.iter().map(|row| row.id).collect()
}

pub(crate) async fn counts_are_the_rows_that_scope_and_filter_mean(h: &mut impl Harness) {
    let world = World::make(h.store(), MESSAGES, 1).await;
    everywhere(&world, async |what, scope, filter, expected| {
        let counts = h.store().counts(scope, filter).await.unwrap();
        let mut model = Counts {
            total: expected.len() as u64,
            exact: counts.exact,
            ..Counts::default()
        };
        let any_state = Filter {
            shown: None,
            state: None,
            ..filter.clone()
        };
        for id in world.expect(scope, &any_state) {
            model.states[world.get(id).state.number() as usize] += 1;
        }
        let any_source = Filter {
            category: None,
            ..filter.clone()
        };
        for id in world.expect(scope, &any_source) {
            model.sources[world.get(id).kind.category().number() as usize] += 1;
        }
        if counts.exact {
            assert_eq!(counts, model, "{what}");
        } else {
            assert!(filter.search.is_some() && counts.total <= model.total, "{what}");
        }
    })
    .await;
}

pub(crate) async fn pages_forward_show_each_row_once_in_order(h: &mut impl Harness) {
    let world = World::make(h.store(), MESSAGES, 2).await;
    everywhere(&world, async |what, scope, filter, expected| {
        let limit = 37;
        let mut seen = Vec::new();
        let mut place = Place::First;
        loop {
            let page = page(h.store(), scope, filter, place, limit).await;
            assert_eq!(page.newer, !seen.is_empty(), "{what}");
            seen.extend(ids(&page));
            match page.more {
                More::No => break,
                More::Yes => assert_eq!(page.rows.len(), limit as usize, "{what}"),
                More::Unknown => {}
            }
            place = Place::After(page.resume.unwrap());
        }
        assert_eq!(seen, expected, "{what}");
    })
    .await;
}

pub(crate) async fn pages_backward_show_each_row_once_in_order(h: &mut impl Harness) {
    let world = World::make(h.store(), MESSAGES, 3).await;
    everywhere(&world, async |what, scope, filter, expected| {
        let mut seen: Vec<MessageId> = Vec::new();
        let mut from = MessageId::MIN;
        loop {
            let page = page(h.store(), scope, filter, Place::Before(from), 41).await;
            assert_eq!(
                page.more,
                if seen.is_empty() { More::No } else { More::Yes },
                "{what}"
            );
            let rows = ids(&page);
            seen.splice(0..0, rows.iter().copied());
            if !page.newer {
                break;
            }
            from = rows.first().copied().or(page.resume).unwrap();
        }
        assert_eq!(seen, expected, "{what}");
    })
    .await;
}

pub(crate) async fn jump_lands_on_the_row_at_that_position(h: &mut impl Harness) {
    let world = World::make(h.store(), MESSAGES, 4).await;
    let mut dice = Dice::new(4);
    everywhere(&world, async |what, scope, filter, expected| {
        let n = expected.len() as u64;
        for position in [
            0,
            dice.roll(n + 1),
            dice.roll(n + 1),
            n.saturating_sub(1),
            n,
            n + 9,
        ] {
            let page = page(h.store(), scope, filter, Place::At(position), 5).await;
            let rest = expected.get(position as usize..).unwrap_or(&[]);
            if page.more == More::Unknown && page.at.is_none() {
                continue;
            }
            assert_eq!(ids(&page), rest[..rest.len().min(5)], "{position} of {what}");
            assert_eq!(page.at, Some(position), "{what}");
            assert_eq!(page.newer, position > 0 && n > 0, "{position} of {n}: {what}");
        }
    })
    .await;
}

pub(crate) async fn rows_tell_what_happened_last(h: &mut impl Harness) {
    let world = World::make(h.store(), 200, 5).await;
    let all = Scope::everything();
    let page = page(h.store(), &all, &Filter::default(), Place::First, 200).await;
    for row in &page.rows {
        let known = world.get(row.id);
        assert_eq!((row.state, row.kind), (known.state, known.kind));
        assert_eq!(row.sender, (known.sender, format!("User {}", known.sender)));
        assert_eq!(row.office, (known.office, format!("Office {}", known.office)));
        assert_eq!(row.sent_on.is_some(), known.state == MessageState::Sent);
        let refused = matches!(known.state, MessageState::Failed | MessageState::Deferred);
        assert!(!refused || row.error.is_some(), "{row:?}");
        if known.state == MessageState::Deferred {
            assert!(row.next_attempt_at.is_some());
        }
    }
    let asked: Vec<_> = page.rows.iter().map(|row| row.id).collect();
    let mut rows = h.store().rows(&all, &asked).await.unwrap();
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.id));
    assert_eq!(rows, page.rows);
}

pub(crate) async fn message_outside_the_scope_is_like_none(h: &mut impl Harness) {
    let world = World::make(h.store(), 150, 6).await;
    for (name, scope) in scopes() {
        for known in &world.mail {
            let sees = scope.sees(known.sender, known.office, known.kind.category());
            let id = known.id;
            let store = h.store();
            assert_eq!(store.detail(&scope, id).await.unwrap().is_some(), sees, "{name}");
            assert_eq!(
                store.attempts(&scope, id).await.unwrap().is_some(),
                sees,
                "{name}"
            );
            assert_eq!(
                store.content(&scope, id, at(9)).await.unwrap().is_some(),
                sees,
                "{name}"
            );
            assert_eq!(
                store.rows(&scope, &[id]).await.unwrap().len() == 1,
                sees,
                "{name}"
            );
        }
    }
    let unknown = MessageId::MAX;
    let all = Scope::everything();
    assert!(h.store().detail(&all, unknown).await.unwrap().is_none());
    assert!(h.store().attempts(&all, unknown).await.unwrap().is_none());
    assert!(h.store().content(&all, unknown, at(9)).await.unwrap().is_none());
}

pub(crate) async fn page_beside_a_deleted_row_goes_on_where_it_stood(h: &mut impl Harness) {
    let messages = (0..9).map(|_| letter(1)).collect();
    let put = put(h.store(), messages, at(0)).await;
    h.store()
        .delete(
            &crate::build::anyone(),
            &[put[4]],
            &crate::build::operator(),
            at(1),
        )
        .await
        .unwrap();
    let own = Scope::own(UserId(1));
    let plain = Filter::default();
    let older = page(h.store(), &own, &plain, Place::After(put[4]), 50).await;
    assert_eq!(ids(&older), [put[3], put[2], put[1], put[0]]);
    assert!(older.newer);
    let newer = page(h.store(), &own, &plain, Place::Before(put[4]), 2).await;
    assert_eq!(ids(&newer), [put[6], put[5]]);
    assert_eq!((newer.more, newer.newer), (More::Yes, true));
}

pub(crate) async fn pages_stay_whole_while_mail_arrives(h: &mut impl Harness) {
    let world = World::make(h.store(), 300, 7).await;
    let all = Scope::everything();
    let user = Filter {
        category: Some(Category::User),
        ..Filter::default()
    };
    let expected = world.expect(&all, &user);
    let mut seen = Vec::new();
    let mut arrived = Vec::new();
    let mut place = Place::First;
    loop {
        let page = page(h.store(), &all, &user, place, 25).await;
        seen.extend(ids(&page));
        let now = at(6 * 86_400 + i64::try_from(seen.len()).unwrap());
        arrived.splice(0..0, put(h.store(), vec![letter(1)], now).await);
        if page.more == More::No {
            break;
        }
        place = Place::After(page.resume.unwrap());
    }
    assert_eq!(seen, expected);
    let mut up: Vec<MessageId> = Vec::new();
    while up.len() < expected.len() + arrived.len() {
        let from = up.first().copied().unwrap_or(MessageId::MIN);
        let page = page(h.store(), &all, &user, Place::Before(from), 25).await;
        up.splice(0..0, ids(&page));
    }
    assert_eq!(up, [arrived, expected].concat());
}
