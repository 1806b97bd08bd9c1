//! `build --check` and `build --call`: what else a Dockerfile can be asked than to be built.

use buildc_compiler::dockerfile::{self, outline};

use super::Shell;
use super::build::{BuildArgs, SourceArgs};
use super::check::{self, CheckFormat};
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::pipeline::Frontend;
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

    /// Answers.
    pub fn run(self, source: &SourceArgs, shell: &Shell) -> Outcome {
        check::refuse_build_file(source)?;
        let mut frontend = Frontend::read(source)?;
        if self.method == Method::Check {
            let format = if self.json { CheckFormat::Json } else { CheckFormat::Text };
            return check::report(&Session::open(shell)?, frontend, format, shell);
        }
        let ast = frontend.parse()?;
        let sources = &frontend.sources;
        match (self.method, self.json) {
            (Method::Outline, json) => {
                let found = dockerfile::outline(&ast, &frontend.options)
                    .map_err(|found| Failure::Input(found, Box::new(sources.clone())))?;
                if json { output::json(&found.json(sources))? } else { output::data(&found.text())? }
            }
            (_, true) => output::json(&outline::targets_json(&outline::targets(&ast), sources))?,
            (_, false) => output::data(&outline::targets_text(&outline::targets(&ast)))?,
        }
        Ok(0)
    }
}
