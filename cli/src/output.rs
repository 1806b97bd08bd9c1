//! The two streams: data on standard output, words for people on standard error; colour only where wanted.

use std::io::{self, IsTerminal, Write};

use crate::args::ColorChoice;
use crate::failure::Failure;

/// What may be written where.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    /// Standard error understands colours.
    pub color_err: bool,
    /// Standard output understands colours.
    pub color_out: bool,
    /// Standard error is a terminal that can move its cursor.
    pub moving: bool,
    /// Characters outside ASCII may be drawn on standard error.
    pub unicode: bool,
}

impl Streams {
    /// Decides from `--color`, `NO_COLOR`, `CLICOLOR_FORCE`, `TERM` and what the streams are.
    pub fn detect(choice: ColorChoice) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|t| t == "dumb");
        let color = |terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => !set("NO_COLOR") && (set("CLICOLOR_FORCE") || terminal && !dumb),
        };
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self {
            color_err: color(err),
            color_out: color(out),
            moving: err && !dumb,
            unicode: err && !dumb && utf8(),
        }
    }
}

/// True where the locale is UTF-8.
fn utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    locale.is_none_or(|l| {
        let l = l.to_ascii_lowercase();
        l.contains("utf-8") || l.contains("utf8")
    })
}

/// Writes data for the caller, a line end included.
pub fn data(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') || text.is_empty() { Ok(()) } else { out.write_all(b"\n") })
        .and_then(|()| out.flush())
        .map_err(Failure::Output)
}

/// Writes one JSON value, indented.
pub fn json<T: serde::Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Failure::new("internal::json", format!("Cannot write JSON: {e}")))?;
    data(&text)
}

/// Says something to the person. A standard error that is gone is nobody's concern.
pub fn say(text: &str) {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "{text}");
}

/// Warns as Nix does.
pub fn warn(text: &str) {
    say(&format!("warning: {text}"));
}
