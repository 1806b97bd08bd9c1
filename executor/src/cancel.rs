//! The token that ends a build early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asked by everything that waits; set once by whoever wants the build to end.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    above: Option<Arc<AtomicBool>>,
}

impl Cancel {
    /// A token that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that is set when this one is, and can be set without setting this one.
    pub fn child(&self) -> Self {
        Self { flag: Arc::default(), above: Some(Arc::clone(&self.flag)) }
    }

    /// Asks for the end. Safe to call from a signal handler's thread, and more than once.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Release);
    }

    /// True once the end was asked for.
    pub fn is_cancelled(&self) -> bool {
        let set = |flag: &Arc<AtomicBool>| flag.load(Ordering::Acquire);
        set(&self.flag) || self.above.as_ref().is_some_and(set)
    }
}
