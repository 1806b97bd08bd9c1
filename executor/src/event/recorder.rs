//! Where events go: to the renderer's channel and, as lines of JSON, to the build's log file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crossbeam_channel::Sender;
use serde::Serialize;

use super::Event;

/// Logs of this many builds are kept.
const KEPT_BUILDS: usize = 100;
/// Most bytes of one build's log; what comes after is left out, and the log says so.
const MAX_LOG_BYTES: u64 = 256 << 20;

/// Tells events on one channel and keeps them.
#[derive(Debug)]
pub(crate) struct Recorder<'e> {
    events: &'e Sender<Event>,
    log: Mutex<Option<Log>>,
}

#[derive(Debug)]
struct Log {
    file: BufWriter<File>,
    left_bytes: u64,
}

#[derive(Serialize)]
struct Line<'e> {
    /// Milliseconds since 1970.
    at_ms: u64,
    #[serde(flatten)]
    event: &'e Event,
}

impl<'e> Recorder<'e> {
    /// A log that cannot be written costs nothing but itself: the build goes on and says so once.
    pub(crate) fn new(events: &'e Sender<Event>, dir: &Path) -> Self {
        let log = match create(dir) {
            Ok(file) => Some(Log { file: BufWriter::new(file), left_bytes: MAX_LOG_BYTES }),
            Err(e) => {
                let message = format!("The build's log in `{}` cannot be written: {e}", dir.display());
                let _ = events.send(Event::Warning { id: None, code: "build::no_log", message });
                None
            }
        };
        Self { events, log: Mutex::new(log) }
    }

    /// Tells events without keeping them.
    pub(crate) fn silent(events: &'e Sender<Event>) -> Self {
        Self { events, log: Mutex::new(None) }
    }

    /// Tells one event. Nobody need listen.
    pub(crate) fn tell(&self, event: Event) {
        if let Some(log) = self.log.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            log.write(&event);
        }
        let _ = self.events.send(event);
    }
}

impl Log {
    fn write(&mut self, event: &Event) {
        let Ok(mut line) = serde_json::to_vec(&Line { at_ms: now_ms(), event }) else { return };
        line.push(b'\n');
        if self.left_bytes == 0 {
            return;
        }
        self.left_bytes = self.left_bytes.saturating_sub(line.len() as u64);
        if self.left_bytes == 0 {
            line = b"{\"event\":\"truncated\"}\n".to_vec();
        }
        // A full disk must not end a build that could go on; the renderer shows everything anyway.
        let _ = self.file.write_all(&line);
        if !matches!(
            event,
            Event::Log { .. } | Event::Begun { .. } | Event::Planned { .. } | Event::Cached { .. }
        ) {
            let _ = self.file.flush();
        }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Makes the log file of a new build; names sort by time.
fn create(dir: &Path) -> std::io::Result<File> {
    std::fs::create_dir_all(dir)?;
    drop_oldest(dir)?;
    File::create_new(dir.join(format!("{:013}-{}.jsonl", now_ms(), std::process::id())))
}

fn drop_oldest(dir: &Path) -> std::io::Result<()> {
    let mut logs: Vec<PathBuf> = std::fs::read_dir(dir)?
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    let surplus = (logs.len() + 1).saturating_sub(KEPT_BUILDS);
    logs.sort();
    logs.into_iter().take(surplus).for_each(|path| drop(std::fs::remove_file(path)));
    Ok(())
}
