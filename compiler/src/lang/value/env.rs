//! Environments: the frames in which variables live.
//!
//! One frame is made per call of a function; the `let`s and `with`s of its body have their slots in the same frame,
//! so a variable is a number of frames to go up and an index. A frame that nothing refers to when its call returns is
//! used again: whoever stores a reference to a frame anywhere but in a deeper call says so with [`Env::escape`].

use std::cell::Cell;
use std::fmt;

use bumpalo::Bump;

use super::{Slot, Value};

/// A frame of variables.
pub struct Env<'a> {
    /// The slots; a slot that was not reached yet holds `null`.
    pub slots: &'a [Slot<'a>],
    up: Cell<Option<&'a Env<'a>>>,
    escaped: Cell<bool>,
}

impl<'a> Env<'a> {
    /// The frame of the enclosing function.
    #[inline(always)]
    pub fn up(&self) -> Option<&'a Env<'a>> {
        self.up.get()
    }

    /// Says that a reference to the frame outlives the call it was made for.
    #[inline(always)]
    pub fn escape(&'a self) -> &'a Self {
        self.escaped.set(true);
        self
    }

    /// True after [`Env::escape`].
    #[inline(always)]
    pub fn has_escaped(&self) -> bool {
        self.escaped.get()
    }
}

impl fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Env({} slots)", self.slots.len())
    }
}

/// Frames up to this size are kept for reuse.
const POOLED: usize = 16;

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
                self.arena.alloc(Env { slots, up: Cell::new(up), escaped: Cell::new(false) })
            }
        }
    }

    #[inline(always)]
    fn allocate_sized<const SIZE: usize>(&mut self, up: Option<&'a Env<'a>>) -> &'a Env<'a> {
        let slots: &'a [Slot<'a>] = self.arena.alloc([const { Cell::new(Value::Null) }; SIZE]);
        self.arena.alloc(Env { slots, up: Cell::new(up), escaped: Cell::new(false) })
    }

    /// Takes back a frame whose call has returned, unless something refers to it.
    #[inline(always)]
    pub fn release(&mut self, env: &'a Env<'a>) {
        if !env.has_escaped()
            && let Some(free) = self.free.get_mut(env.slots.len())
        {
            env.up.set(*free);
            *free = Some(env);
        }
    }
}
