//! Reading event logs. What a command wrote is skipped, and a line has a bound, so that memory stays bounded too.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use buildc_ir::StepId;
use buildc_store::Store;
use serde::Deserialize;

use super::{Build, End, Fate, HistoryError, Told};
use crate::event::{ContextPlace, Decided, Why};

/// Longest line that is read: the plan of a hundred thousand steps.
const LINE_BYTES: u64 = 128 << 20;
/// The kind of an event stands within this much of its line's beginning.
const HEAD_BYTES: usize = 64;

#[derive(Deserialize)]
struct Line {
    at_ms: u64,
    #[serde(flatten)]
    said: Said,
}

/// The events that say what became of steps.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Said {
    Begun {
        source: String,
        targets: Vec<String>,
        #[serde(default)]
        contexts: Vec<ContextPlace>,
        steps: Vec<Decided>,
    },
    Started {
        id: StepId,
    },
    Cached {
        id: StepId,
        why: Why,
        layers: Vec<i64>,
    },
    Done {
        id: StepId,
        duration_ms: u64,
        layers: Vec<i64>,
    },
    Failed {
        id: StepId,
        message: String,
        exit_status: Option<u8>,
        layers: Vec<i64>,
    },
    Cancelled {
        id: StepId,
    },
    Assembled {
        target: String,
        image: String,
    },
    Finished {
        success: bool,
        ran: u32,
        cached: u32,
        duration_ms: u64,
    },
    #[serde(other)]
    Other,
}

/// The builds whose logs are kept, newest first. A log that cannot be understood is left out.
///
/// # Errors
/// When the directory of the logs cannot be read.
pub fn builds(store: &Store) -> Result<Vec<Build>, HistoryError> {
    let mut builds = Vec::new();
    for path in logs(store)? {
        builds.extend(read(&path)?);
    }
    Ok(builds)
}

/// The newest build.
///
/// # Errors
/// When there is none.
pub fn newest(store: &Store) -> Result<Build, HistoryError> {
    for path in logs(store)? {
        if let Some(build) = read(&path)? {
            return Ok(build);
        }
    }
    Err(HistoryError::NoBuild { name: None })
}

/// The build of this name, or whose name alone ends so.
///
/// # Errors
/// When there is none, or more than one.
pub fn open(store: &Store, name: &str) -> Result<Build, HistoryError> {
    let logs = logs(store)?;
    let mut found = logs.iter().filter(|path| stem(path).ends_with(name) && !name.is_empty());
    let none = || HistoryError::NoBuild { name: Some(name.to_owned()) };
    let path = match (found.next(), found.next()) {
        (Some(path), None) => path,
        _ => return Err(none()),
    };
    read(path)?.ok_or_else(none)
}

/// Log files, newest first: their names begin with the time.
fn logs(store: &Store) -> Result<Vec<PathBuf>, HistoryError> {
    let dir = store.subdir("logs")?;
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(HistoryError::Io { path: dir, source }),
    };
    let mut logs: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    logs.sort_by(|a, b| b.cmp(a));
    Ok(logs)
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// `None` for a log that does not begin as one of this version's does, and for one that has just been removed.
fn read(path: &Path) -> Result<Option<Build>, HistoryError> {
    let failed = |source| HistoryError::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?,
    };
    let mut lines = BufReader::new(file);
    let mut build: Option<Build> = None;
    let mut places = HashMap::new();
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = lines.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes).map_err(failed)?;
        if read == 0 {
            return Ok(build);
        }
        if is_output(&bytes) {
            continue;
        }
        // The last line of a build that was killed may be half of one.
        let Ok(line) = serde_json::from_slice::<Line>(&bytes) else { continue };
        match (&mut build, line.said) {
            (None, Said::Begun { source, targets, contexts, steps }) => {
                let steps: Vec<Told> = steps
                    .into_iter()
                    .map(|decided| Told { decided, fate: Fate::Untouched, layers: Vec::new() })
                    .collect();
                places = steps.iter().enumerate().map(|(at, told)| (told.decided.id, at)).collect();
                build = Some(Build {
                    id: stem(path),
                    started_ms: line.at_ms,
                    source,
                    targets,
                    contexts,
                    steps,
                    images: Vec::new(),
                    end: None,
                    log: path.to_owned(),
                });
            }
            (None, _) => return Ok(None),
            (Some(build), said) => build.hear(said, &places),
        }
    }
}

/// What a command wrote is most of a log.
fn is_output(line: &[u8]) -> bool {
    let head = line.get(..HEAD_BYTES).unwrap_or(line);
    let mark = br#""event":"log""#;
    head.windows(mark.len()).any(|window| window == mark)
}

impl Build {
    fn hear(&mut self, said: Said, places: &HashMap<StepId, usize>) {
        let (id, fate, layers) = match said {
            Said::Started { id } => (id, Fate::Started, Vec::new()),
            Said::Cached { id, why, layers } => (id, Fate::Cached { why }, layers),
            Said::Done { id, duration_ms, layers } => (id, Fate::Ran { duration_ms }, layers),
            Said::Failed { id, message, exit_status, layers } => {
                (id, Fate::Failed { message, exit_status }, layers)
            }
            Said::Cancelled { id } => (id, Fate::Cancelled, Vec::new()),
            Said::Assembled { target, image } => return self.images.push((target, image)),
            Said::Finished { success, ran, cached, duration_ms } => {
                self.end = Some(End { success, ran, cached, duration_ms });
                return;
            }
            Said::Begun { .. } | Said::Other => return,
        };
        if let Some(told) = places.get(&id).and_then(|at| self.steps.get_mut(*at)) {
            told.fate = fate;
            told.layers = layers;
        }
    }
}
