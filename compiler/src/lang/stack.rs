//! How deep recursion may go.
//!
//! Owns: the check that turns an overflow of the machine's stack into an error.
//! Never does: grow a stack; whoever calls runs on a thread whose stack is large enough.

/// The part of the current thread's stack that may be used, reckoned from where it was made.
#[derive(Clone, Copy, Debug)]
pub struct StackLimit {
    lowest: usize,
}

impl StackLimit {
    /// Allows so many bytes below the caller's frame. Keep a margin of 64 KiB for functions that do not check.
    pub fn below_here(bytes: usize) -> Self {
        StackLimit { lowest: here().saturating_sub(bytes) }
    }

    /// True when the allowed part is used up: then return an error, do not recurse.
    #[inline]
    pub fn is_exhausted(self) -> bool {
        here() < self.lowest
    }
}

/// An address in the current frame. Stacks grow downwards on every platform there is a launcher for.
#[inline(always)]
fn here() -> usize {
    let marker = 0u8;
    std::hint::black_box(&raw const marker).addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth_reached(limit: StackLimit, depth: u32) -> u32 {
        if limit.is_exhausted() || depth == 1_000_000 {
            return depth;
        }
        std::hint::black_box(depth_reached(limit, depth + 1))
    }

    #[test]
    fn recursion_ends_within_the_limit() {
        let reached = depth_reached(StackLimit::below_here(64 << 10), 0);
        assert!(reached > 10 && reached < 1_000_000, "{reached}");
    }
}
