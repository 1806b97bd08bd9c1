//! Environments: the frames in which variables live.
//!
//! One frame is made per call of a function; the `let`s and `with`s of its body have their slots in the same frame,
//! so a variable is a number of frames to go up and an index. A frame that nothing refers to when its call returns is
//! used again: whoever stores a reference to a frame anywhere but in the arguments of a deeper call says so with
//! [`Env::escape`]. Arguments that are suspended refer to the caller's frame; should the frame they are in escape, so does
//! the caller's ([`Env::called_from`]). A function that is only lent to a builtin refers to its frame without a word; should a
//! frame that it is called in escape, so does its own. A function starts in the innermost frame that it sees something of, and
//! keeps those inside of it from nothing. In debug builds, whoever uses a frame that was given back finds «infinite recursion».

use std::cell::Cell;
use std::fmt;

use bumpalo::Bump;

use super::{Slot, Value};

/// A frame of variables.
pub struct Env<'a> {
    /// The slots; a slot that was not reached yet holds `null`.
    pub slots: &'a [Slot<'a>],
    up: Cell<Option<&'a Env<'a>>>,
    /// The frame that escapes with this one; this one itself when it has escaped.
    bound: Cell<Option<&'a Env<'a>>>,
}

impl<'a> Env<'a> {
    pub(super) fn new(slots: &'a [Slot<'a>], up: Option<&'a Env<'a>>) -> Self {
        Env { slots, up: Cell::new(up), bound: Cell::new(None) }
    }

    /// The frame of the enclosing function.
    #[inline(always)]
    pub fn up(&self) -> Option<&'a Env<'a>> {
        self.up.get()
    }

    /// Says that a reference to the frame outlives the call it was made for.
    #[inline(always)]
    pub fn escape(&'a self) -> &'a Self {
        if !self.has_escaped() {
            self.escape_with_callers();
        }
        self
    }

    #[inline(never)]
    fn escape_with_callers(&'a self) {
        let (mut env, mut others) = (self, Vec::new());
        loop {
            if !env.has_escaped() {
                let caller = env.bound.replace(Some(env));
                let up = env.up().filter(|up| !up.has_escaped());
                if let Some(next) = caller.or(up) {
                    others.extend(up.filter(|_| caller.is_some()));
                    env = next;
                    continue;
                }
            }
            match others.pop() {
                Some(next) => env = next,
                None => return,
            }
        }
    }

    /// The same of what slots of this frame refer to, and not of the frame itself.
    #[inline(never)]
    pub fn escape_beyond(&'a self) {
        if !self.has_escaped() {
            for other in [self.bound.get(), self.up()].into_iter().flatten() {
                other.escape();
            }
        }
    }

    /// Says that slots of this frame, which has just been made, refer to the frame of its caller.
    #[inline(always)]
    pub fn called_from(&self, caller: &'a Env<'a>) {
        self.bound.set(Some(caller));
    }

    /// True after [`Env::escape`].
    #[inline(always)]
    pub fn has_escaped(&self) -> bool {
        self.bound.get().is_some_and(|bound| std::ptr::eq(bound, self))
    }
}

impl fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Env({} slots)", self.slots.len())
    }
}

/// Frames up to this size are kept for reuse.
const POOLED: usize = 48;

/// Makes frames, and keeps those that nobody refers to any more.
pub struct Frames<'a> {
    arena: &'a Bump,
    free: [Option<&'a Env<'a>>; POOLED + 1],
}

impl fmt::Debug for Frames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Frames")
    }
}

impl<'a> Frames<'a> {
    /// No frame yet.
    pub fn new(arena: &'a Bump) -> Self {
        Frames { arena, free: [None; POOLED + 1] }
    }

    /// A frame below `up` with `size` slots.
    #[inline]
    pub fn make(&mut self, up: Option<&'a Env<'a>>, size: usize) -> &'a Env<'a> {
        if let Some(free) = self.free.get_mut(size)
            && let Some(env) = *free
        {
            *free = env.up.replace(up);
            env.bound.set(None);
            return env;
        }
        self.allocate(up, size)
    }

    #[inline(never)]
    fn allocate(&mut self, up: Option<&'a Env<'a>>, size: usize) -> &'a Env<'a> {
        match size {
            1 => self.allocate_sized::<1>(up),
            2 => self.allocate_sized::<2>(up),
            3 => self.allocate_sized::<3>(up),
            4 => self.allocate_sized::<4>(up),
            5 => self.allocate_sized::<5>(up),
            6 => self.allocate_sized::<6>(up),
            _ => {
                let slots = self.arena.alloc_slice_fill_with(size, |_| Cell::new(Value::Null));
                self.arena.alloc(Env::new(slots, up))
            }
        }
    }

    #[inline(always)]
    fn allocate_sized<const SIZE: usize>(&mut self, up: Option<&'a Env<'a>>) -> &'a Env<'a> {
        let slots: &'a [Slot<'a>] = self.arena.alloc([const { Cell::new(Value::Null) }; SIZE]);
        self.arena.alloc(Env::new(slots, up))
    }

    /// Takes back a frame whose call has returned, unless something refers to it.
    #[inline(always)]
    pub fn release(&mut self, env: &'a Env<'a>) {
        if !env.has_escaped()
            && let Some(free) = self.free.get_mut(env.slots.len())
        {
            if cfg!(debug_assertions) {
                // Whoever still refers to it fails, in tests, instead of finding something else.
                env.slots.iter().for_each(|slot| slot.set(Value::Blackhole));
            }
            env.up.set(*free);
            *free = Some(env);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_whose_variables_are_arguments_escape_together_and_others_do_not() {
        let arena = Bump::new();
        let mut frames = Frames::new(&arena);
        let [outer, caller, other, callee] = [1, 2, 3, 4].map(|size| frames.make(None, size));
        caller.called_from(outer);
        callee.called_from(caller);
        callee.escape();
        assert!(callee.has_escaped() && caller.has_escaped() && outer.has_escaped() && !other.has_escaped());
    }

    #[test]
    fn the_frame_of_a_lent_function_escapes_with_those_that_it_is_called_in() {
        let arena = Bump::new();
        let mut frames = Frames::new(&arena);
        let (outer, other) = (frames.make(None, 1), frames.make(None, 1));
        let maker = frames.make(None, 2);
        maker.called_from(outer);
        let lent = frames.make(Some(maker), 3);
        let callee = frames.make(None, 4);
        callee.called_from(lent);
        callee.escape();
        assert!([callee, lent, maker, outer].iter().all(|env| env.has_escaped()) && !other.has_escaped());
    }

    #[test]
    fn a_frame_is_used_again_unless_it_escaped() {
        let arena = Bump::new();
        let mut frames = Frames::new(&arena);
        let (kept, free) = (frames.make(None, 2), frames.make(None, 2));
        kept.escape();
        free.called_from(kept);
        frames.release(kept);
        frames.release(free);
        let again = frames.make(Some(kept), 2);
        assert!(std::ptr::eq(again, free) && !again.has_escaped());
        assert!(!std::ptr::eq(frames.make(None, 2), kept));
    }
}
