//! Search: the full-text index for what it holds, and a look at the rows that it does not hold yet.

use std::time::Duration;

use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::arms::{IndexArm, Selection, Span};
use super::find::{End, Found, Quest, beyond, scan};
use super::kept_counts::totals;
use super::merge::Direction;
use super::probe::{Budget, Look, Probe};
use super::words::Words;
use postroom_domain::{Category, ShownType};

/// Rows looked at one by one before the full-text index is asked: a word that is common in what a person sees fills
/// the page from these, where the index would first gather every row of the server that has it.
const GLANCE: usize = 32;
/// A look that takes longer meets a cold disk, where the index costs less.
const GLANCE_TIME: Duration = Duration::from_millis(2);
/// People who see fewer rows than this have them looked at one by one, all of them.
const SCAN_ALL_MAX: i64 = 1_000;
/// The look goes on while one row in so many has the words.
const GLANCE_SPARSITY: usize = 50;
/// From so many arms on, matches are first tested row by row: every scope token costs the index some 20 µs.
const PROBE_FROM_ARMS: usize = 24;
/// Matches are tested row by row while one in so many lies in the scope.
const OUTSIDE_MAX: usize = 20;
/// Words that the start of one is spelt out as.
const TERMS_MAX: usize = 16;
/// Matches read from the index at once, at first and at most.
const CHUNK: (usize, usize) = (64, 1024);

/// Finds rows that hold every word.
pub(super) fn find(
    conn: &Connection,
    quest: &Quest<'_>,
    words: &Words,
    budget: &mut Budget,
) -> rusqlite::Result<Found> {
    let indexed = text_cursor(conn)?;
    let fresh = Span {
        low: indexed + 1,
        high: i64::MAX,
    };
    let old = Span {
        low: 0,
        high: indexed + 1,
    };
    let parts = match quest.direction {
        Direction::Down => [(fresh, Part::Fresh), (old, Part::Indexed)],
        Direction::Up => [(old, Part::Indexed), (fresh, Part::Fresh)],
    };
    let mut found = Found {
        ords: Vec::new(),
        end: End::Exhausted,
    };
    for (span, part) in parts {
        let mut rest = *quest;
        rest.span = quest.span.within(span);
        rest.want = quest.want - found.ords.len();
        if rest.span.is_empty() {
            continue;
        }
        let more = match part {
            Part::Fresh => scan(conn, &rest, budget)?,
            Part::Indexed => find_indexed(conn, &rest, words, budget)?,
        };
        found.ords.extend(more.ords);
        found.end = more.end;
        if found.end != End::Exhausted {
            break;
        }
    }
    Ok(found)
}

#[derive(Clone, Copy)]
enum Part {
    Fresh,
    Indexed,
}

