//! Random bytes for names and addresses that must not meet.

use rustix::rand::{GetRandomFlags, getrandom};

/// `N` random bytes. Should the kernel ever refuse, the process id and the clock stand in: callers need difference, not
/// secrecy.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let filled = getrandom(bytes.as_mut_slice(), GetRandomFlags::empty()).is_ok_and(|n| n == N);
    if !filled {
        let nanos = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_nanos());
        let seed = (nanos ^ (u128::from(std::process::id()) << 64)).to_le_bytes();
        for (byte, seed) in bytes.iter_mut().zip(seed.iter().cycle()) {
            *byte = *seed;
        }
    }
    bytes
}

/// Two lower-case hexadecimal digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
