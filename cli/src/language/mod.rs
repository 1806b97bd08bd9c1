//! The build language on this machine: its files, its environment, and a thread with enough stack.
//!
//! Owns: the implementation of the language's [`World`](buildc_compiler::lang::world::World).
//! Never does: evaluation.

mod log;
mod sealed;
mod world;

use std::io;
use std::sync::{Mutex, PoisonError};

pub use log::Log;
pub use sealed::Sealed;
pub use world::Files;

/// Stack of the thread that evaluates: address space, of which only what recursion reaches is ever used. A source nested
/// 100,000 deep needs half of it where nothing is optimised.
const STACK: usize = 1 << 30;

/// Where there is no room for [`STACK`].
const SMALL_STACK: usize = 64 << 20;

/// Memory that evaluation may use when nobody says otherwise and the machine does not tell how much it has.
const MEMORY: usize = 4 << 30;

/// Runs `work` on a thread with a large stack, whose size it is given.
///
/// # Errors
/// When there is no room for the thread.
pub fn on_big_stack<T: Send>(work: impl FnOnce(usize) -> T + Send) -> io::Result<T> {
    let work = Mutex::new(Some(work));
    let run = |stack: usize| {
        let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
        work.map(|work| work(stack))
    };
    std::thread::scope(|scope| {
        let spawn =
            |stack| std::thread::Builder::new().stack_size(stack).spawn_scoped(scope, move || run(stack));
        let thread = spawn(STACK).or_else(|_| spawn(SMALL_STACK))?;
        match thread.join() {
            Ok(result) => result.ok_or_else(|| io::Error::other("evaluation did not start")),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Memory that evaluation may use when nobody says otherwise: three quarters of the machine's, in bytes.
pub fn memory_limit() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok());
    total.map_or(MEMORY, |kib: usize| kib.saturating_mul(1024) / 4 * 3)
}
