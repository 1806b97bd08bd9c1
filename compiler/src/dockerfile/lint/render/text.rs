//! Findings for people, as `docker build --check` prints them: rule, message, excerpt with the lines marked.

use std::fmt::Write;

use buildc_ir::SourceMap;

use super::{Finding, file_name, lines};

const RULER: &str = "--------------------";

/// One block per finding in the order of the lines, and nothing where there is none.
pub fn text(findings: &[Finding], sources: &SourceMap) -> String {
    let mut out = String::new();
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(|finding| (finding.span.file, lines(sources, finding.span).0));
    for finding in findings {
        // Writing to a string cannot fail.
        let _ =
            write!(out, "\nWARNING: {} - {}\n{}\n", finding.rule.name, finding.rule.url(), finding.message);
        excerpt(&mut out, finding, sources);
    }
    out
}

/// The marked lines with up to four around them, fewer where several lines are marked. Each round counts as a line of its
/// own, as in BuildKit, so that there are two lines on a side at most.
fn excerpt(out: &mut String, finding: &Finding, sources: &SourceMap) {
    let Some(file) = sources.get(finding.span.file) else { return };
    let source: Vec<&str> = file.text.split('\n').collect();
    let count = u32::try_from(source.len()).unwrap_or(u32::MAX);
    let (first, last) = lines(sources, finding.span);
    let (mut start, mut end) = (first, last.min(count));
    let wanted = if first == last { 4 } else { 2 };
    let mut around = 0;
    while around < wanted && (start > 1 || end < count) {
        if start > 1 {
            start -= 1;
            around += 1;
        }
        if end < count {
            end += 1;
            around += 1;
        }
        around += 1;
    }
    let _ = write!(out, "{}:{first}\n{RULER}\n", file_name(sources, finding.span));
    for (number, line) in (start..=end).zip(source.iter().skip(start as usize - 1)) {
        let mark = if (first..=last).contains(&number) { ">>>" } else { "   " };
        let _ = writeln!(out, " {number:3} | {mark} {}", line.trim_end_matches('\r'));
    }
    let _ = writeln!(out, "{RULER}");
}
