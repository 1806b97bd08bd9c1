//! What can be wrong with a pattern.

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
    #[error("`!` is not followed by a pattern")]
    LoneBang {
        /// 1-based line in the file, or position in the list.
        line: u32,
    },
}

impl PatternError {
    /// Stable code, with a page in `spec/errors/`.
    pub fn code(&self) -> &'static str {
        match self {
            PatternError::Malformed { .. } => "pattern::malformed",
            PatternError::LoneBang { .. } => "pattern::lone_bang",
        }
    }

    /// The remedy.
    pub fn help(&self) -> &'static str {
        match self {
            PatternError::Malformed { .. } => {
                "Close every `[`, give classes as `[a-z]`, and write a character that is meant literally as `\\c`"
            }
            PatternError::LoneBang { .. } => {
                "Write what is to be taken back in after the `!`, or remove the line"
            }
        }
    }

    /// 1-based line in the file, or position in the list.
    pub fn line(&self) -> u32 {
        match self {
            PatternError::Malformed { line, .. } | PatternError::LoneBang { line } => *line,
        }
    }
}
