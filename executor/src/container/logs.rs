//! Reading what a container wrote.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use buildc_store::Store;

use super::error::{ContainerError, Result};
use super::log::{Line, Stream, rotated};
use super::record::Container;

/// How often a followed log is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What of the log to show.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// Goes on until the container ends.
    pub follow: bool,
    /// Only the last lines.
    pub tail: Option<usize>,
    /// Only what is not older.
    pub since: Option<SystemTime>,
    /// Only what is not newer.
    pub until: Option<SystemTime>,
    /// Puts the time (RFC 3339 with nanoseconds) before each line.
    pub timestamps: bool,
}

/// Writes the log: what went to standard output to `out`, what went to standard error to `err`.
///
/// # Errors
/// The log cannot be read, or the output not written.
pub fn logs(
    _store: &Store,
    container: &Container,
    options: &LogOptions,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<()> {
    let path = container.log_path();
    let io = || ContainerError::io("read", &path);
    // Opened before it is counted: lines that come meanwhile are shown, rotated or not.
    let mut current = open(&path).map_err(io())?;
    let older = open(&rotated(&path)).map_err(io())?;
    let mut skip = match options.tail {
        Some(tail) => (count(&rotated(&path), options) + count(&path, options)).saturating_sub(tail),
        None => 0,
    };
    let mut printer = Printer { options, out, err, partial: String::new() };
    if let Some(older) = older {
        printer.print(&mut BufReader::new(older), &mut skip).map_err(io())?;
    }
    let mut reader = current.take().map(BufReader::new);
    loop {
        // Looked at first: what was written until then is read below.
        let over = !options.follow || container.monitor().is_none();
        if reader.is_none() {
            reader = open(&path).map_err(io())?.map(BufReader::new);
        }
        if let Some(reader) = &mut reader {
            printer.print(reader, &mut skip).map_err(io())?;
        }
        if over {
            return Ok(());
        }
        if reader.as_ref().is_some_and(|reader| is_rotated(reader.get_ref(), &path)) {
            reader = None;
        } else {
            std::thread::sleep(LOOK);
        }
    }
}

fn open(path: &Path) -> std::io::Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Whether another file has taken the name of the one that is read.
fn is_rotated(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(theirs)) => ours.ino() != theirs.ino(),
        _ => false,
    }
}

/// How many lines of a file would be shown.
fn count(path: &Path, options: &LogOptions) -> usize {
    let Ok(Some(file)) = open(path) else { return 0 };
    let lines = BufReader::new(file).split(b'\n').map_while(std::io::Result::ok);
    lines
        .filter(|line| serde_json::from_slice::<Line<'_>>(line).is_ok_and(|line| wanted(&line, options)))
        .count()
}

fn wanted(line: &Line<'_>, options: &LogOptions) -> bool {
    if options.since.is_none() && options.until.is_none() {
        return true;
    }
    let Ok(time) = humantime::parse_rfc3339(&line.time) else { return true };
    options.since.is_none_or(|since| time >= since) && options.until.is_none_or(|until| time <= until)
}

struct Printer<'a> {
    options: &'a LogOptions,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    /// A line that the container's monitor has written half.
    partial: String,
}

impl Printer<'_> {
    /// Prints every whole line that can be read now.
    fn print(&mut self, reader: &mut BufReader<File>, skip: &mut usize) -> std::io::Result<()> {
        while reader.read_line(&mut self.partial)? > 0 {
            if !self.partial.ends_with('\n') {
                break;
            }
            // A torn line, left by a power cut, is passed over.
            if let Ok(line) = serde_json::from_str::<Line<'_>>(&self.partial)
                && wanted(&line, self.options)
            {
                if *skip > 0 {
                    *skip -= 1;
                } else {
                    let to: &mut dyn Write = if line.stream == Stream::Stdout { self.out } else { self.err };
                    if self.options.timestamps {
                        write!(to, "{} ", line.time)?;
                    }
                    to.write_all(line.log.as_bytes())?;
                    to.flush()?;
                }
            }
            self.partial.clear();
        }
        Ok(())
    }
}
