//! A configuration while it is read: values that are not typed yet, and where each stands.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::{Table, Value};

use super::error::Problem;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file.
    File {
        /// Its name.
        path: Arc<Path>,
        /// Counts from 1.
        line: usize,
        /// Counts characters from 1.
        column: usize,
    },
    /// The file as a whole.
    Whole(Arc<Path>),
    /// A variable of the environment.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(f, "default"),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Whole(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// Where each key stands that was set, by its path: `http.listen`, `relay[0].tls`. Sections are in it too.
pub(super) type Places = BTreeMap<String, Origin>;

/// Values that are not typed yet, where they stand, and what was found wrong on the way.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) table: Table,
    pub(super) places: Places,
    pub(super) problems: Vec<Problem>,
    pub(super) path: Arc<Path>,
}

impl Draft {
    /// Begins an empty one.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            table: Table::new(),
            places: Places::new(),
            problems: Vec::new(),
            path: path.into(),
        }
    }

    /// Where a key stands, or else the nearest section around it, or else the file.
    pub(super) fn origin(&self, path: &str) -> Origin {
        let mut path = path;
        loop {
            if let Some(origin) = self.places.get(path) {
                return origin.clone();
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = path.get(..end).unwrap_or_default(),
                None => return Origin::Whole(Arc::clone(&self.path)),
            }
        }
    }

    /// Notes what is wrong with a key.
    pub(super) fn wrong(&mut self, path: &str, what: impl Into<String>) {
        let origin = self.origin(path);
        self.problems.push(Problem {
            origin,
            what: what.into(),
        });
    }

    /// Notes what is wrong at a place of the file's text, an offset in bytes.
    pub(super) fn wrong_at(&mut self, text: &str, offset: usize, what: impl Into<String>) {
        let origin = self.at(text, offset);
        self.problems.push(Problem {
            origin,
            what: what.into(),
        });
    }

    /// The origin of what stands at an offset of the file's text.
    pub(super) fn at(&self, text: &str, offset: usize) -> Origin {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Origin::File {
            path: Arc::clone(&self.path),
            line,
            column,
        }
    }

    /// Takes a key out, wherever it stands; `false` where there is none.
    pub(super) fn remove(&mut self, path: &str) -> bool {
        let Some((parent, last)) = split(path) else {
            return self.table.remove(path).is_some();
        };
        match (find(&mut self.table, parent), last) {
            (Some(Value::Table(table)), Step::Key(key)) => table.remove(key).is_some(),
            (Some(Value::Array(items)), Step::Position(n)) if n < items.len() => {
                items.remove(n);
                true
            }
            _ => false,
        }
    }
}

/// The last step of a path.
pub(super) enum Step<'a> {
    Key(&'a str),
    Position(usize),
}

/// Splits `a.b[0].c` into `a.b[0]` and `c`, `a[0]` into `a` and 0.
fn split(path: &str) -> Option<(&str, Step<'_>)> {
    if let Some(inner) = path.strip_suffix(']') {
        let (parent, digits) = inner.rsplit_once('[')?;
        return Some((parent, Step::Position(digits.parse().ok()?)));
    }
    let (parent, key) = path.rsplit_once('.')?;
    Some((parent, Step::Key(key)))
}

/// The value at a path.
pub(super) fn find<'a>(table: &'a mut Table, path: &str) -> Option<&'a mut Value> {
    let Some((parent, last)) = split(path) else {
        return table.get_mut(path);
    };
    match (find(table, parent)?, last) {
        (Value::Table(table), Step::Key(key)) => table.get_mut(key),
        (Value::Array(items), Step::Position(n)) => items.get_mut(n),
        _ => None,
    }
}

/// The path of a key below another.
pub(super) fn below(parent: &str, key: &str) -> String {
    if parent.is_empty() {
        key.to_owned()
    } else {
        format!("{parent}.{key}")
    }
}
