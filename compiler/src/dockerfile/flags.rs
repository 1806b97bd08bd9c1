//! Flags of instructions: which exist, and the rules all of them share.
//!
//! Owns: `--name[=value]` after the name of an instruction; values are checked by whoever knows their meaning.

use buildc_ir::Diagnostic;

use super::ast::Word;
use super::problem;

/// What a flag may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// One text value.
    Text,
    /// A text value, repeatable.
    List,
    /// A boolean; bare means true.
    Bool,
}

/// The flags of one instruction as written, checked against those it has.
#[derive(Debug, Default)]
pub struct Flags {
    found: Vec<(&'static str, Word)>,
}

impl Flags {
    /// Checks flags against those that an instruction has.
    pub fn read(
        written: &[Word],
        instruction: &str,
        known: &[(&'static str, Shape)],
        problems: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut flags = Self::default();
        for flag in written {
            let span = flag.span;
            let written = flag.text.strip_prefix("--").unwrap_or(&flag.text);
            let (name, value) = match written.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (written, None),
            };
            let Some((name, shape)) = known.iter().find(|(k, _)| *k == name).copied() else {
                let names: Vec<&str> = known.iter().map(|(k, _)| *k).collect();
                problems.push(problem::unknown_flag(instruction, name, &names, span));
                continue;
            };
            if shape != Shape::List && flags.get(name).is_some() {
                let message = format!("Flag `--{name}` is given twice");
                problems.push(problem::bad_flag(message, span, "Keep one of the two"));
                continue;
            }
            match checked(name, shape, value) {
                Ok(text) => flags.found.push((name, Word { text, span })),
                Err((message, help)) => problems.push(problem::bad_flag(message, span, help)),
            }
        }
        flags
    }

    /// The value of a text flag, which may be empty.
    pub fn given(&self, name: &str) -> Option<Word> {
        self.get(name).cloned()
    }

    fn get(&self, name: &str) -> Option<&Word> {
        self.found.iter().find(|(n, _)| *n == name).map(|(_, w)| w)
    }

    /// The value of a text flag; an empty one counts as not given.
    pub fn text(&self, name: &str) -> Option<Word> {
        self.get(name).filter(|w| !w.text.is_empty()).cloned()
    }

    /// All values of a repeatable flag.
    pub fn list(&self, name: &str) -> Vec<Word> {
        self.found.iter().filter(|(n, _)| *n == name).map(|(_, w)| w.clone()).collect()
    }

    /// The value of a boolean flag, if given.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name).map(|w| w.text == "true")
    }
}

fn checked(name: &str, shape: Shape, value: Option<&str>) -> Result<String, (String, String)> {
    match (shape, value) {
        (Shape::Bool, None) => Ok("true".to_owned()),
        (Shape::Bool, Some(value)) => match value.to_ascii_lowercase().as_str() {
            "true" => Ok("true".to_owned()),
            "false" => Ok("false".to_owned()),
            _ => Err((
                format!("Flag `--{name}` is true or false, not `{value}`"),
                format!("Write `--{name}` or `--{name}=false`"),
            )),
        },
        (_, Some(value)) => Ok(value.to_owned()),
        (_, None) => Err((format!("Flag `--{name}` has no value"), format!("Write `--{name}=VALUE`"))),
    }
}
