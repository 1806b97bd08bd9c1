//! The forms of what an evaluation says on standard error: as people read it, or as `--log-format internal-json` of Nix.
//!
//! Owns: the fields of a message. What Nix colours in the texts of its JSON is without colours here.

use std::borrow::Cow;
use std::io::{self, Write};

use buildc_compiler::lang::error::EvalError;
use buildc_compiler::lang::eval::Evaluator;
use buildc_compiler::lang::report;
use serde_json::{Value, json};

/// The form of what is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Log {
    /// As it is.
    Plain,
    /// Each message is an object on a line.
    Json,
}

/// What warnings of programs begin with.
const WARNED: &str = "evaluation warning: ";

impl Log {
    /// A line that was said, as it is written.
    pub fn line<'l>(self, line: &'l [u8]) -> Cow<'l, [u8]> {
        if self == Log::Plain {
            return Cow::Borrowed(line);
        }
        let text = String::from_utf8_lossy(line);
        let message = if let Some(warning) = text.strip_prefix(WARNED) {
            let raw = warning.replace(&format!("\n{}", " ".repeat(WARNED.len())), "\n");
            json!({"action": "msg", "column": 0, "file": "«none»:0", "level": 1, "line": 0,
                "msg": text, "raw_msg": raw})
        } else if let Some(raw) = text.strip_prefix("warning: ") {
            json!({"action": "msg", "column": null, "file": null, "level": 1, "line": null,
                "msg": text, "raw_msg": raw})
        } else {
            let level = if text.starts_with("evaluating file '") { 4 } else { 0 };
            json!({"action": "msg", "level": level, "msg": text})
        };
        Cow::Owned(marked(&message))
    }

    /// An error, as it is written.
    pub fn error(self, error: &EvalError, ev: &Evaluator<'_>) -> Vec<u8> {
        let text = report::render(error, &ev.sources, ev.options.show_trace);
        if self == Log::Plain {
            return text;
        }
        let place = ev.sources.resolve(error.pos);
        let file = place.as_ref().map(|place| {
            let mut text = Vec::new();
            place.write(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let (line, column) = place.map(|place| (place.line, place.column)).unzip();
        marked(&json!({"action": "msg", "column": column, "file": file, "level": 0, "line": line,
            "msg": String::from_utf8_lossy(&text), "raw_msg": String::from_utf8_lossy(&error.message)}))
    }

    /// Writes a message.
    pub fn write(self, message: &[u8]) {
        // Nothing can be done when the user closed the stream.
        let _ = io::stderr().lock().write_all(&[message, b"\n"].concat());
    }
}

fn marked(message: &Value) -> Vec<u8> {
    format!("@nix {message}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_has_the_fields_that_nix_gives_it() {
        let line =
            |text: &str| String::from_utf8(Log::Json.line(text.as_bytes()).into_owned()).expect("text");
        assert_eq!(line("trace: a\nb"), r#"@nix {"action":"msg","level":0,"msg":"trace: a\nb"}"#);
        let wanted = concat!(
            r#"@nix {"action":"msg","column":0,"file":"«none»:0","level":1,"line":0,"#,
            r#""msg":"evaluation warning: a\n                    b","raw_msg":"a\nb"}"#
        );
        assert_eq!(line("evaluation warning: a\n                    b"), wanted);
        assert_eq!(Log::Plain.line(b"trace: a")[..], *b"trace: a");
    }
}
