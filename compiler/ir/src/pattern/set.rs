//! `.dockerignore` and `--exclude` rules (moby's patternmatcher): the last rule that matches a path or one of its
//! parents decides.

/// A pattern that cannot be compiled.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PatternError {
    /// Bad class, range or trailing backslash.
    #[error("`{text}` is not a valid pattern")]
    Malformed {
        /// 1-based line in the file, or position in the list.
        line: u32,
        /// As written.
        text: String,
    },
    /// A `!` alone.
    #[error("`!` excludes nothing")]
    LoneBang {
        /// 1-based line in the file, or position in the list.
        line: u32,
    },
}

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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// True when the path is left out.
    pub excluded: bool,
    decided_by: Option<u32>,
}

/// Compiled rules in order.
#[derive(Clone, Debug, Default)]
pub struct PatternSet {
    rules: Vec<Rule>,
}

impl PatternSet {
    /// Reads the text of an ignore file: BOM, comments, trimming and cleaning as moby does.
    ///
    /// # Errors
    /// [`PatternError`] with the line.
    pub fn parse(_text: &str) -> Result<Self, PatternError> {
        todo!()
    }

    /// Compiles a list, as `--exclude` gives it.
    ///
    /// # Errors
    /// [`PatternError`] with the position.
    pub fn from_patterns<S: AsRef<str>>(_patterns: &[S]) -> Result<Self, PatternError> {
        todo!()
    }

    /// True without rules: nothing is ever excluded.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the rules say of a path whose parent directory's verdict is known (`Verdict::default()` at the top): the
    /// way for a walker, which asks each entry once. `path` is relative to the root, without leading slash.
    pub fn judge(&self, _path: &[u8], _parent: Verdict) -> Verdict {
        todo!()
    }

    /// What the rules say of a path alone.
    pub fn judge_path(&self, _path: &[u8]) -> Verdict {
        todo!()
    }

    /// True when a walker must look into the excluded directory `dir`, since a later `!` rule may take something
    /// below it back in. What is taken back in brings its parent directories along.
    pub fn may_include_below(&self, _dir: &[u8], _verdict: Verdict) -> bool {
        todo!()
    }

    /// The rule that decided, if any did.
    pub fn rule(&self, verdict: Verdict) -> Option<&Rule> {
        self.rules.get(verdict.decided_by? as usize)
    }
}
