//! The graph as SVG: a row per distance from the sources, a box per step that leads to its reason below.

use std::collections::HashSet;
use std::fmt::Write as _;

use buildc_ir::{Plan, Role};

use super::{escape, figures, reason, state_class, state_word};

const BOX_WIDTH: usize = 250;
const BOX_HEIGHT: usize = 42;
const GAP_X: usize = 24;
const GAP_Y: usize = 34;
const MARGIN: usize = 10;
/// Characters that fit into a box.
const LABEL: usize = 33;

/// Where each step's box stands.
struct Layout {
    rows: Vec<usize>,
    columns: Vec<usize>,
    width: usize,
    height: usize,
}

/// Draws the graph.
pub(super) fn svg(plan: &Plan) -> String {
    let layout = Layout::of(plan);
    let mut out = format!(
        "<div class=\"scroll\"><svg width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\">\n",
        layout.width, layout.height
    );
    let graph = &plan.graph;
    for (at, (_, node)) in graph.iter().enumerate() {
        for input in &node.step.inputs {
            let Some(from) = graph.position(input.step) else { continue };
            let (x1, y1) = (layout.x(from) + BOX_WIDTH / 2, layout.y(from) + BOX_HEIGHT);
            let (x2, y2) = (layout.x(at) + BOX_WIDTH / 2, layout.y(at));
            let middle = usize::midpoint(y1, y2);
            let class = if input.role == Role::Base { "edge" } else { "edge other" };
            let _ = writeln!(
                out,
                "<path class=\"{class}\" d=\"M{x1} {y1} C{x1} {middle} {x2} {middle} {x2} {y2}\"/>"
            );
        }
    }
    let critical: HashSet<_> = plan.estimate.critical_path.iter().collect();
    for (at, ((_, node), step)) in graph.iter().zip(&plan.steps).enumerate() {
        let (x, y) = (layout.x(at), layout.y(at));
        let marked = if critical.contains(&step.id) { " critical" } else { "" };
        let time = step.last_duration_ms.map(|ms| format!(" · {}", figures::duration(ms)));
        let _ = writeln!(
            out,
            "<a href=\"#s{}\"><rect class=\"{}{marked}\" x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"5\"/>\
             <title>{}\n{}</title><text x=\"{}\" y=\"{}\">{}</text><text class=\"small\" x=\"{}\" y=\"{}\">{}{}</text></a>",
            step.id,
            state_class(&step.state),
            escape(&node.label),
            escape(&reason::of(plan, step)),
            x + 8,
            y + 17,
            escape(&short(&node.label)),
            x + 8,
            y + 33,
            state_word(&step.state),
            time.unwrap_or_default(),
        );
    }
    out + "</svg></div>\n"
}

impl Layout {
    /// A step stands one row below its lowest input, in the first free column from its base's on.
    fn of(plan: &Plan) -> Self {
        let graph = &plan.graph;
        let mut rows = Vec::with_capacity(graph.len());
        let mut columns: Vec<usize> = Vec::with_capacity(graph.len());
        let mut free: Vec<usize> = Vec::new();
        for (_, node) in graph.iter() {
            let inputs = node.step.inputs.iter().filter_map(|input| graph.position(input.step));
            let row = inputs.map(|at| rows[at] + 1).max().unwrap_or(0);
            let base = node.step.base().and_then(|id| graph.position(id));
            if free.len() <= row {
                free.resize(row + 1, 0);
            }
            let column = base.map_or(0, |at| columns[at]).max(free[row]);
            free[row] = column + 1;
            rows.push(row);
            columns.push(column);
        }
        let most = |numbers: &[usize]| numbers.iter().max().map_or(1, |most| most + 1);
        let width = most(&columns) * (BOX_WIDTH + GAP_X) + 2 * MARGIN;
        let height = most(&rows) * (BOX_HEIGHT + GAP_Y) + 2 * MARGIN;
        Self { rows, columns, width, height }
    }

    fn x(&self, at: usize) -> usize {
        MARGIN + self.columns[at] * (BOX_WIDTH + GAP_X)
    }

    fn y(&self, at: usize) -> usize {
        MARGIN + self.rows[at] * (BOX_HEIGHT + GAP_Y)
    }
}

fn short(label: &str) -> String {
    let mut shown: String = label.chars().take(LABEL).collect();
    if label.chars().nth(LABEL).is_some() {
        shown.push('…');
    }
    shown
}
