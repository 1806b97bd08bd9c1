//! Steps that a worker makes one after another without coming back in between (the merge pass).

use buildc_ir::Role;

use super::{Early, Schedule};
use crate::step::Work;

impl<'p> Schedule<'p> {
    /// The steps that are made in one go after `at`, lowest first; their own turns are over with that.
    pub(super) fn group(&mut self, at: usize) -> Vec<(usize, Work<'p>)> {
        let mut rest = Vec::new();
        let mut below = at;
        while let Some(next) = self.follower(below) {
            self.slots[next].taken = true;
            // Its base comes with what the worker makes of that.
            let fixed = self.are_others_fixed(next);
            rest.push((next, Work { fixed, ..self.work(next) }));
            below = next;
        }
        rest
    }

    /// The step that the plan wants to be made with `at` and that waits for nothing else.
    fn follower(&self, at: usize) -> Option<usize> {
        self.slots[at].users.iter().copied().find(|user| {
            let slot = &self.slots[*user];
            let is_next = slot.planned.merged && slot.node.step.base() == Some(self.slots[at].id);
            is_next && slot.known.is_none() && slot.waits == 1 && matches!(slot.early, Early::No) && {
                let mut others = slot.node.step.inputs.iter().filter(|input| input.role != Role::Base);
                others.all(|input| self.tree(input.step).is_some())
            }
        })
    }

    fn are_others_fixed(&self, at: usize) -> bool {
        let mut others = self.slots[at].node.step.inputs.iter().filter(|input| input.role != Role::Base);
        others.all(|input| self.finished(input.step).is_some_and(|finished| finished.fixed))
    }
}
