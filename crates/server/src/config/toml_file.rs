//! Reads TOML into a draft.

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::draft::{Draft, below};

/// Reads the file's text; what is wrong goes to the draft's problems.
pub(super) fn read(draft: &mut Draft, text: &str) {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        let what = error.message().trim().replace('\n', " ");
        draft.wrong_at(text, offset, format!("this is not TOML: {what}"));
    }
    if errors.is_empty() {
        draft.table = table(draft, text, "", document.get_ref());
    }
}

fn table(draft: &mut Draft, text: &str, path: &str, given: &DeTable<'_>) -> Table {
    let mut made = Table::new();
    for (key, item) in given {
        let path = below(path, key.get_ref());
        let origin = draft.at(text, key.span().start);
        draft.places.insert(path.clone(), origin);
        let item = value(draft, text, &path, item);
        made.insert(key.get_ref().to_string(), item);
    }
    made
}

fn value(draft: &mut Draft, text: &str, path: &str, given: &Spanned<DeValue<'_>>) -> Value {
    match given.get_ref() {
        DeValue::Table(inner) => Value::Table(table(draft, text, path, inner)),
        DeValue::Array(items) => {
            let mut made = Vec::with_capacity(items.len());
            for (n, item) in items.iter().enumerate() {
                let path = format!("{path}[{n}]");
                let origin = draft.at(text, item.span().start);
                draft.places.insert(path.clone(), origin);
                made.push(value(draft, text, &path, item));
            }
            Value::Array(made)
        }
        DeValue::String(words) => Value::String(words.to_string()),
        DeValue::Boolean(is_on) => Value::Boolean(*is_on),
        DeValue::Datetime(time) => Value::Datetime(*time),
        DeValue::Integer(digits) => {
            match i64::from_str_radix(&digits.as_str().replace('_', ""), digits.radix()) {
                Ok(number) => Value::Integer(number),
                // Too large for any key: refused as a number that does not fit.
                Err(_) => Value::Float(f64::INFINITY),
            }
        }
        DeValue::Float(digits) => Value::Float(digits.as_str().replace('_', "").parse().unwrap_or(f64::NAN)),
    }
}
