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
    /// `Dockerfile:12`), the beginning of an id, its text, a stage, which means its last step, or a part of its text.
    ///
    /// # Errors
    /// When it means none, or several.
    pub fn find(&self, name: &str) -> Result<&Told, HistoryError> {
        self.find_by(name, true)
    }

    /// The same without parts of texts, for where a word may mean something else.
    ///
    /// # Errors
    /// When it means none, or several.
    pub fn find_whole(&self, name: &str) -> Result<&Told, HistoryError> {
        self.find_by(name, false)
    }

    fn find_by(&self, name: &str, parts: bool) -> Result<&Told, HistoryError> {
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
        let rules: [&dyn Fn(&Told) -> bool; 3] = [&place, &id, &exact];
        let mut found: Vec<Vec<&Told>> =
            rules.iter().map(|rule| all().filter(|told| rule(told)).collect()).collect();
        found.push(all().rfind(|told| stage(told) == Some(word)).into_iter().collect());
        found.push(all().filter(|told| parts && part(told)).collect());
        for found in found {
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

/// The name of the stage in `[NAME 1/2] RUN …`.
fn stage(told: &Told) -> Option<&str> {
    let (brackets, _) = told.decided.label.strip_prefix('[')?.split_once(']')?;
    brackets.rsplit_once(' ').map(|(stage, _)| stage)
}

/// The instruction without what stands in brackets before it.
fn text(told: &Told) -> &str {
    let label = &told.decided.label;
    label.split_once("] ").map_or(label.as_str(), |(_, text)| text)
}
