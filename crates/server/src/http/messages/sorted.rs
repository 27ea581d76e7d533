//! The list sorted by a column (SPEC Q5).

use axum::http::StatusCode;
use postroom_domain::{Column, MessageId, SortKey, SortOrder};
use postroom_store::{
    Filter, More as StoreMore, SortValue, Sorted, SortedEdge, SortedPage, SortedPlace, SortedRequest,
};

use crate::http::App;
use crate::http::auth::Caller;
use crate::http::banners;
use crate::http::problem::ApiError;
use crate::http::wire::list::{ListQuery, More, Page};
use crate::http::wire::status::Banner;

/// What the query asks to be sorted by; newest first where it says nothing.
pub(super) fn order_of(query: &ListQuery) -> Result<(SortKey, SortOrder), ApiError> {
    let by = match query.sort.as_deref() {
        None => SortKey::Date,
        Some(name) => Column::from_key(name)
            .and_then(Column::sort_key)
            .ok_or_else(|| bad_sort(name))?,
    };
    let order = query.order.map_or(SortOrder::Descending, Into::into);
    Ok((by, order))
}

fn bad_sort(name: &str) -> ApiError {
    let shown: String = name.chars().take(40).collect();
    let known = Column::ALL
        .into_iter()
        .filter(|column| column.sort_key().is_some());
    let known: Vec<&str> = known.map(Column::key).collect();
    ApiError::bad_parameter(
        "sort",
        format!(
            "sort: a list cannot be sorted by {shown:?}; it can by {}",
            known.join(", ")
        ),
    )
}

/// Reads one page of the sorted list.
pub(super) async fn page(
    app: &App,
    Caller(who): &Caller,
    query: &ListQuery,
    filter: Filter,
    (by, order): (SortKey, SortOrder),
    limit: u32,
) -> Result<Page, ApiError> {
    let place = match (&query.cursor, query.at) {
        (None, None) => SortedPlace::First,
        (None, Some(at)) => SortedPlace::At(at),
        (Some(text), None) => parse(text, by, order).ok_or_else(|| {
            ApiError::bad_parameter(
                "cursor",
                "cursor: use the next or prev of an earlier page of this sort as it was given",
            )
        })?,
        (Some(_), Some(_)) => return Err(ApiError::bad_parameter("at", "at: goes without cursor")),
    };
    if let SortedPlace::At(at) = place
        && at > SortedPlace::AT_MAX
        && by != SortKey::Date
    {
        return Err(ApiError::bad_parameter(
            "at",
            format!(
                "at: a list sorted by {} is jumped into up to row {}; use its cursors beyond",
                by.column().key(),
                SortedPlace::AT_MAX
            ),
        ));
    }
    let request = SortedRequest {
        scope: who.authority.see.clone(),
        filter,
        by,
        order,
        place,
        limit,
    };
    match app.store.sorted(&request).await? {
        Sorted::Page(page) => Ok(wire(page, by, order, banners::of_list(app, who).await?)),
        Sorted::TooMany { matches } => Err(narrow_first(by, matches)),
    }
}

fn narrow_first(by: SortKey, matches: u64) -> ApiError {
    ApiError::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "narrow_first",
        "Too many messages to sort",
        format!(
            "{matches} messages match, more than can be sorted by {} in a second: narrow the list first, by date, Type, sender or office, or sort by date",
            by.column().key()
        ),
    )
    .at("sort")
}

fn wire(page: SortedPage, by: SortKey, order: SortOrder, banners: Vec<Banner>) -> Page {
    let next = page.last.filter(|_| page.more != StoreMore::No);
    let prev = page.first.filter(|_| page.before);
    Page {
        banners,
        next: next.map(|edge| cursor('a', by, order, &edge)),
        prev: prev.map(|edge| cursor('b', by, order, &edge)),
        at: page.at,
        more: More::from(page.more),
        rows: page.rows.into_iter().map(Into::into).collect(),
    }
}

/// `s.size.d.a01k2m3n4p5q6r.n4096`: the sort, which way, the row, and its value; opaque to clients.
fn cursor(way: char, by: SortKey, order: SortOrder, edge: &SortedEdge) -> String {
    let value = match &edge.value {
        SortValue::Empty => "e".to_owned(),
        SortValue::Number(number) => format!("n{number}"),
        SortValue::Text(text) => {
            let octets = text.bytes().map(|octet| format!("{octet:02x}"));
            format!("t{}", octets.collect::<String>())
        }
    };
    format!(
        "s.{}.{}.{way}{}.{value}",
        by.column().key(),
        letter(order),
        edge.id
    )
}

const fn letter(order: SortOrder) -> &'static str {
    match order {
        SortOrder::Ascending => "a",
        SortOrder::Descending => "d",
    }
}

/// Where a cursor points; `None` for one that was not made here for this sort.
fn parse(text: &str, by: SortKey, order: SortOrder) -> Option<SortedPlace> {
    let mut parts = text.split('.');
    let head = [parts.next()?, parts.next()?, parts.next()?];
    if head != ["s", by.column().key(), letter(order)] {
        return None;
    }
    let (row, value) = (parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let way = row.get(..1)?;
    let id: MessageId = row.get(1..)?.parse().ok()?;
    let edge = SortedEdge {
        value: value_of(value)?,
        id,
    };
    match way {
        "a" => Some(SortedPlace::After(edge)),
        "b" => Some(SortedPlace::Before(edge)),
        _ => None,
    }
}

fn value_of(text: &str) -> Option<SortValue> {
    if text == "e" {
        return Some(SortValue::Empty);
    }
    if let Some(digits) = text.strip_prefix('n') {
        return digits.parse().ok().map(SortValue::Number);
    }
    let digits = text.strip_prefix('t')?;
    // A character has at most four octets, and small letters may be more than their capital.
    if digits.len() > SortValue::TEXT_CHARS * 24 || !digits.is_ascii() {
        return None;
    }
    let octets = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    let octets: Option<Vec<u8>> = octets.collect();
    String::from_utf8(octets?).ok().map(SortValue::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_reads_back_for_its_own_sort_alone() {
        for value in [
            SortValue::Empty,
            SortValue::Number(-4096),
            SortValue::Text("äöü größe".to_owned()),
        ] {
            let edge = SortedEdge {
                value,
                id: MessageId::from_ord(1_234_567_890),
            };
            let text = cursor('b', SortKey::Subject, SortOrder::Ascending, &edge);
            let place = parse(&text, SortKey::Subject, SortOrder::Ascending);
            assert_eq!(place, Some(SortedPlace::Before(edge)));
            assert_eq!(parse(&text, SortKey::Subject, SortOrder::Descending), None);
            assert_eq!(parse(&text, SortKey::From, SortOrder::Ascending), None);
        }
        for text in [
            "",
            "s",
            "s.subject.a",
            "s.subject.a.a0000000000000.t0",
            "s.subject.a.ä.e",
            "c_a0",
        ] {
            assert_eq!(
                parse(text, SortKey::Subject, SortOrder::Ascending),
                None,
                "{text}"
            );
        }
    }
}
