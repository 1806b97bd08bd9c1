//! The bounds on what an evaluation may use: nested calls, memory, steps.
//!
//! Owns: when they are looked at, and the errors they end with. The bound on the stack is in [`crate::lang::stack`].

use super::Evaluator;
use crate::lang::error::{ErrorKind, EvalError, Result};
use crate::lang::syntax::Pos;

/// Calls between two looks at memory, stack and steps.
const PERIOD: u32 = 256;

/// Stack kept free below the point where evaluation stops: enough for any builtin that recurses over data it has bounded
/// itself, and of a large stack for the calls between two looks at it.
pub(super) fn stack_margin(stack: usize) -> usize {
    (stack / 64).max(256 << 10)
}

/// What is left of the bounds.
#[derive(Debug)]
pub(super) struct Limits {
    /// Calls that are nested at the moment.
    pub depth: u32,
    /// Calls until memory, stack and steps are looked at again.
    fuel: u32,
    /// Steps that may still be made, without those of `fuel`.
    steps: u64,
}

impl Limits {
    pub fn new(max_steps: u64) -> Self {
        let mut limits = Limits { depth: 0, fuel: 0, steps: max_steps };
        limits.refill();
        limits
    }

    fn refill(&mut self) {
        self.fuel = u32::try_from(self.steps).map_or(PERIOD, |steps| steps.min(PERIOD));
        self.steps -= u64::from(self.fuel);
    }
}

impl<'a> Evaluator<'a> {
    /// Counts a call, as Nix counts them; it is a step, too. Every success is followed by [`Evaluator::leave`].
    ///
    /// # Errors
    /// When too many are nested, or steps or memory are used up.
    #[inline(always)]
    pub fn enter(&mut self, pos: Pos) -> Result<()> {
        if self.limits.depth > self.options.max_call_depth {
            return Err(too_deep(pos));
        }
        match self.limits.fuel.checked_sub(1) {
            Some(fuel) => self.limits.fuel = fuel,
            None => self.refuel()?,
        }
        self.limits.depth += 1;
        Ok(())
    }

    /// True when [`Evaluator::enter`] would not find calls nested too deeply.
    #[inline(always)]
    pub(super) fn may_enter(&self) -> bool {
        self.limits.depth <= self.options.max_call_depth
    }

    /// Ends a call.
    #[inline(always)]
    pub fn leave(&mut self) {
        self.limits.depth -= 1;
    }

    #[cold]
    #[inline(never)]
    fn refuel(&mut self) -> Result<()> {
        self.room_for(0)?;
        // Where calls may be nested deeper than the stack, as many as are made between two looks fit in its margin.
        self.check_stack()?;
        if self.world.interrupted() {
            return Err(EvalError::of_kind(ErrorKind::Interrupted, "interrupted by the user"));
        }
        if self.limits.steps == 0 {
            let text = format!("evaluation takes more than the {} steps allowed", self.options.max_steps);
            return Err(EvalError::of_kind(ErrorKind::Limit, text));
        }
        self.limits.refill();
        Ok(())
    }

    /// To be asked before something large is made: whether so many bytes may still be used.
    ///
    /// # Errors
    /// When they may not.
    #[inline]
    pub fn room_for(&self, bytes: usize) -> Result<()> {
        if self.arena.allocated_bytes().saturating_add(bytes) > self.options.max_memory {
            return Err(self.out_of_memory());
        }
        Ok(())
    }

    /// The bytes of a file, if there is room for them.
    ///
    /// # Errors
    /// When it cannot be read, or is larger.
    pub(in crate::lang) fn read_file(&self, path: &[u8]) -> Result<Vec<u8>> {
        let most = self.options.max_memory.saturating_sub(self.arena.allocated_bytes());
        let read = self.world.read_file_within(path, most).map_err(|error| EvalError::new(error.0))?;
        read.ok_or_else(|| self.out_of_memory())
    }

    #[cold]
    pub(super) fn out_of_memory(&self) -> Box<EvalError> {
        let limit = self.options.max_memory;
        let text = format!("evaluation takes more than the {limit} bytes of memory allowed (--memory-limit)");
        EvalError::of_kind(ErrorKind::Limit, text)
    }
}

#[cold]
fn too_deep(pos: Pos) -> Box<EvalError> {
    EvalError::new("stack overflow; max-call-depth exceeded").at(pos)
}