fn text_cursor(conn: &Connection) -> rusqlite::Result<i64> {
    Ok(conn
        .prepare_cached("SELECT ord FROM text_cursor WHERE one = 1")?
        .query_row([], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

/// Looks at rows one by one while that pays, then asks the index.
fn find_indexed(
    conn: &Connection,
    quest: &Quest<'_>,
    words: &Words,
    budget: &mut Budget,
) -> rusqlite::Result<Found> {
    let mut found = Found {
        ords: Vec::new(),
        end: End::Exhausted,
    };
    let mut rest = *quest;
    if sees_few(conn, quest.selection)? {
        return scan(conn, quest, budget);
    }
    loop {
        rest.want = quest.want - found.ords.len();
        let mut glance = budget.with_looks(GLANCE).within(GLANCE_TIME);
        let more = scan(conn, &rest, &mut glance)?;
        let dense = more.ords.len() * GLANCE_SPARSITY >= GLANCE;
        found.ords.extend(more.ords);
        found.end = more.end;
        let End::Spent(ord) = more.end else {
            return Ok(found);
        };
        rest.span = beyond(rest.span, rest.direction, ord);
        if budget.is_over() {
            return Ok(found);
        }
        if !dense || glance.is_over() {
            break;
        }
    }
    rest.want = quest.want - found.ords.len();
    let more = ask_index(conn, &rest, words, budget)?;
    found.ords.extend(more.ords);
    found.end = more.end;
    Ok(found)
}

fn sees_few(conn: &Connection, selection: &Selection) -> rusqlite::Result<bool> {
    Ok(selection.arms.len() < PROBE_FROM_ARMS
        && totals(conn, selection)?.0.iter().flatten().sum::<i64>() < SCAN_ALL_MAX)
}

fn ask_index(
    conn: &Connection,
    quest: &Quest<'_>,
    words: &Words,
    budget: &mut Budget,
) -> rusqlite::Result<Found> {
    let Some(words) = expression(conn, words)? else {
        return Ok(Found {
            ords: Vec::new(),
            end: End::Exhausted,
        });
    };
    let selection = quest.selection;
    let mut asked = Asked {
        quest: *quest,
        probe: Probe::new(conn, selection, None)?,
        statement: conn.prepare_cached(match quest.direction {
            Direction::Down => MATCH_DOWN,
            Direction::Up => MATCH_UP,
        })?,
        ords: Vec::new(),
        chunk: CHUNK.0,
    };
    let wide = selection.arms.len() >= PROBE_FROM_ARMS;
    if wide && let Some(end) = asked.read(&words, Test::WhileInside, budget)? {
        return Ok(asked.into_found(end));
    }
    let scoped = match scope_expression(selection) {
        Some(scope) => format!("{scope} AND {words}"),
        None => words,
    };
    let test = if selection.is_residual() || selection.types.len() < ShownType::ALL.len() {
        Test::Each
    } else {
        Test::None
    };
    let end = asked.read(&scoped, test, budget)?.unwrap_or(End::Exhausted);
    Ok(asked.into_found(end))
}

/// What is left to test on a match.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Test {
    /// Nothing: the index says it all.
    None,
    /// The row's Type, kind and state.
    Each,
    /// The same and the scope, giving up once few matches lie in the scope.
    WhileInside,
}

struct Asked<'c> {
    quest: Quest<'c>,
    probe: Probe<'c>,
    statement: CachedStatement<'c>,
    ords: Vec<i64>,
    chunk: usize,
}

impl Asked<'_> {
    /// Reads matches in pieces; `None` where it gave up, with what is left in the quest's span.
    fn read(&mut self, expression: &str, test: Test, budget: &mut Budget) -> rusqlite::Result<Option<End>> {
        let (mut tested, mut inside) = (0, 0);
        loop {
            let matches = self.matches(expression)?;
            let ended = matches.len() < self.chunk;
            let last = matches.last().copied().unwrap_or(0);
            self.chunk = (self.chunk * 2).min(CHUNK.1);
            for ord in matches {
                self.quest.span = beyond(self.quest.span, self.quest.direction, ord);
                tested += 1;
                let meant = match test {
                    Test::None => true,
                    Test::Each => self.probe.admits(self.quest.selection, ord)?,
                    Test::WhileInside => self.test_inside(ord, &mut inside)?,
                };
                if meant {
                    self.ords.push(ord);
                    if self.ords.len() == self.quest.want {
                        return Ok(Some(End::Full));
                    }
                }
                if budget.is_spent(Look::of(meant)) {
                    return Ok(Some(End::Spent(ord)));
                }
            }
            if ended {
                return Ok(Some(End::Exhausted));
            }
            if budget.is_over() {
                return Ok(Some(End::Spent(last)));
            }
            if test == Test::WhileInside && inside * OUTSIDE_MAX < tested {
                return Ok(None);
            }
        }
    }

    fn test_inside(&mut self, ord: i64, inside: &mut usize) -> rusqlite::Result<bool> {
        let Some(key) = self.probe.key(ord)? else {
            return Ok(false);
        };
        *inside += usize::from(self.quest.selection.sees(&key));
        self.probe.admits_key(self.quest.selection, ord, &key)
    }

    fn matches(&mut self, expression: &str) -> rusqlite::Result<Vec<i64>> {
        let limit = i64::try_from(self.chunk).unwrap_or(i64::MAX);
        let span = self.quest.span;
        self.statement
            .query_map((expression, span.low, span.high - 1, limit), |row| row.get(0))?
            .collect()
    }

    fn into_found(self, end: End) -> Found {
        Found { ords: self.ords, end }
    }
}

