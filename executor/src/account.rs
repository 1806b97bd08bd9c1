//! Users and groups as an image's `/etc/passwd` and `/etc/group` name them.
//!
//! Owns: reading the two files' text and answering Docker's `user[:group]` questions from it. Never does: reading the
//! files (callers have different trees) or asking the host's accounts.

use std::ffi::OsStr;

/// Who a process runs as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary groups; empty when a group was named.
    pub groups: Vec<u32>,
    /// Home directory from the passwd entry.
    pub home: Option<String>,
}

/// A user or group that is neither a number nor in the image.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AccountError {
    /// No such user.
    #[error("Unable to find user `{0}`: no matching entry in the image's /etc/passwd")]
    User(String),
    /// No such group.
    #[error("Unable to find group `{0}`: no matching entry in the image's /etc/group")]
    Group(String),
}

/// Whether an environment says where home is: nothing says as much as no HOME (runc's `prepareEnv`).
pub(crate) fn has_home<S: AsRef<OsStr>>(env: &[(S, S)]) -> bool {
    env.iter().any(|(name, value)| name.as_ref() == "HOME" && !value.as_ref().is_empty())
}

struct User<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

fn users(passwd: &str) -> impl Iterator<Item = User<'_>> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|n| !n.is_empty())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(User { name, uid, gid, home: fields.nth(1).unwrap_or("") })
    })
}

/// Name, id and members.
fn groups(group: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|n| !n.is_empty())?;
        let gid = fields.nth(1)?.parse().ok()?;
        Some((name, gid, fields.next().unwrap_or("")))
    })
}

/// Answers who `spec` (`user`, `user:group`, numbers or names, empty = root) is, as Docker does: names must be known, numbers need
/// no entry; a number without entry has group 0; supplementary groups count only when no group is named.
///
/// # Errors
/// [`AccountError`] for an unknown name.
pub fn look_up(spec: &str, passwd: &str, group: &str) -> Result<Account, AccountError> {
    let (user_text, group_text) = match spec.split_once(':') {
        Some((user, group)) => (user, Some(group).filter(|g| !g.is_empty())),
        None => (spec, None),
    };
    let user_text = if user_text.is_empty() { "0" } else { user_text };
    let number = user_text.parse::<u32>().ok();
    // A number is an id, even where a name looks like it.
    let entry = users(passwd).find(|u| number.map_or(u.name == user_text, |number| u.uid == number));
    let (uid, primary, name) = match (&entry, number) {
        (Some(user), _) => (user.uid, user.gid, Some(user.name)),
        (None, Some(uid)) => (uid, 0, None),
        (None, None) => return Err(AccountError::User(user_text.to_owned())),
    };
    let home = entry.as_ref().map(|u| u.home).filter(|h| !h.is_empty()).map(str::to_owned);
    if let Some(group_text) = group_text {
        return Ok(Account { uid, gid: group_id(group_text, group)?, groups: Vec::new(), home });
    }
    let mut supplementary: Vec<u32> = groups(group)
        .filter(|(_, gid, members)| {
            *gid != primary && name.is_some_and(|n| members.split(',').any(|m| m == n))
        })
        .map(|(_, gid, _)| gid)
        .collect();
    supplementary.sort_unstable();
    supplementary.dedup();
    Ok(Account { uid, gid: primary, groups: supplementary, home })
}

/// Answers the id of a group given by name or number.
///
/// # Errors
/// [`AccountError::Group`] for an unknown name.
pub fn group_id(text: &str, group: &str) -> Result<u32, AccountError> {
    text.parse()
        .ok()
        .or_else(|| groups(group).find(|(name, _, _)| *name == text).map(|(_, gid, _)| gid))
        .ok_or_else(|| AccountError::Group(text.to_owned()))
}

/// Largest number that `--chown` takes for an id; BuildKit takes larger ones for names, and unknown names for root.
const LARGEST_OWNER: u32 = i32::MAX as u32;

/// Answers `--chown`'s question as BuildKit does: a user name alone brings its primary group, a number alone is group too,
/// an unknown user silently is 0, an unknown group leaves the user's own, and an empty one behind a `:` is 0.
pub fn owner(spec: &str, passwd: &str, group: &str) -> (u32, u32) {
    let (user_text, group_text) = match spec.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (spec, None),
    };
    let number = |text: &str| text.parse::<u32>().ok().filter(|n| *n <= LARGEST_OWNER);
    let (uid, primary) = match number(user_text) {
        Some(uid) => (uid, uid),
        None => users(passwd).find(|u| u.name == user_text).map_or((0, 0), |u| (u.uid, u.gid)),
    };
    let gid = match group_text {
        None => primary,
        Some("") => 0,
        Some(text) => number(text)
            .or_else(|| groups(group).find(|(name, _, _)| *name == text).map(|(_, gid, _)| gid))
            .unwrap_or(primary),
    };
    (uid, gid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\nbroken\n42:x:7:8:::\n";
    const GROUP: &str = "root:x:0:\nstaff:x:50:app,other\napp:x:1001:app\nwheel:x:10:app\n";

    #[test]
    fn names_numbers_and_groups() {
        let account = |spec| look_up(spec, PASSWD, GROUP);
        let app = Account { uid: 1000, gid: 1001, groups: vec![10, 50], home: Some("/home/app".to_owned()) };
        assert_eq!(account("app"), Ok(app.clone()));
        assert_eq!(account("1000"), Ok(app.clone()));
        assert_eq!(account("app:staff"), Ok(Account { gid: 50, groups: vec![], ..app.clone() }));
        assert_eq!(account("app:99"), Ok(Account { gid: 99, groups: vec![], ..app }));
        assert_eq!(account("").map(|a| (a.uid, a.gid, a.home)), Ok((0, 0, Some("/root".to_owned()))));
        assert_eq!(account("5:6").map(|a| (a.uid, a.gid)), Ok((5, 6)));
        assert_eq!(account("5").map(|a| (a.uid, a.gid, a.home)), Ok((5, 0, None)));
        assert_eq!(account("42").map(|a| (a.uid, a.gid)), Ok((42, 0)), "a number is no name");
        assert_eq!(account("nobody"), Err(AccountError::User("nobody".to_owned())));
        assert_eq!(account("app:nothing"), Err(AccountError::Group("nothing".to_owned())));
    }

    #[test]
    fn owners_of_copies_follow_buildkit() {
        for (spec, want) in [
            ("app", (1000, 1001)),
            ("1000", (1000, 1000)),
            ("app:staff", (1000, 50)),
            ("7:8", (7, 8)),
            ("unknown", (0, 0)),
            ("4294967295", (0, 0)),
            ("app:unknown", (1000, 1001)),
            ("7:unknown", (7, 7)),
            ("unknown:unknown", (0, 0)),
            ("app:", (1000, 0)),
            ("7:", (7, 0)),
            (":staff", (0, 50)),
        ] {
            assert_eq!(owner(spec, PASSWD, GROUP), want, "{spec}");
        }
    }
}
