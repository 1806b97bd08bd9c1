//! Subordinate ids of a user (subuid(5), subgid(5)).

use std::fs;

/// Consecutive ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Range {
    pub(crate) start: u32,
    pub(crate) count: u32,
}

/// The user's subordinate user and group ids.
pub(crate) fn subordinate(uid: u32) -> (Vec<Range>, Vec<Range>) {
    let user = nix::unistd::User::from_uid(uid.into()).ok().flatten();
    let name = user.map(|user| user.name);
    let ranges = |file: &str| parse(&fs::read_to_string(file).unwrap_or_default(), name.as_deref(), uid);
    (ranges("/etc/subuid"), ranges("/etc/subgid"))
}

/// Lines are `user:first:count`, where the user is a name or a number.
fn parse(text: &str, name: Option<&str>, uid: u32) -> Vec<Range> {
    let uid = uid.to_string();
    text.lines()
        .filter_map(|line| {
            let mut parts = line.trim().split(':');
            let owner = parts.next()?;
            if owner != uid && Some(owner) != name {
                return None;
            }
            let (start, count) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            (count > 0).then_some(Range { start, count })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_by_name_and_by_number() {
        let text = "ann:100000:65536\nbob:165536:65536\n1000:300000:10\nann:broken\n# ann:1:1\n";
        let ann = [Range { start: 100_000, count: 65_536 }, Range { start: 300_000, count: 10 }];
        assert_eq!(parse(text, Some("ann"), 1000), ann);
        assert_eq!(parse(text, None, 7), []);
    }
}
