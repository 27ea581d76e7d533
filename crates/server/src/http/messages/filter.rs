//! The list's parameters as the store's filter.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use postroom_domain::{Category, OfficeId, ShownType, Timestamp, UserId};
use postroom_office::Principal;
use postroom_store::{Filter, SearchQuery};

use crate::http::problem::ApiError;
use crate::http::wire::list::{ListQuery, SourceChoice, TypeChoice};

/// Most characters of a search.
const MAX_SEARCH_CHARS: usize = SearchQuery::MAX_CHARS;

/// Reads the parameters; `None` where no row can ever fit (only one's own mail, for a key that is nobody).
pub(in crate::http) fn filter_of(query: &ListQuery, who: &Principal) -> Result<Option<Filter>, ApiError> {
    let mut filter = Filter {
        shown: match query.shown {
            TypeChoice::All => None,
            TypeChoice::Outbox => Some(ShownType::Outbox),
            TypeChoice::Sent => Some(ShownType::Sent),
            TypeChoice::Failed => Some(ShownType::Failed),
        },
        category: match query.source {
            SourceChoice::All => None,
            SourceChoice::MineSent => Some(Category::User),
            SourceChoice::Notifications => Some(Category::Notification),
        },
        kind: query.kind,
        state: query.state,
        sender: query.sender.map(UserId),
        office: query.office.map(OfficeId),
        from: query
            .from
            .as_deref()
            .map(|text| moment("from", text, Edge::Start))
            .transpose()?,
        until: query
            .to
            .as_deref()
            .map(|text| moment("to", text, Edge::End))
            .transpose()?,
        search: None,
    };
    if let Some(words) = query.q.as_deref().filter(|words| !words.trim().is_empty()) {
        if words.chars().count() > MAX_SEARCH_CHARS {
            return Err(ApiError::bad_parameter(
                "q",
                format!("q: at most {MAX_SEARCH_CHARS} characters are searched for"),
            ));
        }
        match SearchQuery::parse(words) {
            Some(search) => filter.search = Some(search),
            // Only punctuation: nothing has it as a word.
            None => return Ok(None),
        }
    }
    if query.current_office {
        let office = who.office_id();
        if office.is_none() || filter.office.is_some_and(|named| Some(named) != office) {
            return Ok(None);
        }
        filter.office = office;
    }
    if query.mine {
        let me = who.me();
        if me.is_none() || filter.sender.is_some_and(|sender| Some(sender) != me) {
            return Ok(None);
        }
        filter.sender = me;
    }
    Ok(Some(filter))
}

/// Which end of a day a date stands for.
#[derive(Clone, Copy)]
enum Edge {
    Start,
    End,
}

fn moment(field: &str, text: &str, edge: Edge) -> Result<Timestamp, ApiError> {
    let wrong = || {
        ApiError::bad_parameter(
            field,
            format!("{field}: write a day like \"2026-11-23\" or a time like \"2026-11-23T09:30:00Z\""),
        )
    };
    if text.len() > 40 {
        return Err(wrong());
    }
    if text.len() <= 10 {
        let day: Date = text.parse().map_err(|_| wrong())?;
        let day = match edge {
            Edge::Start => day,
            Edge::End => day.tomorrow().map_err(|_| wrong())?,
        };
        let start = day.to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
        return Ok(start.timestamp().into());
    }
    let moment: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
    Ok(moment.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_day_is_inside() {
        let who = Principal::operator();
        let query = ListQuery {
            from: Some("2026-11-23".to_owned()),
            to: Some("2026-11-23".to_owned()),
            ..ListQuery::default()
        };
        let filter = filter_of(&query, &who).unwrap().unwrap();
        let day = filter.until.unwrap().since(filter.from.unwrap());
        assert_eq!(day.as_secs(), 86_400);
    }

    #[test]
    fn impossible_days_are_refused() {
        for text in [
            "2026-02-30",
            "yesterday",
            "9999-12-31",
            "1",
            "2026-11-23T25:00:00Z",
        ] {
            assert!(moment("to", text, Edge::End).is_err(), "{text}");
        }
    }
}
