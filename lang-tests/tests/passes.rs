//! Before and after of each pass: `lang-tests/passes/*.txt`.

use std::fmt::Write as _;

use buildc_compiler::optimise::{self, Passes};
use buildc_ir::{Graph, StepId};
use lang_tests::story::{Section, sketch, tests};

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    libtest_mimic::run(&arguments, tests("passes", Graph::new, tell)).exit();
}

fn tell(graph: &mut Graph, section: &Section) -> Option<String> {
    let (word, names) = section.head.split_once(' ').unwrap_or((&section.head, ""));
    match word {
        "graph" => {
            *graph = sketch::graph(&section.body, &sketch::Images::new()).0;
            None
        }
        "after" => {
            let mut passes = Passes::NONE;
            for name in names.split_whitespace() {
                assert!(passes.set(name, true), "no pass `{name}`");
            }
            Some(after(graph, &passes))
        }
        other => panic!("no section `{other}`"),
    }
}

fn after(graph: &Graph, passes: &Passes) -> String {
    let (graph, reports) = optimise::run(graph.clone(), passes);
    let mut out = String::new();
    for report in reports {
        for change in report.changes {
            let _ = writeln!(out, "{}: {change}", report.pass);
        }
    }
    let label = |id: StepId| graph.get(id).map_or("?", |node| node.label.as_str());
    for (_, node) in graph.iter() {
        let _ = writeln!(out, "{}", node.label);
        for input in &node.step.inputs {
            let _ = writeln!(out, "    {:?} {}", input.role, label(input.step));
        }
    }
    for target in &graph.targets {
        let _ = writeln!(out, "target {} = {}", target.name, label(target.root));
        for entry in &target.history {
            let _ = writeln!(out, "    {} = {}", entry.created_by, entry.step.map_or("empty layer", label));
        }
    }
    out
}
