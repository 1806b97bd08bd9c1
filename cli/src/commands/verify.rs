//! `build --verify`: builds once more from nothing, elsewhere, later and with another number of jobs, and says what
//! came out different.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use buildc_executor::verify::{self, Mismatch};
use clap::ValueEnum;
use serde_json::json;

use super::build::{BuildArgs, Progress, SourceArgs};
use crate::failure::Failure;
use crate::product::Product;
use crate::session::Session;
use crate::{build_file, epoch, output};

/// How many differences are listed for people.
const LISTED: usize = 50;
/// A second that has passed shows in every time with a resolution of seconds.
const LATER: Duration = Duration::from_millis(1100);

/// Form of the report.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// A copy of a context in another directory; removed when dropped.
#[derive(Debug)]
struct Elsewhere(Option<PathBuf>);

impl Drop for Elsewhere {
    fn drop(&mut self) {
        if let Some(dir) = &self.0 {
            // What stays is a copy of the user's files in the store, which prune takes.
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}

/// The command line of the second build, and what keeps its context.
#[derive(Debug)]
pub struct Second {
    /// The options that differ are changed.
    pub args: BuildArgs,
    _context: Elsewhere,
}

/// Prepares the second build: at least a second later, from nothing, from a copy of the context whose times are those of a
/// fresh checkout, with one job where the first had more, and else with two.
pub fn second(session: &Session, args: &BuildArgs) -> Result<Second, Failure> {
    let mut source = SourceArgs {
        no_cache: true,
        keep_caches: true,
        pull: false,
        cache_from: Vec::new(),
        ..args.source.clone()
    };
    let jobs = if args.source.jobs() > 1 { 1 } else { 2 };
    source.jobs = NonZeroUsize::new(jobs);
    let mut context = Elsewhere(None);
    // A build file names its contexts itself; what is fetched comes anew anyway.
    if source.context.is_dir() && build_file::path(&source).is_none() {
        let dir = copy(session, &source.context)?;
        if source.file.is_none() {
            let file = dir.join("Dockerfile");
            source.file = Some(if file.exists() { file } else { dir.join("dockerfile") });
        }
        source.context.clone_from(&dir);
        context = Elsewhere(Some(dir));
    }
    std::thread::sleep(LATER);
    let progress = if args.quiet { Progress::Quiet } else { args.progress };
    let args = BuildArgs { source, tag: Vec::new(), progress, ..args.clone() };
    Ok(Second { args, _context: context })
}

/// Keeps everything that a COPY can see but times, which another checkout does not have either.
fn copy(session: &Session, context: &Path) -> Result<PathBuf, Failure> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let name = format!("verify-{}-{}", std::process::id(), since.as_nanos());
    let dir = session.store.subdir("contexts")?.join(name);
    let failed = |error: &std::io::Error| Failure::file("copy", context, error);
    let status = Command::new("cp")
        .args(["-dR", "--preserve=mode,ownership,links,xattr", "--reflink=auto", "--"])
        .arg(context.join("."))
        .arg(&dir)
        .status()
        .map_err(|error| failed(&error))?;
    match status.success() {
        true => Ok(dir),
        false => Err(failed(&std::io::Error::other("cp failed"))),
    }
}

/// Compares the images of both builds and reports; true where they are alike.
pub fn report(
    session: &Session,
    args: &BuildArgs,
    form: Form,
    first: &[Product],
    second: &[Product],
) -> Result<bool, Failure> {
    let times = epoch::of_options(&args.source)?.is_some();
    let mut all = Vec::new();
    for (a, b) in first.iter().zip(second) {
        for ((one, other), platform) in a.images.iter().zip(&b.images).zip(&a.platforms) {
            let name = format!("{} {}/{}", a.target, platform.os, platform.architecture);
            all.push((name, verify::compare(&session.store, one, other, times)?));
        }
    }
    let alike = all.iter().all(|(_, found)| found.is_empty());
    match form {
        Form::Json => {
            let targets: Vec<_> =
                all.iter().map(|(name, found)| json!({ "target": name, "differences": found })).collect();
            output::json(&json!({ "reproducible": alike, "times": times, "targets": targets }))?;
        }
        Form::Text => output::data(&text(&all, alike, times))?,
    }
    Ok(alike)
}

fn text(all: &[(String, Vec<Mismatch>)], alike: bool, times: bool) -> String {
    if alike {
        return match times {
            true => "Verified: the second build made the same image, to the byte\n".to_owned(),
            false => "Verified: the second build made the same files and config; times differ as they must \
                      without --reproducible\n"
                .to_owned(),
        };
    }
    let mut out = String::new();
    for (target, found) in all.iter().filter(|(_, found)| !found.is_empty()) {
        let places = if found.len() == 1 { "1 place".to_owned() } else { format!("{} places", found.len()) };
        out.push_str(&format!("Not reproducible: `{target}` differs in {places}\n"));
        found.iter().take(LISTED).for_each(|mismatch| out.push_str(&line(mismatch)));
        if found.len() > LISTED {
            out.push_str(&format!("  and {} more\n", found.len() - LISTED));
        }
    }
    out
}

fn line(mismatch: &Mismatch) -> String {
    let place = mismatch.layer.map_or_else(String::new, |layer| format!("layer {layer}: "));
    let [first, second] = &mismatch.values;
    let detail = match (mismatch.what, mismatch.first_byte, mismatch.bytes) {
        ("only-first", ..) => "only the first build has it".to_owned(),
        ("only-second", ..) => "only the second build has it".to_owned(),
        (_, Some(at), Some(bytes)) => format!("{bytes} bytes differ, the first at {at} ({first}; {second})"),
        (what, ..) => format!("{what} {first} and {second}"),
    };
    let text = format!("  {place}{} {detail}", mismatch.path);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).chain(['\n']).collect()
}

/// The failure that a build with differences ends with.
pub fn failure() -> Failure {
    Failure::new("verify::differs", "Two builds of the same source made different images")
        .help(
            "Look for times, random names and parallel writing in the steps that made the layers above; files of the \
             context that are older than SOURCE_DATE_EPOCH keep their times, which another checkout does not have",
        )
}
