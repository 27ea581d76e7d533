//! The words for a name that does not exist.

/// Says that `name` is none of `allowed`, and which of them is near.
pub(super) fn unknown(what: &str, name: &str, place: &str, allowed: &[&str]) -> String {
    let near = allowed
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = near.map_or_else(String::new, |(_, candidate)| {
        format!("; did you mean \"{candidate}\"?")
    });
    let list = allowed.join(", ");
    format!("unknown {what} \"{name}\"{place}{hint} (allowed: {list})")
}
