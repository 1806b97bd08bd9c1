//! Progress of pulls and pushes: a bar per blob on a terminal, a line per blob elsewhere.

use std::collections::HashMap;
use std::sync::Mutex;

use buildc_digest::Digest;
use buildc_store::remote::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{self, Streams};
use crate::session::short_id;
use crate::units;

/// Shows one transfer.
#[derive(Debug)]
pub struct Transfer {
    bars: Option<MultiProgress>,
    quiet: bool,
    blobs: Mutex<HashMap<Digest, (ProgressBar, u64)>>,
}

impl Transfer {
    /// Says what begins.
    pub fn start(verb: &str, name: &str, quiet: bool, streams: Streams) -> Self {
        if !quiet {
            output::say(&format!("{verb} {name}"));
        }
        let bars =
            (streams.moving && !quiet).then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        Self { bars, quiet, blobs: Mutex::default() }
    }

    /// Shows one event; called from several threads.
    pub fn show(&self, progress: Progress) {
        if self.quiet {
            return;
        }
        match progress {
            Progress::Blob { digest, done_bytes, total_bytes } => {
                self.advance(digest, done_bytes, total_bytes)
            }
            Progress::Present { digest } => self.say(&format!("  {} is there already", short_id(&digest))),
            Progress::Finished { digest } => self.end(&digest),
            Progress::Notice { text } => self.say(&super::printable(&text)),
            Progress::Unpacking { digest } => {
                if let Some((bar, _)) = self.lock().get(&digest) {
                    bar.set_message("unpacking");
                }
            }
            Progress::Resolved { .. } => {}
        }
    }

    /// Clears what moves.
    pub fn finish(&self) {
        if let Some(bars) = &self.bars {
            // Bars that cannot be cleared are only ugly.
            let _ = bars.clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, (ProgressBar, u64)>> {
        self.blobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn advance(&self, digest: Digest, done: u64, total: u64) {
        let mut blobs = self.lock();
        let (bar, known) = blobs.entry(digest).or_insert_with(|| {
            let bar = match &self.bars {
                Some(bars) => bars.add(ProgressBar::new(total).with_style(style())),
                None => ProgressBar::hidden(),
            };
            (bar.with_prefix(short_id(&digest)), total)
        });
        *known = total;
        bar.set_position(done);
    }

    fn end(&self, digest: &Digest) {
        let Some((bar, total)) = self.lock().remove(digest) else { return };
        bar.finish_and_clear();
        self.say(&format!("  {} done, {}", short_id(digest), units::size(total)));
    }

    fn say(&self, text: &str) {
        match &self.bars {
            Some(bars) => {
                let _ = bars.println(text);
            }
            None => output::say(text),
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("  {prefix} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
