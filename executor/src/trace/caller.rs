//! Who is behind a request: whether it is the dynamic linker that reads its cache, or a program that may print it.
//!
//! The kernel names the thread, which waits for the answer inside its system call. Where its program counter lies in the
//! object that the kernel loaded as the program's interpreter (`AT_BASE`), and that is a `ld.so`, it is the linker.

use std::fs;
use std::time::Duration;

/// `AT_BASE` of `getauxval(3)`.
const AT_BASE: u64 = 7;
/// A thread that has just sent its request may not have gone to sleep yet.
const TRIES: u32 = 20;

/// True only when the thread is in a system call of the dynamic linker.
pub(super) fn is_dynamic_linker(thread: u32) -> bool {
    linker_of(thread).is_some_and(|(linker, counter)| linker.contains(counter))
}

/// Address ranges of a mapped object.
struct Object(Vec<(u64, u64)>);

impl Object {
    fn contains(&self, address: u64) -> bool {
        self.0.iter().any(|(start, end)| (*start..*end).contains(&address))
    }
}

fn linker_of(thread: u32) -> Option<(Object, u64)> {
    let counter = program_counter(thread)?;
    let base = auxiliary(&fs::read(format!("/proc/{thread}/auxv")).ok()?, AT_BASE)?;
    let maps = fs::read(format!("/proc/{thread}/maps")).ok()?;
    Some((object_at(&maps, base)?, counter))
}

/// The last field of `/proc/PID/syscall` (`proc_pid_syscall(5)`).
fn program_counter(thread: u32) -> Option<u64> {
    for _ in 0..TRIES {
        let text = fs::read_to_string(format!("/proc/{thread}/syscall")).ok()?;
        if !text.starts_with("running") {
            return number(text.trim_end().rsplit(' ').next()?.strip_prefix("0x")?.as_bytes());
        }
        std::thread::sleep(Duration::from_micros(50));
    }
    None
}

/// A value of the auxiliary vector, which is pairs of words.
fn auxiliary(vector: &[u8], kind: u64) -> Option<u64> {
    let words: Vec<u64> =
        vector.chunks_exact(8).filter_map(|word| Some(u64::from_ne_bytes(word.try_into().ok()?))).collect();
    let value = words.chunks_exact(2).find(|pair| pair.first() == Some(&kind))?.get(1).copied();
    value.filter(|value| *value != 0)
}

/// All ranges of the file that is mapped at `base`, if it is called like a dynamic linker.
fn object_at(maps: &[u8], base: u64) -> Option<Object> {
    let lines: Vec<Mapping<'_>> = maps.split(|b| *b == b'\n').filter_map(Mapping::parse).collect();
    let first = lines.iter().find(|mapping| mapping.start == base)?;
    let name = first.path.rsplit(|b| *b == b'/').next()?;
    let known: [&[u8]; 4] = [b"ld-linux", b"ld64.so", b"ld.so", b"ld-2."];
    if !known.iter().any(|known| name.starts_with(known)) {
        return None;
    }
    let ranges = lines.iter().filter(|mapping| mapping.file == first.file).map(|m| (m.start, m.end));
    Some(Object(ranges.collect()))
}

/// A line of `/proc/PID/maps`.
struct Mapping<'a> {
    start: u64,
    end: u64,
    /// Device and inode.
    file: (&'a [u8], &'a [u8]),
    path: &'a [u8],
}

impl<'a> Mapping<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = line.split(|b| *b == b' ').filter(|field| !field.is_empty());
        let range = fields.next()?;
        let dash = range.iter().position(|b| *b == b'-')?;
        let (_mode, _offset) = (fields.next()?, fields.next()?);
        let file = (fields.next()?, fields.next()?);
        let start = number(range.get(..dash)?)?;
        Some(Self { start, end: number(range.get(dash + 1..)?)?, file, path: fields.next()? })
    }
}

fn number(hex: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &[u8] = b"\
5581-5582 r--p 00000000 fe:00 11 /usr/bin/cat\n\
7f10-7f11 r--p 00000000 fe:00 22 /usr/lib/libc.so.6\n\
7f20-7f21 r--p 00000000 00:2a 33 /usr/lib/ld-linux-x86-64.so.2\n\
7f21-7f24 r-xp 00001000 00:2a 33 /usr/lib/ld-linux-x86-64.so.2\n\
7ffd-7ffe rw-p 00000000 00:00 0 [stack]\n";

    #[test]
    fn the_linker_is_what_the_kernel_loaded_as_interpreter() {
        let linker = object_at(MAPS, 0x7f20).unwrap();
        assert!(linker.contains(0x7f20) && linker.contains(0x7f23) && !linker.contains(0x7f24));
        assert!(!linker.contains(0x7f10));
        // Another object at that address, or none.
        assert!(object_at(MAPS, 0x7f10).is_none() && object_at(MAPS, 0x1000).is_none());
    }

    #[test]
    fn values_are_found_in_the_auxiliary_vector() {
        let words = [3u64, 0x5581, 7, 0x7f20, 0, 0];
        let vector: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(auxiliary(&vector, AT_BASE), Some(0x7f20));
        assert_eq!(auxiliary(&vector, 9), None);
        assert_eq!(auxiliary(b"", AT_BASE), None);
    }

    #[test]
    fn a_thread_of_this_program_is_not_the_linker() {
        assert!(!is_dynamic_linker(std::process::id()));
    }
}
