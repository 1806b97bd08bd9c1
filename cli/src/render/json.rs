//! One JSON object per event and line.

use std::io::{self, Write};

use buildc_executor::Event;

use super::Renderer;

/// Writes events as they are.
#[derive(Debug)]
pub struct Json;

impl Renderer for Json {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        io::stderr().lock().write_all(&line)
    }
}
