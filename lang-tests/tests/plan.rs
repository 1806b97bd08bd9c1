//! Plans of graphs that change while their world changes: `lang-tests/plan/*.txt`. Every build also checks that what
//! the plan said is what happened.

use std::collections::BTreeMap;

use buildc_compiler::dockerfile::{self, LowerOptions};
use buildc_compiler::optimise::Passes;
use buildc_compiler::plan::{PlanOptions, render};
use buildc_ir::{Diagnostic, Graph, Plan, SourceMap};
use lang_tests::story::agree::{checked_build, planned_as};
use lang_tests::story::world::World;
use lang_tests::story::{Section, sketch, tests};

#[derive(Default)]
struct Case {
    /// A sketch, or a Dockerfile with its build arguments.
    text: String,
    dockerfile: Option<BTreeMap<String, Option<String>>>,
    world: World,
}

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    libtest_mimic::run(&arguments, tests("plan", Case::default, tell)).exit();
}

fn tell(case: &mut Case, section: &Section) -> Option<String> {
    let (word, option) = section.head.split_once(' ').unwrap_or((&section.head, ""));
    match word {
        "graph" | "dockerfile" => {
            case.text = section.body.trim_end().to_owned() + "\n";
            case.dockerfile =
                (word == "dockerfile").then(|| option.split_whitespace().map(argument).collect());
            None
        }
        "world" => {
            section.body.lines().for_each(|line| case.world.change(line));
            None
        }
        "plan" => Some(case.plan(option)),
        "build" => Some(case.build(option == "no-cache")),
        other => panic!("no section `{other}`"),
    }
}

impl Case {
    fn make(&self, options: PlanOptions) -> Result<Plan, Vec<Diagnostic>> {
        let (graph, sources) = match &self.dockerfile {
            None => sketch::graph(&self.text, &self.world.images),
            Some(arguments) => lowered(&self.text, arguments.clone(), &self.world),
        };
        planned_as(graph, sources, &self.world, options)
    }

    /// In a form, with `no-cache`, `jobs-NUMBER`, and `-PASS` for each that is switched off.
    fn plan(&self, words: &str) -> String {
        let mut form = "text";
        let mut all = options(false);
        for word in words.split_whitespace() {
            if let Some(pass) = word.strip_prefix('-') {
                assert!(all.passes.set(pass, false), "no pass `{pass}`");
            } else if let Some(jobs) = word.strip_prefix("jobs-") {
                all.jobs = jobs.parse().expect("a number");
            } else if word == "no-cache" {
                all.no_cache = true;
            } else {
                form = word;
            }
        }
        match (self.make(all), form) {
            (Err(problems), _) => problems.iter().map(|problem| self.problem(problem)).collect(),
            (Ok(plan), "json") => serde_json::to_string_pretty(&render::json(&plan)).expect("json"),
            (Ok(plan), "dot") => render::dot(&plan),
            (Ok(plan), "mermaid") => render::mermaid(&plan),
            (Ok(plan), "html") => render::html(&plan),
            (Ok(plan), _) => render::text(&plan),
        }
    }

    fn problem(&self, problem: &Diagnostic) -> String {
        let marks: Vec<&str> =
            problem.labels.iter().map(|l| &self.text[l.span.start as usize..l.span.end as usize]).collect();
        let help = problem.help.as_deref().unwrap_or("none");
        format!("{} [{}]\n  at `{}`\n  help: {help}\n", problem.message, problem.code, marks.join("`, `"))
    }

    /// Builds and says which steps ran; the plan made before must have said so.
    fn build(&mut self, no_cache: bool) -> String {
        let plan = self.make(options(no_cache)).expect("plan");
        let ran = checked_build(&mut self.world, &plan, no_cache);
        let label = |id| plan.graph.get(id).map_or("", |node| node.label.as_str());
        ran.iter().map(|id| format!("ran {}\n", label(*id))).collect()
    }
}

fn options(no_cache: bool) -> PlanOptions {
    PlanOptions { no_cache, passes: Passes::ALL, ..PlanOptions::default() }
}

fn argument(text: &str) -> (String, Option<String>) {
    let (name, value) = text.split_once('=').expect("NAME=VALUE");
    (name.to_owned(), Some(value.to_owned()))
}

fn lowered(text: &str, build_args: BTreeMap<String, Option<String>>, world: &World) -> (Graph, SourceMap) {
    let mut sources = SourceMap::new();
    let file = sources.add("Dockerfile", text);
    let (ast, problems) = dockerfile::parse(file, text);
    assert!(problems.is_empty(), "{problems:?}");
    let options = LowerOptions { build_args, ..LowerOptions::for_platform(sketch::platform()) };
    let lowered = dockerfile::lower(&ast, &mut sources, &options, world).expect("a good Dockerfile");
    (lowered.graph, sources)
}
