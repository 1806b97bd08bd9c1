//! One self-contained page: the graph, when its steps would run, the layers with their sizes, and every step's reason.
//!
//! Owns: the page. Never does: loading anything, running a script, or letting a text of the user's be markup: all of it
//! goes through [`escape`].

mod graph;
mod timeline;

use std::fmt::Write as _;

use buildc_ir::graph::Node;
use buildc_ir::{Plan, PlannedStep, Reason, State, Target};

use super::{Totals, figures, reason, state_class, state_word, text};

const STYLE: &str = include_str!("html/style.css");
/// The page may load nothing, whatever stands in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The plan as one page.
pub fn html(plan: &Plan) -> String {
    let names: Vec<&str> = plan.graph.targets.iter().map(|target| target.name.as_str()).collect();
    let title = escape(&format!("Plan of {}", names.join(", ")));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    );
    out.push_str(&summary(plan));
    let _ = write!(out, "<h2>Graph</h2>\n{LEGEND}\n{}", graph::svg(plan));
    if !plan.estimate.timeline.is_empty() {
        let _ = write!(out, "<h2>Timeline</h2>\n{}", timeline::bars(plan));
    }
    plan.graph.targets.iter().for_each(|target| out.push_str(&layers(plan, target)));
    out.push_str(&steps(plan));
    out + "</body></html>\n"
}

const LEGEND: &str = "<p class=\"legend\"><b class=\"cached\">cached</b> <b class=\"willrun\">will run</b> \
    <b class=\"dependson\">depends on what another makes</b> <b class=\"notneeded\">not needed</b> \
    <span>— base, - - copied from or mounted</span></p>";

/// The header of the text form, line by line.
fn summary(plan: &Plan) -> String {
    let header = text::lines(plan).into_iter().take_while(|line| line.tone == super::Tone::Header);
    let lines = header.filter(|line| !line.text.is_empty());
    let body: String = lines.map(|line| format!("<p>{}</p>\n", escape(&line.text))).collect();
    let totals = Totals::of(plan);
    let counts = [
        ("cached", totals.cached),
        ("willrun", totals.will_run),
        ("dependson", totals.depends_on),
        ("notneeded", totals.not_needed),
    ];
    let bar = counts.iter().filter(|(_, count)| *count > 0).map(|(class, count)| {
        format!("<span class=\"{class}\" style=\"flex-grow:{count}\" title=\"{count}\">{count}</span>")
    });
    format!("<div class=\"share\">{}</div>\n{body}", bar.collect::<String>())
}

/// The new layers of a target, in the order of its history.
fn layers(plan: &Plan, target: &Target) -> String {
    let size = |at: usize| plan.steps.get(at).and_then(|step| step.last_size_bytes);
    let position = |id| plan.graph.position(id);
    let own = target.history.iter().filter_map(|entry| size(position(entry.step?)?));
    let largest = own.clone().max().unwrap_or(0).max(1);
    let mut out = format!(
        "<h2>Layers of {}</h2>\n<table><tr><th>instruction</th><th>size the last time</th></tr>\n",
        escape(&target.name)
    );
    for entry in &target.history {
        let known = entry.step.and_then(position).and_then(size);
        let shown = match (entry.step, known) {
            (None, _) => "<td class=\"faint\">no layer</td>".to_owned(),
            (Some(_), None) => "<td class=\"faint\">not known yet</td>".to_owned(),
            (Some(_), Some(bytes)) => format!(
                "<td><span class=\"bar\" style=\"width:{}%\"></span> {}</td>",
                u128::from(bytes) * 60 / u128::from(largest),
                figures::bytes(bytes)
            ),
        };
        let _ = writeln!(out, "<tr><td><code>{}</code></td>{shown}</tr>", escape(&entry.created_by));
    }
    if own.clone().next().is_some() {
        let together = figures::bytes(own.fold(0, u64::saturating_add));
        let _ = writeln!(out, "<tr><td>together</td><td>{together}</td></tr>");
    }
    out + "</table>\n"
}

fn steps(plan: &Plan) -> String {
    let mut out = String::from(
        "<h2>Steps</h2>\n<table class=\"steps\"><tr><th>state</th><th>step</th><th>why</th><th>last time</th>\
         <th>size</th></tr>\n",
    );
    for ((_, node), step) in plan.graph.iter().zip(&plan.steps) {
        let _ = writeln!(
            out,
            "<tr id=\"s{}\"><td><b class=\"{}\">{}</b></td><td><code>{}</code><br><small>{}</small></td><td>{}</td>\
             <td>{}</td><td>{}</td></tr>",
            step.id,
            state_class(&step.state),
            state_word(&step.state),
            escape(&node.label),
            escape(&places(plan, node)),
            why(plan, node, step),
            step.last_duration_ms.map(figures::duration).unwrap_or_default(),
            step.last_size_bytes.map(figures::bytes).unwrap_or_default(),
        );
    }
    out + "</table>\n"
}

/// `FILE:LINE` of each place a step comes from.
fn places(plan: &Plan, node: &Node) -> String {
    let places = node.origins.iter().filter_map(|span| {
        let file = plan.sources.get(span.file)?;
        Some(format!("{}:{}", file.name, plan.sources.line_col(span.file, span.start).0))
    });
    places.collect::<Vec<_>>().join(", ")
}

fn why(plan: &Plan, node: &Node, step: &PlannedStep) -> String {
    let mut out = escape(&reason::of(plan, step));
    if let Reason::FilesChanged { paths, .. } = &step.reason {
        let items: String = paths.iter().map(|path| format!("<li><code>{}</code>", escape(path))).collect();
        let _ = write!(out, "<ul>{items}</ul>");
    }
    if let State::DependsOn { steps } = &step.state {
        let _ = write!(out, "<br>{}", escape(&text::decided(&plan.graph, steps, &step.reason)));
    }
    if let Some(untraced) = text::untraced(plan, node, step) {
        let _ = write!(out, "<br>{}", escape(&untraced));
    }
    let _ = write!(out, "<details><summary>keys</summary><small>definition {}", step.definition_key);
    let others = [("placed", &step.placed_key), ("content", &step.content_key)];
    for (name, key) in others.into_iter().filter_map(|(name, key)| Some((name, key.as_ref()?))) {
        let _ = write!(out, "<br>{name} {key}");
    }
    out + "</small></details>"
}

/// Text that stays text, in elements and in quoted attributes; controls, which no page may hold, become spaces.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
