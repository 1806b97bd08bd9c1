//! What the threads of a monitor share: the container's state and who waits for its end.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::container::record::State;
use crate::process_id::ProcessId;

/// The container as its monitor knows it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    live: Mutex<Live>,
    changed: Condvar,
    /// Held while the state file is written.
    writing: Mutex<()>,
}

/// The part that changes.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) state: State,
    /// When the present run began.
    pub(super) run_began: Instant,
    /// Somebody wants it to end, so it is not started again.
    pub(super) stopping: bool,
    /// All is written and cleared away.
    pub(super) finished: bool,
    /// Commands that wait for an answer.
    pub(super) asking: u32,
}

impl Live {
    /// The container's process, when it runs.
    pub(super) fn process(&self) -> Option<ProcessId> {
        (self.state.pid != 0).then_some(ProcessId { pid: self.state.pid, start: self.state.pid_start })
    }
}

impl Shared {
    pub(super) fn new(dir: PathBuf, state: State) -> Self {
        let live = Live { state, run_began: Instant::now(), stopping: false, finished: false, asking: 0 };
        Self { dir, live: Mutex::new(live), changed: Condvar::new(), writing: Mutex::new(()) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something and wakes whoever waits for it.
    pub(super) fn change<T>(&self, work: impl FnOnce(&mut Live) -> T) -> T {
        let result = work(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits until `done`, at most until `deadline`; false when that came first.
    pub(super) fn wait_until(&self, deadline: Option<Instant>, done: impl Fn(&Live) -> bool) -> bool {
        let mut live = self.lock();
        while !done(&live) {
            live = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return false,
                Some(left) => self.changed.wait_timeout(live, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(live).unwrap_or_else(PoisonError::into_inner),
            };
        }
        true
    }

    /// Writes the state file; a full disk must not end a container, so a failure only leaves the file old.
    pub(super) fn write_state(&self) {
        // What is written last is what stands last.
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.lock().state.clone();
        if let Err(error) = state.write(&self.dir) {
            tracing::warn!(%error, "the state of a container was not written");
        }
    }
}
