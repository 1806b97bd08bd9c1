//! Ctrl-C and `kill`: the build is cancelled and cleans up; asking again changes nothing, so nothing is left behind. At a
//! prompt Ctrl-C ends only what is being answered.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use buildc_executor::Cancel;
use nix::sys::signal::{SigSet, Signal};

use crate::failure::Failure;

/// Exit code of a build that was interrupted: 128 and SIGINT's number, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// How long a cancelled transfer may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sets `cancel` at SIGINT, SIGTERM and SIGHUP. Starts a thread. A command that builds several times has one such wish:
/// the first call counts.
pub fn cancels(cancel: &Cancel) -> Result<(), Failure> {
    let cancel = cancel.clone();
    let set = ctrlc::set_handler(move || {
        if cancel.is_cancelled() {
            crate::output::say("Still cleaning up");
        }
        cancel.cancel();
        if PLANNING.load(Ordering::Acquire) > 0 {
            std::thread::sleep(PATIENCE);
            if PLANNING.load(Ordering::Acquire) > 0 {
                std::process::exit(i32::from(INTERRUPTED));
            }
        }
    });
    match set {
        Err(ctrlc::Error::MultipleHandlers) => Ok(()),
        other => other.map_err(|e| Failure::told("environment::signals", &e, None)),
    }
}

/// How many plans are being made.
static PLANNING: AtomicUsize = AtomicUsize::new(0);

/// A plan is being made as long as this lives: nothing runs then, and a wish to end that comes while a registry is asked
/// ends the process after [`PATIENCE`].
#[derive(Debug)]
pub struct Planning(());

/// Begins it.
pub fn planning() -> Planning {
    PLANNING.fetch_add(1, Ordering::AcqRel);
    Planning(())
}

impl Drop for Planning {
    fn drop(&mut self) {
        PLANNING.fetch_sub(1, Ordering::AcqRel);
    }
}

/// As [`cancels`], for commands that only transfer: what has not ended in [`PATIENCE`], for example looking for a
/// registry's address, ends with the process. What it was writing is swept by the next command.
pub fn ends_transfers(cancel: &Cancel) -> Result<(), Failure> {
    let cancel = cancel.clone();
    ctrlc::set_handler(move || {
        cancel.cancel();
        std::thread::sleep(PATIENCE);
        crate::output::say("The transfer was ended; what arrived whole is kept");
        std::process::exit(i32::from(INTERRUPTED));
    })
    .map_err(|e| Failure::told("environment::signals", &e, None))
}

/// SIGINT, SIGTERM and SIGHUP end the process at once, with the words and the exit code of Nix: an evaluation has nothing to
/// clean up, and need not notice. Starts a thread; to be called before there are others.
pub fn ends_evaluation() -> Result<(), Failure> {
    let signals = block(&[Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP])?;
    std::thread::spawn(move || {
        if signals.wait().is_ok() {
            crate::output::say("error: interrupted by the user");
            std::process::exit(1);
        }
    });
    Ok(())
}

/// Signals that wait from now on until a thread asks for them.
fn block(signals: &[Signal]) -> Result<SigSet, Failure> {
    let set: SigSet = signals.iter().copied().collect();
    set.thread_block().map_err(|e| Failure::told("environment::signals", &e, None))?;
    Ok(set)
}

/// Whether SIGINT came since it was last forgotten; only where [`ends_answers`] was called.
static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on SIGINT does not end the process but is what [`was_asked`] says. Starts a thread; to be called before there
/// are others, which would still end the process.
pub fn ends_answers() -> Result<(), Failure> {
    let signals = block(&[Signal::SIGINT])?;
    std::thread::spawn(move || {
        while signals.wait().is_ok() {
            ASKED.store(true, Ordering::Relaxed);
        }
    });
    Ok(())
}

/// Whether whoever types wants the evaluation to end.
pub fn was_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// What was asked so far was not about what follows.
pub fn forget() {
    ASKED.store(false, Ordering::Relaxed);
}
