//! When the steps would run if all that may did: a bar for each, those of the longest chain marked.

use std::collections::HashSet;
use std::fmt::Write as _;

use buildc_ir::{Plan, StepId};

use super::{escape, figures};

/// One line per step that may run.
pub(super) fn bars(plan: &Plan) -> String {
    let estimate = &plan.estimate;
    let critical: HashSet<&StepId> = estimate.critical_path.iter().collect();
    let mut out = String::from("<table class=\"timeline\">\n");
    for interval in &estimate.timeline {
        let label = plan.graph.get(interval.step).map_or("", |node| node.label.as_str());
        let class = if critical.contains(&interval.step) { "bar critical" } else { "bar" };
        let length = interval.end_ms - interval.start_ms;
        let time = if length == 0 { "not known".to_owned() } else { figures::duration(length) };
        let _ = writeln!(
            out,
            "<tr><td><a href=\"#s{}\"><code>{}</code></a></td><td class=\"track\"><span class=\"{class}\" \
             style=\"margin-left:{:.2}%;width:{:.2}%\"></span></td><td>{time}</td></tr>",
            interval.step,
            escape(label),
            percent(interval.start_ms, estimate.most_ms),
            percent(length, estimate.most_ms).max(0.3),
        );
    }
    out + "</table>\n"
}

#[allow(clippy::cast_precision_loss, reason = "a place on a screen")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
