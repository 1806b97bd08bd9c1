//! Random graphs in a changing world: what each plan says is what the build then does, and the passes leave what is
//! built as it was.

use buildc_compiler::optimise::{self, Passes};
use lang_tests::story::agree::{checked_build, planned};
use lang_tests::story::sketch;
use lang_tests::story::world::World;
use proptest::prelude::*;

const STAGES: [&str; 4] = ["a", "b", "c", "d"];

/// The lines of one stage, which may use the stages before it.
fn stage(at: usize) -> impl Strategy<Value = String> {
    let base = prop_oneof!["image [xy]", Just("scratch".to_owned()), Just("fetch same".to_owned())];
    let earlier = (0..at.max(1)).prop_map(move |other| STAGES[if at == 0 { 0 } else { other }]);
    let base = (base, earlier.clone(), any::<bool>())
        .prop_map(move |(base, other, on)| if on && at > 0 { format!("on {other}") } else { base });
    let copy = earlier.prop_map(move |other| match at {
        0 => "copy f1 /x".to_owned(),
        _ => format!("copy --from={other} /p /x"),
    });
    let line =
        prop_oneof!["run [pq]", "run (same|random) [pq]", "copy f[12] /x", "env A=[12]", "workdir /w", copy];
    (base, prop::collection::vec(line, 1..4))
        .prop_map(move |(base, lines)| format!("stage {}\n{base}\n{}\n", STAGES[at], lines.join("\n")))
}

fn graph() -> impl Strategy<Value = String> {
    (stage(0), stage(1), stage(2), stage(3)).prop_map(|(a, b, c, d)| format!("{a}{b}{c}{d}target d\n"))
}

fn change() -> impl Strategy<Value = String> {
    prop_oneof![
        "file f[12] = [0-3]",
        "image [xy] = [0-2]",
        "forget \\[[abcd] [1-4]",
        "forget (run|copy|fetch)"
    ]
}

fn with_files() -> World {
    let mut world = World::default();
    ["file f1 = 0", "file f2 = 0"].iter().for_each(|line| world.change(line));
    world
}

proptest! {
    #[test]
    fn builds_do_what_plans_say(
        graphs in prop::collection::vec(graph(), 2),
        rounds in prop::collection::vec((prop::collection::vec(change(), 0..3), 0..2usize, prop::bool::weighted(0.1)), 1..6),
    ) {
        let mut world = with_files();
        for (changes, which, no_cache) in rounds {
            changes.iter().for_each(|line| world.change(line));
            let (graph, sources) = sketch::graph(&graphs[which], &world.images);
            let plan = planned(graph, sources, &world, no_cache).expect("all files are there");
            checked_build(&mut world, &plan, no_cache);
            let again = planned(plan.graph.clone(), plan.sources.clone(), &world, false).expect("plan");
            let fetches = graphs[which].contains("fetch");
            let cached = |s: &buildc_ir::PlannedStep| matches!(s.state, buildc_ir::State::Cached | buildc_ir::State::NotNeeded);
            prop_assert!(fetches || again.steps.iter().all(cached), "a second build has nothing to do");
        }
    }

    #[test]
    fn passes_keep_what_is_built(text in graph(), prune: bool, dedupe: bool, fold: bool) {
        let (graph, _) = sketch::graph(&text, &sketch::Images::new());
        let (after, _) = optimise::run(graph.clone(), &Passes { prune, dedupe, fold, ..Passes::NONE });
        for (before, after_target) in graph.targets.iter().zip(&after.targets) {
            prop_assert_eq!(&before.config, &after_target.config);
            prop_assert_eq!(&before.base_history, &after_target.base_history);
            prop_assert_eq!(layers(&graph, before), layers(&after, after_target));
        }
        let (again, reports) = optimise::run(after.clone(), &Passes { prune, fold, ..Passes::NONE });
        prop_assert_eq!(again.len(), after.len());
        prop_assert!(reports.iter().all(|report| report.changes.is_empty()), "passes run twice change nothing");
    }
}

/// History with what each layer is made by; ids change with what is folded below, so steps are compared themselves.
fn layers(
    graph: &buildc_ir::Graph,
    target: &buildc_ir::Target,
) -> Vec<(String, Option<buildc_ir::StepKind>)> {
    let kind = |id| graph.get(id).expect("a history step is in the graph").step.kind.clone();
    target.history.iter().map(|entry| (entry.created_by.clone(), entry.step.map(kind))).collect()
}
