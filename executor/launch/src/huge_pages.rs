//! The allocator of a program that fills much memory once: the system's, with huge pages asked for below large blocks.
//!
//! Evaluating a program fills tens of megabytes that are never given back. With pages of 4 KiB the faults alone take a
//! quarter of that time; most distributions give huge pages only to memory for which they were asked (`madvise`), and
//! only where the memory covers a huge page whole, so large blocks begin where one begins.
//! It never keeps or counts memory, and where the kernel has no huge pages only the place of large blocks changes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;

/// Size and alignment of a huge page, in bytes.
const HUGE: usize = 2 << 20;

/// Blocks from this size on, in bytes, are worth the system calls; a little less than 4 MiB, because who asks for chunks of
/// that size often leaves room for the allocator's own header.
const LARGE: usize = (4 << 20) - 4096;

/// The system's allocator with huge pages below blocks of about 4 MiB and more. For `#[global_allocator]`.
#[derive(Debug)]
pub struct HugePages;

// SAFETY: large blocks are mappings of their own that nothing else refers to, all others come from and return to `System`
// unchanged; which of both a block is follows from its layout alone.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            return map(layout.size());
        }
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            // Fresh mappings are zero.
            return map(layout.size());
        }
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_large(layout) {
            // SAFETY: the block is a mapping of this size, and the caller gives it up.
            unsafe { libc::munmap(block.cast(), mapped(layout.size())) };
            return;
        }
        // SAFETY: `block` came from `System` with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `size` is valid for the alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (is_large(layout), is_large(wanted)) {
            // SAFETY: as above.
            (false, false) => unsafe { System.realloc(block, layout, size) },
            (true, true) => remap(block, layout.size(), size),
            // SAFETY: both blocks hold the bytes copied, and the old one is given up only when there is a new one.
            _ => unsafe {
                let moved = self.alloc(wanted);
                if !moved.is_null() {
                    ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                    self.dealloc(block, layout);
                }
                moved
            },
        }
    }
}

#[inline]
fn is_large(layout: Layout) -> bool {
    layout.size() >= LARGE && layout.align() <= 4096
}

/// Bytes of the mapping below a large block.
fn mapped(size: usize) -> usize {
    size.saturating_add(HUGE - 1) & !(HUGE - 1)
}

/// A mapping that begins where a huge page begins; null when there is no room.
#[cold]
fn map(size: usize) -> *mut u8 {
    let wanted = mapped(size);
    let Some(reserved) = wanted.checked_add(HUGE) else { return ptr::null_mut() };
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping at a place that the kernel chooses; what is cut off at its ends is not used by anybody. The
    // advice is a hint: a refusal leaves small pages.
    unsafe {
        let start = libc::mmap(ptr::null_mut(), reserved, access, flags, -1, 0);
        if start == libc::MAP_FAILED {
            return ptr::null_mut();
        }
        let before = start.addr().wrapping_neg() % HUGE;
        let block = start.wrapping_byte_add(before);
        if before > 0 {
            libc::munmap(start, before);
        }
        if before < HUGE {
            libc::munmap(block.wrapping_byte_add(wanted), HUGE - before);
        }
        libc::madvise(block, wanted, libc::MADV_HUGEPAGE);
        block.cast()
    }
}

/// Gives a large block another large size; null, with the block as it was, when there is no room.
#[cold]
fn remap(block: *mut u8, old: usize, new: usize) -> *mut u8 {
    // SAFETY: the block is a mapping of its own of the old size; the caller uses only what is returned from now on.
    let moved = unsafe { libc::mremap(block.cast(), mapped(old), mapped(new), libc::MREMAP_MAYMOVE) };
    if moved == libc::MAP_FAILED { ptr::null_mut() } else { moved.cast() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_blocks_are_usable_and_lie_in_memory_with_the_advice() {
        let layout = Layout::from_size_align(LARGE, 16).expect("a layout");
        // SAFETY: the layout is not empty; the block is written and read within its size and freed once.
        unsafe {
            let block = HugePages.alloc(layout);
            assert!(!block.is_null());
            block.write_bytes(7, LARGE);
            assert_eq!(*block.add(LARGE - 1), 7);
            let maps = std::fs::read_to_string("/proc/self/smaps").expect("smaps");
            assert!(advised(&maps, block.addr()) || !host_has_huge_pages(), "no `hg` flag:\n{maps}");
            HugePages.dealloc(block, layout);
        }
    }

    #[test]
    fn blocks_keep_their_bytes_when_they_become_large_and_small_again() {
        let sizes = [1000, LARGE, 3 * LARGE, 2 * LARGE + 1, 64];
        // SAFETY: every block is used within its size, given up once, and replaced by what `realloc` returns.
        unsafe {
            let mut layout = Layout::from_size_align(sizes[0], 16).expect("a layout");
            let mut block = HugePages.alloc_zeroed(layout);
            for (index, size) in sizes.into_iter().enumerate() {
                block = HugePages.realloc(block, layout, size);
                layout = Layout::from_size_align(size, 16).expect("a layout");
                assert!(!block.is_null());
                block.add(index).write(index as u8 + 1);
                block.add(size - 1).write(9);
            }
            assert_eq!(std::slice::from_raw_parts(block, 6), [1, 2, 3, 4, 5, 0]);
            HugePages.dealloc(block, layout);
        }
    }

    fn host_has_huge_pages() -> bool {
        std::path::Path::new("/sys/kernel/mm/transparent_hugepage/enabled").exists()
    }

    /// Whether the mapping around `address` has the flag `hg`.
    fn advised(smaps: &str, address: usize) -> bool {
        let mut inside = false;
        for line in smaps.lines() {
            if let Some((from, to)) = line.split(' ').next().and_then(|range| range.split_once('-')) {
                let bounds = (usize::from_str_radix(from, 16), usize::from_str_radix(to, 16));
                if let (Ok(from), Ok(to)) = bounds {
                    inside = (from..to).contains(&address);
                }
            } else if inside && line.starts_with("VmFlags:") {
                return line.split(' ').any(|flag| flag == "hg");
            }
        }
        false
    }
}
