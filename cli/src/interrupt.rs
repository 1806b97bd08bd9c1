//! Ctrl-C and `kill`: the build is cancelled and cleans up; asking again changes nothing, so nothing is left behind.

use buildc_executor::Cancel;

use crate::failure::Failure;

/// Exit code of a build that was interrupted: 128 and SIGINT's number, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// Sets `cancel` at SIGINT, SIGTERM and SIGHUP. Starts a thread.
pub fn cancels(cancel: &Cancel) -> Result<(), Failure> {
    let cancel = cancel.clone();
    ctrlc::set_handler(move || {
        if cancel.is_cancelled() {
            crate::output::say("Still cleaning up");
        }
        cancel.cancel();
    })
    .map_err(|e| Failure::told("environment::signals", &e, None))
}