/// The words as a full-text expression; `None` where the index would find no word in them.
fn expression(conn: &Connection, words: &Words) -> rusqlite::Result<Option<String>> {
    let mut terms = Vec::new();
    for word in words.whole() {
        terms.extend(index_terms(word)?.iter().map(|term| format!("\"{term}\"")));
    }
    let mut last = index_terms(words.start())?;
    let whole = last.len().saturating_sub(1);
    for term in last.iter_mut().take(whole) {
        *term = format!("\"{term}\"");
    }
    if let Some(start) = last.last_mut() {
        *start = start_expression(conn, start)?;
    }
    terms.append(&mut last);
    Ok((!terms.is_empty()).then(|| format!("{{subject address}} : ({})", terms.join(" AND "))))
}

/// The start of a word as the few words that begin with it. The index would gather every entry of a start before it
/// answers, a word's entries it reads as they are wanted; where many words begin so, nothing else is left.
fn start_expression(conn: &Connection, start: &str) -> rusqlite::Result<String> {
    let mut next = conn.prepare_cached("SELECT term FROM text_terms WHERE term >= ?1 LIMIT 1")?;
    let mut terms: Vec<String> = Vec::new();
    let mut from = start.to_owned();
    while let Some(term) = next
        .query_row([&from], |row| row.get::<_, String>(0))
        .optional()?
    {
        if !term.starts_with(start) {
            break;
        }
        if terms.len() == TERMS_MAX {
            return Ok(format!("\"{start}\" *"));
        }
        terms.push(format!("\"{term}\""));
        // The next term is the first at or after this one with one more character, the smallest.
        from = term + "\u{1}";
    }
    if terms.is_empty() {
        return Ok(format!("\"{start}\""));
    }
    Ok(format!("({})", terms.join(" OR ")))
}

/// A folded word as the index splits it: in writing whose vowel signs are marks, one word of ours is several of its.
/// Letters and digits alone get here, so nothing needs escaping inside the quotes.
fn index_terms(word: &str) -> rusqlite::Result<Vec<String>> {
    if word.is_ascii() {
        return Ok(Some(word)
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .into_iter()
            .collect());
    }
    let splitter = Connection::open_in_memory()?;
    splitter.execute_batch(
        "CREATE VIRTUAL TABLE t USING fts5 (x, tokenize = 'unicode61 remove_diacritics 2');
         CREATE VIRTUAL TABLE v USING fts5vocab (t, instance);",
    )?;
    splitter.execute("INSERT INTO t VALUES (?1)", [word])?;
    splitter
        .prepare("SELECT term FROM v ORDER BY offset")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// The arms as scope tokens (see `text`); `None` for the whole server.
fn scope_expression(selection: &Selection) -> Option<String> {
    let whole = [Category::User, Category::Notification]
        .iter()
        .all(|category| selection.arms.contains(&IndexArm::Server(*category)));
    if whole {
        return None;
    }
    let tokens: Vec<String> = selection
        .arms
        .iter()
        .map(|arm| match *arm {
            IndexArm::Sender(id) => format!("s{id}"),
            IndexArm::Office(id, Category::User) => format!("m{id}"),
            IndexArm::Office(id, Category::Notification) => format!("n{id}"),
            IndexArm::Server(category) => format!("c{}", category.number()),
        })
        .collect();
    Some(format!("scope : ({})", tokens.join(" OR ")))
}

const MATCH_DOWN: &str = "SELECT rowid FROM text WHERE text MATCH ?1 AND rowid >= ?2 AND rowid <= ?3 \
                          ORDER BY rowid DESC LIMIT ?4";
const MATCH_UP: &str = "SELECT rowid FROM text WHERE text MATCH ?1 AND rowid >= ?2 AND rowid <= ?3 \
                        ORDER BY rowid ASC LIMIT ?4";
