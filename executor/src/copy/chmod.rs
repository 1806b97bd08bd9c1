//! `--chmod`: octal, or symbolic as chmod(1) has it with an empty umask, but for the bits of set-id and sticky, where BuildKit
//! decides.

/// A mode that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Chmod {
    /// Exactly these bits.
    Octal(u32),
    /// Changes in order.
    Symbolic(Vec<Change>),
}

/// One `who op what`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Change {
    /// Bits 0o700, 0o070, 0o007 of those who are meant.
    who: u32,
    op: u8,
    /// rwx as 0o7, repeated for all; or the class that is copied.
    bits: u32,
    copy_of: Option<u32>,
    execute_if_any: bool,
    set_id: bool,
    sticky: bool,
}

impl Chmod {
    /// Reads a mode; `None` when malformed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return u32::from_str_radix(text, 8).ok().filter(|m| *m <= 0o7777).map(Self::Octal);
        }
        let mut changes = Vec::new();
        for clause in text.split(',') {
            clause_changes(clause.as_bytes(), &mut changes)?;
        }
        Some(Self::Symbolic(changes))
    }

    /// The mode that new parent directories get: only octal ones reach them, as mkdir(2) takes them.
    pub(super) fn for_parents(&self) -> Option<u32> {
        if let Self::Octal(mode) = self { Some(*mode & 0o777) } else { None }
    }

    /// The mode of an entry that had `mode`.
    pub(super) fn apply(&self, mode: u32, is_dir: bool) -> u32 {
        match self {
            Self::Octal(mode) => *mode,
            Self::Symbolic(changes) => {
                // Whether `X` gives anything is decided by the mode before all changes.
                let execute = is_dir || mode & 0o111 != 0;
                changes.iter().fold(mode, |mode, c| c.apply(mode, execute))
            }
        }
    }
}

fn clause_changes(clause: &[u8], changes: &mut Vec<Change>) -> Option<()> {
    let people = clause.iter().take_while(|b| b"ugoa".contains(b)).count();
    let who = clause[..people].iter().fold(0, |who, b| {
        who | match b {
            b'u' => 0o700,
            b'g' => 0o070,
            b'o' => 0o007,
            _ => 0o777,
        }
    });
    let who = if people == 0 { 0o777 } else { who };
    let mut rest = &clause[people..];
    if rest.is_empty() {
        return None;
    }
    while let Some((op, after)) = rest.split_first() {
        if !b"+-=".contains(op) {
            return None;
        }
        let mut change = Change {
            who,
            op: *op,
            bits: 0,
            copy_of: None,
            execute_if_any: false,
            set_id: false,
            sticky: false,
        };
        let len = after.iter().take_while(|b| !b"+-=".contains(b)).count();
        for b in &after[..len] {
            match b {
                b'r' => change.bits |= 0o444,
                b'w' => change.bits |= 0o222,
                b'x' => change.bits |= 0o111,
                // What takes away asks nothing.
                b'X' if *op == b'-' => change.bits |= 0o111,
                b'X' => change.execute_if_any = true,
                b's' => change.set_id = true,
                b't' => change.sticky = true,
                b'u' if len == 1 => change.copy_of = Some(6),
                b'g' if len == 1 => change.copy_of = Some(3),
                b'o' if len == 1 => change.copy_of = Some(0),
                _ => return None,
            }
        }
        if people == 0 && change.sticky {
            // Where nobody is named, `t` is the sticky bit and no other, whatever stands beside it.
            change = Change { who: 0, bits: 0, execute_if_any: false, set_id: false, ..change };
        }
        changes.push(change);
        rest = &after[len..];
    }
    Some(())
}

impl Change {
    fn apply(self, mode: u32, execute: bool) -> u32 {
        let mut bits = self.bits;
        if self.execute_if_any && execute {
            bits |= 0o111;
        }
        if let Some(shift) = self.copy_of {
            bits = (mode >> shift & 7) * 0o111;
        }
        let mut bits = bits & self.who;
        if self.set_id {
            bits |= if self.who & 0o700 != 0 { 0o4000 } else { 0 };
            bits |= if self.who & 0o070 != 0 { 0o2000 } else { 0 };
        }
        // Others alone have no sticky bit.
        if self.sticky && self.who != 0o007 {
            bits |= 0o1000;
        }
        match self.op {
            b'+' => mode | bits,
            b'-' => mode & !bits,
            // What is copied from a class leaves set-id bits alone; all else clears them, on directories too, where chmod(1)
            // keeps them.
            _ if self.copy_of.is_some() => mode & !self.who | bits,
            _ => mode & !self.who & !set_id_bits(self.who) | bits,
        }
    }
}

fn set_id_bits(who: u32) -> u32 {
    (if who & 0o700 != 0 { 0o4000 } else { 0 }) | (if who & 0o070 != 0 { 0o2000 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_change_as_in_buildkit() {
        for (text, before, dir, after) in [
            ("755", 0o600, false, 0o755),
            ("4755", 0, false, 0o4755),
            ("+x", 0o644, false, 0o755),
            ("u=rwX,go=rX", 0o600, false, 0o644),
            ("u=rwX,go=rX", 0o700, true, 0o755),
            ("u=rwX,go=rX", 0o700, false, 0o755),
            ("g=u", 0o640, false, 0o660),
            ("o-rwx", 0o777, false, 0o770),
            ("a=r", 0o777, false, 0o444),
            ("u+s,g+s", 0o755, false, 0o6755),
            ("+t", 0o777, true, 0o1777),
            ("u+x-w", 0o644, false, 0o544),
            ("a=rx", 0o7777, true, 0o1555),
            ("u=", 0o4711, true, 0o011),
            ("a=u", 0o4711, false, 0o4777),
            ("g=u", 0o7777, true, 0o7777),
            ("o+t", 0o755, true, 0o755),
            ("u=rwxs,o=t", 0o755, true, 0o4750),
            ("u+t", 0o755, true, 0o1755),
            ("a=r,o=X", 0o755, false, 0o441),
            ("=wx,g=X", 0o644, false, 0o303),
            ("a+x-rX", 0o644, false, 0o200),
            ("-st", 0o7755, true, 0o6755),
            ("a-st", 0o7755, true, 0o755),
            ("=rt", 0o755, true, 0o1755),
            ("-t+s", 0o1755, true, 0o6755),
        ] {
            assert_eq!(Chmod::parse(text).unwrap().apply(before, dir), after, "{text}");
        }
    }

    #[test]
    fn malformed_modes_are_refused() {
        for text in ["8", "77777", "u", "u=q", "z+x", "+x,", "u=gx"] {
            assert_eq!(Chmod::parse(text), None, "{text}");
        }
    }
}
