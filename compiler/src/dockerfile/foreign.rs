//! Bytes of a Dockerfile that are no UTF-8, as older editors write them: what they become, and where they may stand.
//!
//! Owns: the decoding of bytes, and which instructions mean the same with decoded ones. BuildKit keeps the bytes until a word
//! is expanded or an image config is written; both put U+FFFD in the place of each. Commands of RUN and contents of heredocs are
//! neither, and no file has a name with that character in place of its own.

use buildc_ir::{Diagnostic, Span};

use super::ast::{Dockerfile, Instruction, Kind};
use super::problem;

/// A text whose bytes may have been others.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Decoded {
    /// The text.
    pub text: String,
    /// Where U+FFFD stands for a byte in it, ascending.
    pub foreign: Vec<usize>,
}

/// Decodes as Go does: each byte that is no part of a character becomes one U+FFFD.
pub fn decode(bytes: Vec<u8>) -> Decoded {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Decoded { text, foreign: Vec::new() },
        Err(error) => error.into_bytes(),
    };
    let mut decoded = Decoded::default();
    for chunk in bytes.utf8_chunks() {
        decoded.text.push_str(chunk.valid());
        for _ in chunk.invalid() {
            decoded.foreign.push(decoded.text.len());
            decoded.text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    decoded
}

impl Decoded {
    /// What is to be said of the replaced bytes in the instructions of the text: an error where the image would be another, a
    /// warning where it holds U+FFFD. In comments they are nobody's concern.
    pub fn problems(&self, ast: &Dockerfile) -> Vec<Diagnostic> {
        ast.instructions.iter().filter_map(|instruction| self.problem(ast, instruction)).collect()
    }

    fn problem(&self, ast: &Dockerfile, instruction: &Instruction) -> Option<Diagnostic> {
        let (start, end) = (instruction.span.start as usize, instruction.span.end as usize);
        let mut inside = self.foreign.iter().filter(|at| (start..end).contains(*at));
        let at = *inside.find(|at| !self.in_comment(**at, instruction))?;
        let span = Span::new(ast.file, at, at + char::REPLACEMENT_CHARACTER.len_utf8());
        let name = instruction.name.text.to_ascii_uppercase();
        Some(match says_the_same(instruction) {
            true => problem::foreign_bytes_replaced(&name, span),
            false => problem::foreign_bytes(&name, span),
        })
    }

    /// True for a place in a comment between the lines of an instruction. The lines of a heredoc are none.
    fn in_comment(&self, at: usize, instruction: &Instruction) -> bool {
        let line = self.text.get(..at).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
        at < instruction.last_line.end as usize && line.trim_start().starts_with('#')
    }
}

/// Whether BuildKit too has U+FFFD in the place of such bytes, in all that comes of the instruction.
fn says_the_same(instruction: &Instruction) -> bool {
    match &instruction.kind {
        Kind::From(_) | Kind::Run(_) | Kind::Transfer(_) => false,
        Kind::Onbuild(trigger) => {
            let name = trigger.text.split_whitespace().next().unwrap_or_default();
            !["RUN", "COPY", "ADD"].iter().any(|other| name.eq_ignore_ascii_case(other))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use buildc_ir::{FileId, Severity};

    use super::*;

    fn found(bytes: &[u8]) -> Vec<(Severity, String)> {
        let decoded = decode(bytes.to_vec());
        let (ast, problems) = super::super::parse(FileId(0), &decoded.text);
        assert!(problems.is_empty(), "{problems:?}");
        let place = |d: &Diagnostic| {
            let start = d.labels[0].span.start as usize;
            decoded.text[..start].lines().count().to_string()
        };
        decoded.problems(&ast).iter().map(|d| (d.severity, place(d))).collect()
    }

    #[test]
    fn each_byte_becomes_a_character_of_its_own() {
        let decoded = decode(b"a\xfcb\xe2\x82c\xc3\xa9\xef\xbf\xbd".to_vec());
        assert_eq!(decoded.text, "a\u{fffd}b\u{fffd}\u{fffd}cé\u{fffd}");
        assert_eq!(decoded.foreign, [1, 5, 8], "the last one was written");
    }

    #[test]
    fn comments_may_say_anything() {
        let text =
            b"# f\xfcr\nFROM scratch\nENV a=b \\\n  # f\xfcr\n  c=d\nRUN x && \\\n# f\xfcr\n  y\n# f\xfcr\n";
        assert_eq!(found(text), []);
    }

    #[test]
    fn what_images_say_is_replaced_and_what_commands_do_is_not() {
        let one = |severity, line: &str| vec![(severity, line.to_owned())];
        for (line, want) in [
            ("LABEL by=\"J\u{1}rg\"", Severity::Warning),
            ("MAINTAINER J\u{1}rg", Severity::Warning),
            ("ENV A=\u{1}", Severity::Warning),
            ("CMD echo \u{1}", Severity::Warning),
            ("ONBUILD LABEL a=\u{1}", Severity::Warning),
            ("ONBUILD run echo \u{1}", Severity::Error),
            ("RUN echo \u{1}", Severity::Error),
            ("COPY \u{1} /", Severity::Error),
            ("COPY <<E /a\nb\n# \u{1}\nE", Severity::Error),
            ("RUN <<E\n# \u{1}\nE", Severity::Error),
        ] {
            let bytes: Vec<u8> =
                format!("FROM scratch\n{line}\n").bytes().map(|b| if b == 1 { 0xfc } else { b }).collect();
            let at = 1 + line.lines().position(|l| l.contains('\u{1}')).unwrap_or_default() + 1;
            assert_eq!(found(&bytes), one(want, &at.to_string()), "{line}");
        }
    }
}
