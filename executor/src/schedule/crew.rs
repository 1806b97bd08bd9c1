//! The workers: started one by one as there is work for them, each taking one step at a time, or several that build on
//! each other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::{Receiver, Sender};

use crate::step::{self, Ground, Made, Prepared, Site, StepError, Work};

/// What a worker takes: a step by its position, and those that are made in one go after it, each on the one before.
pub(super) struct Job<'p> {
    pub first: (usize, Work<'p>),
    pub rest: Vec<(usize, Work<'p>)>,
}

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

/// Works until there is no more; each reply says whether the worker is free with it.
pub(super) fn labour(site: &Site<'_>, jobs: &Receiver<Job<'_>>, replies: &Sender<(usize, Reply, bool)>) {
    for Job { first, rest } in jobs {
        let mut ground = Ground::default();
        let mut rest = rest.into_iter();
        let mut next = Some(first);
        while let Some((at, work)) = next {
            // A fault in one step must not leave the others waiting for its reply.
            let reply = catch_unwind(AssertUnwindSafe(|| match &work.ahead {
                Some(ahead) => Reply::Prepared(step::prepare(site, &work, ahead)),
                None if site.cancel.is_cancelled() => Reply::Made(Err(StepError::Cancelled)),
                None => Reply::Made(step::run(site, &work, &mut ground)),
            }));
            let reply = reply.unwrap_or(Reply::Made(Err(StepError::Fault)));
            // Nothing stands on what failed.
            next = match &reply {
                Reply::Made(Ok(made)) => rest.next().map(|(at, above)| (at, above.on(&work, made))),
                _ => None,
            };
            if replies.send((at, reply, next.is_none())).is_err() {
                return;
            }
        }
    }
}
