//! The token that ends a build early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asked by everything that waits; set once by whoever wants the build to end.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A token that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the end. Safe to call from a signal handler's thread, and more than once.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// True once the end was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
