//! dedupe: equal definitions are one node across stages and files. The graph joins them when they are added and when
//! a pass makes them equal; this says which steps are shared, so that nobody wonders where one went.

use buildc_ir::Graph;
use buildc_ir::graph::Node;

pub(super) const NAME: &str = "dedupe";

pub(super) fn run(graph: Graph) -> (Graph, Vec<String>) {
    let changes = graph.iter().filter_map(|(_, node)| shared(node)).collect();
    (graph, changes)
}

fn shared(node: &Node) -> Option<String> {
    match (node.stages.as_slice(), node.origins.len()) {
        ([_, _, ..], _) => {
            Some(format!("`{}` is shared by the stages `{}`", node.label, node.stages.join("`, `")))
        }
        (_, places @ 2..) => Some(format!("`{}` is written in {places} places", node.label)),
        _ => None,
    }
}
