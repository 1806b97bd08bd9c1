//! `.dockerignore` and `--exclude` rules (moby's patternmatcher): the last rule that matches a path or one of its
//! parents decides. A rule that would change nothing is not asked, neither for the path nor for what is below: `!docs`
//! takes nothing back in where `docs` itself was not excluded.

use std::sync::Arc;

use super::PatternError;
use super::matcher::{Language, Matcher};

/// One rule as written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// 1-based line in the file, or position in the list.
    pub line: u32,
    /// As written, trimmed.
    pub text: String,
    /// True for `!` rules, which take back in what earlier rules left out.
    pub include: bool,
}

/// What the rules say of one path.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// True when the path is left out.
    pub excluded: bool,
    /// How many rules from the top are settled for everything below: those up to the one that decided.
    settled: usize,
    /// Places of the rules that matched the path or a parent when they were asked, rising.
    matched: Option<Arc<[usize]>>,
}

/// Compiled rules in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PatternSet {
    rules: Vec<(Rule, Matcher)>,
}

impl PatternSet {
    /// Reads the text of an ignore file: BOM, comments (`#` in column 1), trimming and cleaning as moby does.
    ///
    /// # Errors
    /// [`PatternError`] with the line.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self::compile(text.lines().map(|line| if line.starts_with('#') { "" } else { line }), true)
    }

    /// Compiles a list, as `--exclude` gives it. Unlike in an ignore file a leading slash stays, and no path begins with one.
    ///
    /// # Errors
    /// [`PatternError`] with the position.
    pub fn from_patterns<S: AsRef<str>>(patterns: &[S]) -> Result<Self, PatternError> {
        Self::compile(patterns.iter().map(AsRef::as_ref), false)
    }

    fn compile<'a>(lines: impl Iterator<Item = &'a str>, rooted: bool) -> Result<Self, PatternError> {
        let mut rules = Vec::new();
        for (line, text) in (1u32..).zip(lines) {
            let text = text.trim();
            let (include, pattern) = match text.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, text),
            };
            if pattern.is_empty() && include {
                return Err(PatternError::LoneBang { line });
            }
            if pattern.is_empty() {
                continue;
            }
            let cleaned = clean(pattern);
            let matcher = Matcher::compile(&cleaned, Language::Ignore)
                .map_err(|_| PatternError::Malformed { line, text: text.to_owned() })?;
            if pattern.starts_with('/') && !rooted {
                continue;
            }
            rules.push((Rule { line, text: text.to_owned(), include }, matcher));
        }
        Ok(Self { rules })
    }

    /// True without rules: nothing is ever excluded.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// True with a `!` rule.
    pub fn takes_back(&self) -> bool {
        self.rules.iter().any(|(rule, _)| rule.include)
    }

    /// What the rules say of a path whose parent directory's verdict is known (`Verdict::default()` at the top): the
    /// way for a walker, which asks each entry once. `path` is relative to the root, without leading slash.
    pub fn judge(&self, path: &[u8], parent: &Verdict) -> Verdict {
        let above = parent.matched.as_deref().unwrap_or_default();
        let mut verdict = Verdict { matched: parent.matched.clone(), ..Verdict::default() };
        let mut own = Vec::new();
        for (at, (rule, matcher)) in self.rules.iter().enumerate() {
            if !above.contains(&at) {
                if rule.include != verdict.excluded || !matcher.matches(path) {
                    continue;
                }
                own.push(at);
            }
            (verdict.excluded, verdict.settled) = (!rule.include, at + 1);
        }
        if !own.is_empty() {
            own.extend(above);
            own.sort_unstable();
            verdict.matched = Some(own.into());
        }
        verdict
    }

    /// What the rules say of a path alone.
    pub fn judge_path(&self, path: &[u8]) -> Verdict {
        let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at).chain([path.len()]);
        ends.fold(Verdict::default(), |parent, end| self.judge(&path[..end], &parent))
    }

    /// True when a walker must look into the excluded directory `dir`, since a later `!` rule may take something
    /// below it back in. What is taken back in brings its parent directories along.
    pub fn may_include_below(&self, dir: &[u8], verdict: &Verdict) -> bool {
        let below = [dir, b"/"].concat();
        let open = self.rules.get(verdict.settled..).unwrap_or_default();
        open.iter().any(|(rule, matcher)| rule.include && matcher.may_match_below(&below))
    }

    /// The rule that decided, if any did.
    pub fn rule(&self, verdict: &Verdict) -> Option<&Rule> {
        self.rules.get(verdict.settled.checked_sub(1)?).map(|(rule, _)| rule)
    }
}

/// Go's `filepath.Clean`, and without a leading slash: patterns are anchored at the root of the context anyway.
fn clean(pattern: &str) -> String {
    let rooted = pattern.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match parts.is_empty() {
        true if rooted => "/".to_owned(),
        true => ".".to_owned(),
        false => parts.join("/"),
    }
}
