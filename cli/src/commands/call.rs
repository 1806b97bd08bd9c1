//! `build --check` and `build --call`: what else a Dockerfile can be asked than to be built.

use buildc_compiler::dockerfile::outline::Outline;
use buildc_compiler::dockerfile::{self, outline};
use buildc_executor::lock::Mode;
use buildc_ir::lock::Lock;
use serde_json::Value;

use super::Shell;
use super::build::{BuildArgs, SourceArgs};
use super::check::{self, CheckFormat};
use crate::failure::{Failure, Outcome};
use crate::frontend::Frontend;
use crate::output;
use crate::report;
use crate::session::Session;

/// A question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Method {
    /// What the rules say.
    Check,
    /// What the target asks for.
    Outline,
    /// Which stages there are.
    Targets,
}

/// A question and the form of the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    method: Method,
    json: bool,
}

impl Call {
    /// The question that a build's options ask, if they ask one.
    pub fn of(args: &BuildArgs) -> Result<Option<Self>, Failure> {
        match (&args.call, args.check) {
            (_, true) => Ok(Some(Self { method: Method::Check, json: false })),
            (Some(text), false) => Self::parse(text),
            (None, false) => Ok(None),
        }
    }

    fn parse(text: &str) -> Result<Option<Self>, Failure> {
        let mut fields = text.split(',');
        let method = match fields.next().unwrap_or_default() {
            "build" => return Ok(None),
            "check" | "lint" => Method::Check,
            "outline" => Method::Outline,
            "targets" => Method::Targets,
            other => {
                return Err(Failure::usage(format!("--call `{other}`: there is no such method"))
                    .help("Write build, check, outline or targets"));
            }
        };
        let mut json = false;
        for field in fields {
            match field {
                "format=json" => json = true,
                "format=text" => json = false,
                other => {
                    return Err(Failure::usage(format!("--call: `{other}` is not understood"))
                        .help("Write format=text or format=json"));
                }
            }
        }
        Ok(Some(Self { method, json }))
    }

    /// Whether the answer is for programs.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// What the question is called in an answer about several targets.
    pub fn name(self) -> &'static str {
        match self.method {
            Method::Check => "check",
            Method::Outline => "outline",
            Method::Targets => "targets",
        }
    }

    /// Answers.
    pub fn run(self, source: &SourceArgs, shell: &Shell) -> Outcome {
        check::refuse_build_file(source)?;
        if self.json {
            let Answer { value, verdict } = self.answer(source, shell)?;
            output::json(&value)?;
            return verdict;
        }
        let mut frontend = Frontend::read(source)?;
        let text = match self.method {
            Method::Check => {
                return check::report(&Session::open(shell)?, frontend, CheckFormat::Text, shell);
            }
            Method::Outline => outline_of(&mut frontend, shell)?.text(),
            Method::Targets => outline::targets_text(&outline::targets(&frontend.parse()?)),
        };
        output::data(&text)?;
        Ok(0)
    }

    /// The answer as a value that is not yet told, and what becomes of the command once it is.
    ///
    /// # Errors
    /// What keeps the question from being answered at all.
    pub fn answer(self, source: &SourceArgs, shell: &Shell) -> Result<Answer, Failure> {
        check::refuse_build_file(source)?;
        let mut frontend = Frontend::read(source)?;
        let value = match self.method {
            Method::Check => {
                let (value, verdict) = check::answer(&Session::open(shell)?, frontend, shell)?;
                return Ok(Answer { value, verdict });
            }
            Method::Outline => outline_of(&mut frontend, shell)?.json(&frontend.sources),
            Method::Targets => {
                outline::targets_json(&outline::targets(&frontend.parse()?), &frontend.sources)
            }
        };
        Ok(Answer { value, verdict: Ok(0) })
    }
}

/// What a question gives for programs.
pub struct Answer {
    /// The document.
    pub value: Value,
    /// The exit code, or what is wrong with the file.
    pub verdict: Outcome,
}

/// What the target asks for; bases that are not known are warned of.
fn outline_of(frontend: &mut Frontend, shell: &Shell) -> Result<Outline, Failure> {
    let session = Session::open(shell)?;
    let ast = frontend.parse()?;
    let resolver = frontend.resolver(&session, Mode::Honoured(Lock::default()));
    let found = dockerfile::outline(&ast, &mut frontend.sources, &frontend.options, &resolver);
    let (found, warnings) =
        found.map_err(|problems| Failure::Input(problems, Box::new(frontend.sources.clone())))?;
    report::warn(&warnings, &frontend.sources, shell.streams);
    Ok(found)
}
