//! The printed table.

use std::time::Duration;

use crate::Options;
use crate::measure::median;

/// One line: what was measured for buildc, beside what, and what is wanted.
#[derive(Debug)]
pub struct Row<'a> {
    pub work: &'a str,
    pub buildc: &'a [Duration],
    pub peer: &'a str,
    pub peer_times: &'a [Duration],
    pub wanted: &'a str,
    /// Peak memory of buildc in KiB where it was measured.
    pub peak_kib: Option<u64>,
}

/// Heading of the table.
pub fn header(options: &Options) -> String {
    let place = if options.on_tmpfs { "tmpfs" } else { "the file system of --dir" };
    format!(
        "medians of {} rounds, on {place}\n{:<26} {:>10} {:>12} {:>10} {:>7} {:>9}  wanted",
        options.rounds, "work", "buildc ms", "peer", "peer ms", "ratio", "peak MiB"
    )
}

/// Prints a line.
pub fn print(row: &Row<'_>) {
    let ours = median(row.buildc);
    let theirs = median(row.peer_times);
    let peak = row.peak_kib.map_or_else(String::new, |k| format!("{:.0}", k as f64 / 1024.0));
    let (peer_ms, ratio) = if theirs.is_nan() {
        (String::from("-"), String::from("-"))
    } else {
        (format!("{theirs:.1}"), format!("{:.3}", ours / theirs))
    };
    println!(
        "{:<26} {ours:>10.1} {:>12} {peer_ms:>10} {ratio:>7} {peak:>9}  {}",
        row.work, row.peer, row.wanted
    );
}
