//! The allocator of a program that fills much memory once: the system's, with huge pages asked for below large blocks.
//!
//! Evaluating a program fills tens of megabytes that are never given back. With pages of 4 KiB the faults alone take a
//! quarter of that time; most distributions give huge pages only to memory for which they were asked (`madvise`).
//! It never keeps or counts memory, and where the kernel has no huge pages nothing changes.

use std::alloc::{GlobalAlloc, Layout, System};

/// Blocks from this size on are worth the system call: one huge page of 2 MiB lies in them whatever their alignment.
const LARGE: usize = 4 << 20;

/// The system's allocator with huge pages below blocks of 4 MiB and more. For `#[global_allocator]`.
#[derive(Debug)]
pub struct HugePages;

// SAFETY: every block comes from and returns to `System` unchanged; the advice alters no content and no address.
unsafe impl GlobalAlloc for HugePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is passed on.
        let block = unsafe { System.alloc(layout) };
        ask(block, layout.size());
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let block = unsafe { System.alloc_zeroed(layout) };
        ask(block, layout.size());
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `System` with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above; the caller promises that `size` is valid.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[inline]
fn ask(block: *mut u8, size: usize) {
    if size >= LARGE && !block.is_null() {
        advise(block, size);
    }
}

#[cold]
fn advise(block: *mut u8, size: usize) {
    let into_page = block.addr() % 4096;
    // SAFETY: the range is mapped, for the block lies in it; the advice is a hint. A refusal leaves small pages.
    unsafe {
        libc::madvise(block.wrapping_sub(into_page).cast(), size + into_page, libc::MADV_HUGEPAGE);
    }
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
