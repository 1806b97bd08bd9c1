//! The workers: started one by one as there is work for them, each taking one step at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::{Receiver, Sender};

use crate::step::{self, Made, Prepared, Site, StepError, Work};

/// What a worker has done.
pub(super) enum Reply {
    Made(Result<Made, StepError>),
    Prepared(Prepared),
}

/// How many workers there are and what they do.
pub(super) struct Crew {
    pub idle: usize,
    pub busy: usize,
    pub size: usize,
    pub limit: usize,
}

impl Crew {
    /// One more piece of work: takes an idle worker, or says that a new one is to be started.
    pub fn wants_another(&mut self) -> bool {
        if self.idle > 0 {
            self.idle -= 1;
            return false;
        }
        if self.size == self.limit {
            return false;
        }
        self.size += 1;
        true
    }

    /// A worker is done with its piece; it takes the next where one waits.
    pub fn rest(&mut self) {
        self.busy -= 1;
        self.idle = self.size.saturating_sub(self.busy);
    }
}

pub(super) fn labour(site: &Site<'_>, work: &Receiver<(usize, Work<'_>)>, replies: &Sender<(usize, Reply)>) {
    for (at, work) in work {
        // A fault in one step must not leave the others waiting for its reply.
        let reply = catch_unwind(AssertUnwindSafe(|| match &work.ahead {
            Some(ahead) => Reply::Prepared(step::prepare(site, &work, ahead)),
            None if site.cancel.is_cancelled() => Reply::Made(Err(StepError::Cancelled)),
            None => Reply::Made(step::run(site, &work)),
        }));
        if replies.send((at, reply.unwrap_or(Reply::Made(Err(StepError::Fault))))).is_err() {
            return;
        }
    }
}
