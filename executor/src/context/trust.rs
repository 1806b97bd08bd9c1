//! When a stamp says that a file has not changed since it was hashed (spec/context-index.md).
//!
//! Owns: the judgement of one hashing, made once, when it happens. Never does: reading files or the index.

use std::os::fd::AsFd;

use crate::select::Stamp;

/// How far stamps lag behind the clock on file systems of this machine: their clock ticks every 1 to 10 ms, and some
/// store hundredths of a second.
const TICK_NANOS: i128 = 30_000_000;
/// The same where stamps have no fraction: whole seconds, even ones on FAT.
const COARSE_NANOS: i128 = 2_000_000_000;
/// Somebody else's clock is known to have moved on after this much of ours.
const FOREIGN_MS: i64 = 2_000;

/// Whether a later file with the same stamp is the same file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trust {
    /// Any change after the hashing has another stamp.
    Sure,
    /// A change could carry the same stamp.
    Young,
    /// The stamp is of a foreign clock and was first seen at this time in milliseconds.
    Seen(i64),
}

/// A moment of this machine's clock: seconds and nanoseconds since 1970.
pub(super) type Moment = (i64, u32);

/// The clock that stamps are compared with, to be asked before a file is looked at.
pub(super) fn now() -> Moment {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    (now.tv_sec, u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// Judges a hashing that began at `now` and found `stamp` before and after. `seen` is when the same stamp was first
/// seen, if it was.
pub(super) fn judge(stamp: &Stamp, now: Moment, foreign: bool, seen: Option<i64>) -> Trust {
    if !foreign {
        return if is_young(stamp, now) { Trust::Young } else { Trust::Sure };
    }
    let now = now.0.saturating_mul(1000).saturating_add(i64::from(now.1 / 1_000_000));
    match seen.filter(|first| *first <= now) {
        Some(first) if now - first >= FOREIGN_MS => Trust::Sure,
        Some(first) => Trust::Seen(first),
        None => Trust::Seen(now),
    }
}

fn is_young(stamp: &Stamp, now: Moment) -> bool {
    let nanos = |t: Moment| i128::from(t.0) * 1_000_000_000 + i128::from(t.1);
    let newest = nanos(stamp.mtime).max(nanos(stamp.ctime));
    let lag = if stamp.ctime.1 == 0 && stamp.mtime.1 == 0 { COARSE_NANOS } else { TICK_NANOS };
    newest + lag >= nanos(now)
}

/// Whether a file lies on a file system that another machine's or program's clock may stamp. Only those that are known
/// not to be are not.
pub(super) fn is_foreign(file: impl AsFd) -> bool {
    const LOCAL: [u32; 16] = [
        0xef53,      // ext2, ext3, ext4
        0x5846_5342, // xfs
        0x9123_683e, // btrfs
        0x0102_1994, // tmpfs
        0x8584_58f6, // ramfs
        0x794c_7630, // overlayfs
        0x2fc1_2fc1, // zfs
        0xf2f5_2010, // f2fs
        0xca45_1a4e, // bcachefs
        0x7366_746e, // ntfs3
        0x2011_bab0, // exfat
        0x4d44,      // fat
        0x3153_464a, // jfs
        0x3434,      // nilfs2
        0x7371_7368, // squashfs
        0xe0f5_e1e2, // erofs
    ];
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "magic numbers have 32 bits")]
    rustix::fs::fstatfs(file).map_or(true, |fs| !LOCAL.contains(&(fs.f_type as u32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(mtime: Moment, ctime: Moment) -> Stamp {
        Stamp { mtime, ctime, ..Stamp::default() }
    }

    #[test]
    fn a_stamp_is_trusted_once_the_clock_has_ticked() {
        let now = (1000, 500_000_000);
        let local = |mtime, ctime| judge(&stamp(mtime, ctime), now, false, None);
        assert_eq!(local((900, 1), (1000, 400_000_000)), Trust::Sure);
        assert_eq!(local((900, 1), (1000, 480_000_000)), Trust::Young);
        assert_eq!(local((900, 1), (1000, 500_000_000)), Trust::Young);
        assert_eq!(local((900, 1), (2000, 0)), Trust::Young, "from the future");
        assert_eq!(local((1000, 490_000_000), (900, 1)), Trust::Young, "the time of the content counts too");
    }

    #[test]
    fn whole_seconds_take_two_seconds() {
        let local = |ctime| judge(&stamp((900, 0), ctime), (1000, 500_000_000), false, None);
        assert_eq!(local((999, 0)), Trust::Young);
        assert_eq!(local((998, 0)), Trust::Sure);
    }

    #[test]
    fn a_foreign_stamp_is_trusted_when_it_is_seen_again() {
        let foreign = |seen| judge(&stamp((1, 1), (1, 1)), (1000, 0), true, seen);
        assert_eq!(foreign(None), Trust::Seen(1_000_000), "however old it says it is");
        assert_eq!(foreign(Some(999_000)), Trust::Seen(999_000));
        assert_eq!(foreign(Some(998_000)), Trust::Sure);
        assert_eq!(foreign(Some(1_000_001)), Trust::Seen(1_000_000), "our own clock was set back");
    }

    #[test]
    fn temporary_files_are_local_and_proc_is_not() {
        assert!(!is_foreign(tempfile::tempfile().unwrap()));
        assert!(is_foreign(std::fs::File::open("/proc/self/stat").unwrap()));
    }
}
