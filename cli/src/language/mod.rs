//! The build language on this machine: its files, its environment, and a thread with enough stack.
//!
//! Owns: the implementation of the language's [`World`](buildc_compiler::lang::world::World).
//! Never does: evaluation.

mod sealed;
mod world;

use std::io;

pub use sealed::Sealed;
pub use world::Files;

/// Stack of the thread that evaluates: address space, of which only what recursion reaches is ever used.
pub const STACK: usize = 256 << 20;

/// Runs `work` on a thread with [`STACK`] bytes of stack.
///
/// # Errors
/// When there is no room for the thread.
pub fn on_big_stack<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
        match thread.join() {
            Ok(result) => Ok(result),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
