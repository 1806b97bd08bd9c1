//! Scopes while a program is resolved.
//!
//! Owns: which binding a name means at a place, and where in which frame it lives. A slot is given to a binding when it is
//! first used, so bindings that nothing uses cost nothing.
//! Never does: walk the tree (see [`super::resolve`]).

use super::expr::{DynamicScope, Place};
use super::syntax::{Pos, Symbol};

/// Index of a binding on the stack of those in scope.
pub(super) type BindingId = usize;

/// A name in scope.
#[derive(Clone, Copy, Debug)]
struct Binding {
    symbol: Symbol,
    /// Index of the frame on the stack of frames.
    frame: usize,
    slot: Option<u32>,
    /// The binding that this one hides, plus one.
    hidden: u32,
}

/// A frame being laid out.
#[derive(Clone, Copy, Debug, Default)]
struct FrameLayout {
    /// First slot that nothing in scope occupies.
    next: u32,
    /// Slots below this one are never given out again.
    floor: u32,
    /// Slots used at most.
    size: u32,
    /// How many frames are around it, as it sees them.
    level: u32,
}

/// A `with` in scope.
#[derive(Clone, Copy, Debug)]
struct WithScope {
    frame: usize,
    slot: u32,
    pos: Pos,
}

/// The scopes around the place at hand.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    bindings: Vec<Binding>,
    /// For each symbol, its innermost binding plus one, or zero.
    innermost: Vec<u32>,
    frames: Vec<FrameLayout>,
    withs: Vec<WithScope>,
}

impl Scopes {
    /// Starts a frame inside of the one at hand.
    pub fn push_frame(&mut self) {
        self.push_frame_within(self.innermost_frame());
    }

    /// Starts a frame that sees nothing of the frames inside of another one.
    pub fn push_frame_within(&mut self, outer: usize) {
        let level = self.frames.get(outer).map_or(0, |frame| frame.level + 1);
        self.frames.push(FrameLayout { level, ..FrameLayout::default() });
    }

    /// Index of the frame at hand.
    pub fn innermost_frame(&self) -> usize {
        self.frames.len().saturating_sub(1)
    }

    /// How many frames to go out from the one at hand to another one that it sees.
    pub fn hops_to(&self, outer: usize) -> u32 {
        let level = |frame: usize| self.frames.get(frame).map_or(0, |frame| frame.level);
        level(self.innermost_frame()) - level(outer)
    }

    /// The frame of the innermost `with`.
    pub fn innermost_with(&self) -> Option<usize> {
        self.withs.last().map(|with| with.frame)
    }

    /// The frame that a binding lives in.
    pub fn frame_of(&self, id: BindingId) -> usize {
        self.bindings.get(id).map_or(0, |binding| binding.frame)
    }

    /// Ends a frame; its size.
    pub fn pop_frame(&mut self) -> u32 {
        self.frames.pop().map_or(0, |frame| frame.size)
    }

    /// Slots in use in the frame at hand.
    pub fn frame_fill(&self) -> u32 {
        self.frames.last().map_or(0, |frame| frame.next)
    }

    /// A mark to come back to with [`Scopes::reuse`].
    pub fn mark(&self) -> u32 {
        self.frame_fill()
    }

    /// Gives out again the slots taken since `mark`, for an expression that is evaluated instead of the one that took
    /// them.
    pub fn reuse(&mut self, mark: u32) {
        if let Some(frame) = self.frames.last_mut() {
            frame.next = mark.max(frame.floor);
        }
    }

    /// Gives out no slot below `mark` any more: of two expressions that share slots, what refers to those of the longer one
    /// is still there behind both.
    pub fn keep_below(&mut self, mark: u32) {
        if let Some(frame) = self.frames.last_mut() {
            frame.next = frame.next.max(mark);
        }
    }

    /// Takes a slot of the frame at hand.
    pub fn take_slot(&mut self) -> u32 {
        self.frames.last_mut().map_or(0, FrameLayout::take)
    }

    /// Brings a name into scope; its slot is taken when it is used.
    pub fn bind(&mut self, symbol: Symbol) -> BindingId {
        self.bind_at(symbol, None)
    }

    /// Brings a name into scope that lives in a slot taken before.
    pub fn bind_at(&mut self, symbol: Symbol, slot: Option<u32>) -> BindingId {
        let index = symbol.index();
        if index >= self.innermost.len() {
            self.innermost.resize(index + 1, 0);
        }
        let id = self.bindings.len();
        let hidden = std::mem::replace(&mut self.innermost[index], id as u32 + 1);
        self.bindings.push(Binding { symbol, frame: self.frames.len().saturating_sub(1), slot, hidden });
        id
    }

    /// How many names are in scope: to be given to [`Scopes::unbind`].
    pub fn depth(&self) -> BindingId {
        self.bindings.len()
    }

    /// Takes names out of scope, down to a depth.
    pub fn unbind(&mut self, depth: BindingId) {
        while self.bindings.len() > depth {
            if let Some(binding) = self.bindings.pop() {
                self.innermost[binding.symbol.index()] = binding.hidden;
            }
        }
    }

    /// The slot of a binding, if something used it.
    pub fn slot_of(&self, id: BindingId) -> Option<u32> {
        self.bindings.get(id).and_then(|binding| binding.slot)
    }

    /// The binding that a name means; those from `below` on are not seen.
    pub fn lookup(&self, symbol: Symbol, below: BindingId) -> Option<BindingId> {
        let mut id = *self.innermost.get(symbol.index())? as usize;
        while id > below {
            id = self.bindings[id - 1].hidden as usize;
        }
        id.checked_sub(1)
    }

    /// Where a binding lives, as the frame at hand sees it.
    pub fn use_binding(&mut self, id: BindingId) -> Place {
        let binding = &mut self.bindings[id];
        let frame = binding.frame;
        let slot = match binding.slot {
            Some(slot) => slot,
            None => {
                let slot = self.frames[frame].take_for_good();
                binding.slot = Some(slot);
                slot
            }
        };
        Place { depth: self.hops_to(frame), slot }
    }

    /// Enters a `with` whose set is in a slot of the frame at hand.
    pub fn push_with(&mut self, slot: u32, pos: Pos) {
        self.withs.push(WithScope { frame: self.frames.len() - 1, slot, pos });
    }

    /// Leaves a `with`.
    pub fn pop_with(&mut self) {
        self.withs.pop();
    }

    /// The `with`s in scope, innermost first, as the frame at hand sees them.
    pub fn withs(&self) -> impl ExactSizeIterator<Item = DynamicScope> + '_ {
        self.withs.iter().rev().map(|with| DynamicScope {
            place: Place { depth: self.hops_to(with.frame), slot: with.slot },
            pos: with.pos,
        })
    }
}

impl FrameLayout {
    fn take(&mut self) -> u32 {
        let slot = self.next;
        self.next += 1;
        self.size = self.size.max(self.next);
        slot
    }

    /// A slot that [`Scopes::reuse`] does not give out again: the binding may be older than the mark.
    fn take_for_good(&mut self) -> u32 {
        self.next = self.size;
        let slot = self.take();
        self.floor = self.next;
        slot
    }
}
