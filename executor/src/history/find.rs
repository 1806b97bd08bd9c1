//! Naming a step of a build: by line, id, text, or what became of it.

use super::{Build, Fate, HistoryError, Told};

/// Longer numbers are ids.
const LINE_DIGITS: usize = 5;
/// Fewer digits of an id name too much.
const ID_DIGITS: usize = 6;
/// How many of several steps an error names.
const NAMED: usize = 4;

impl Build {
    /// The step that a word means, with or without `@` before it: `failed`, `last`, a line of the source (`12` or
    /// `Dockerfile:12`), the beginning of an id, or a part of its text.
    ///
    /// # Errors
    /// When it means none, or several.
    pub fn find(&self, name: &str) -> Result<&Told, HistoryError> {
        let word = name.strip_prefix('@').unwrap_or(name);
        let all = || self.steps.iter();
        let none = || HistoryError::NoStep { name: name.to_owned() };
        match word {
            "" => return Err(none()),
            "failed" => {
                return all().find(|told| matches!(told.fate, Fate::Failed { .. })).ok_or_else(none);
            }
            "last" => return all().next_back().ok_or_else(none),
            _ => {}
        }
        let line = word.strip_prefix(':').unwrap_or(word);
        let is_line = line.len() <= LINE_DIGITS && line.bytes().all(|b| b.is_ascii_digit());
        let place = |told: &Told| match is_line {
            true => told.decided.places.iter().any(|p| p.rsplit(':').next() == Some(line)),
            false => told.decided.places.iter().any(|p| p == word),
        };
        let is_id = word.len() >= ID_DIGITS && word.bytes().all(|b| b.is_ascii_hexdigit());
        let id = |told: &Told| is_id && told.decided.id.0.to_string().starts_with(word);
        let exact = |told: &Told| text(told) == word || told.decided.label == word;
        let part = |told: &Told| told.decided.label.contains(word);
        let rules: [&dyn Fn(&Told) -> bool; 4] = [&place, &id, &exact, &part];
        for rule in rules {
            let found: Vec<&Told> = all().filter(|told| rule(told)).collect();
            match found.as_slice() {
                [] => {}
                [one] => return Ok(one),
                several => {
                    let labels = several.iter().take(NAMED).map(|told| told.decided.label.clone()).collect();
                    return Err(HistoryError::SeveralSteps { name: name.to_owned(), labels });
                }
            }
        }
        Err(none())
    }
}

/// The instruction without what stands in brackets before it.
fn text(told: &Told) -> &str {
    let label = &told.decided.label;
    label.split_once("] ").map_or(label.as_str(), |(_, text)| text)
}
