//! `/etc/passwd` and `/etc/group` of an image: whom a name or number means.

use buildc_store::{StoreError, TreeView};

/// Largest passwd or group file that is read.
const LIMIT_BYTES: u64 = 16 << 20;
/// Numbers above this are names, as in BuildKit.
const MAX_ID: u32 = i32::MAX as u32;

/// Both files; empty where the image has none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Accounts {
    users: Vec<User>,
    groups: Vec<Group>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct User {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Group {
    name: String,
    gid: u32,
    members: Vec<String>,
}

/// Whom a process runs as.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Identity {
    pub uid: u32,
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    pub home: String,
}

/// A name that the image does not know.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum UnknownAccount {
    #[error("User `{0}` is not in /etc/passwd of the image")]
    User(String),
    #[error("Group `{0}` is not in /etc/group of the image")]
    Group(String),
}

impl Accounts {
    /// Reads both files of a tree.
    pub(crate) fn read(view: &TreeView) -> Result<Self, StoreError> {
        let text = |path: &[u8]| -> Result<String, StoreError> {
            let bytes = view.read_file(path, LIMIT_BYTES)?.unwrap_or_default();
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        Ok(Self::parse(&text(b"etc/passwd")?, &text(b"etc/group")?))
    }

    /// Reads the text forms; lines that are malformed are skipped, as libc does.
    pub(crate) fn parse(passwd: &str, group: &str) -> Self {
        let users = passwd.lines().filter_map(|line| {
            let f: Vec<&str> = line.split(':').collect();
            let home = f.get(5).copied().unwrap_or_default().to_owned();
            Some(User { name: (*f.first()?).to_owned(), uid: f.get(2)?.parse().ok()?, gid: f.get(3)?.parse().ok()?, home })
        });
        let groups = group.lines().filter_map(|line| {
            let f: Vec<&str> = line.split(':').collect();
            let members = f.get(3).copied().unwrap_or_default();
            let members = members.split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect();
            Some(Group { name: (*f.first()?).to_owned(), gid: f.get(2)?.parse().ok()?, members })
        });
        Self { users: users.collect(), groups: groups.collect() }
    }

    /// Whom `user[:group]` means for a process: names must be known, numbers need no file; without a group the user's
    /// own and the supplementary ones.
    pub(crate) fn identity(&self, text: &str) -> Result<Identity, UnknownAccount> {
        let (user, group) = split(text);
        let known = self.user(user);
        let (uid, gid, home) = match (known, number(user)) {
            (Some(u), _) => (u.uid, u.gid, u.home.clone()),
            (None, Some(uid)) => (uid, 0, String::new()),
            (None, None) if user.is_empty() => (0, 0, String::new()),
            (None, None) => return Err(UnknownAccount::User(user.to_owned())),
        };
        let home = if home.is_empty() { "/".to_owned() } else { home };
        if let Some(group) = group {
            let gid = self.group(group).or(number(group)).ok_or_else(|| UnknownAccount::Group(group.to_owned()))?;
            return Ok(Identity { uid, gid, groups: Vec::new(), home });
        }
        let name = known.map(|u| u.name.as_str());
        let is_member = |g: &&Group| name.is_some_and(|n| g.members.iter().any(|m| m == n));
        let mut groups: Vec<u32> = self.groups.iter().filter(is_member).map(|g| g.gid).collect();
        groups.dedup();
        Ok(Identity { uid, gid, groups, home })
    }

    fn user(&self, text: &str) -> Option<&User> {
        let wanted = if text.is_empty() { "root" } else { text };
        let id = number(wanted);
        self.users.iter().find(|u| u.name == wanted).or_else(|| self.users.iter().find(|u| Some(u.uid) == id))
    }

    fn group(&self, text: &str) -> Option<u32> {
        self.groups.iter().find(|g| g.name == text).map(|g| g.gid)
    }

    /// Whom `--chown=user[:group]` means: a number alone is its own group, a user alone brings its primary group, an
    /// unknown name is 0 (BuildKit).
    pub(crate) fn owner(&self, text: &str) -> (u32, u32) {
        let (user, group) = split(text);
        let named = || self.users.iter().find(|u| u.name == user).map_or((0, 0), |u| (u.uid, u.gid));
        let (uid, own) = number(user).map_or_else(named, |n| (n, n));
        let gid = match group {
            None => own,
            Some(group) => number(group).or_else(|| self.group(group)).unwrap_or(0),
        };
        (uid, gid)
    }
}

/// True when an owner can be understood without any file.
pub(crate) fn is_numeric(text: &str) -> bool {
    let (user, group) = split(text);
    number(user).is_some() && group.is_none_or(|g| number(g).is_some())
}

fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((user, "")) => (user, None),
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && *n <= MAX_ID)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts::parse(
            "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:,,,:/home/app:/bin/sh\nbroken\n",
            "root:x:0:\napp:x:1001:\naudio:x:29:app,root\nvideo:x:44:app\n",
        )
    }

    #[test]
    fn a_process_runs_as_the_user_of_the_image() {
        let a = accounts();
        let app = a.identity("app").unwrap();
        assert_eq!((app.uid, app.gid, app.home.as_str()), (1000, 1001, "/home/app"));
        assert_eq!(app.groups, [29, 44]);
        assert_eq!(a.identity("1000").unwrap(), app);
        assert_eq!(a.identity("").unwrap().home, "/root");
        let other = a.identity("7").unwrap();
        assert_eq!((other.uid, other.gid, other.home.as_str()), (7, 0, "/"));
        let both = a.identity("app:video").unwrap();
        assert_eq!((both.gid, both.groups.len()), (44, 0));
        assert_eq!(a.identity("7:8").unwrap().gid, 8);
        assert_eq!(a.identity("nobody"), Err(UnknownAccount::User("nobody".into())));
        assert_eq!(a.identity("app:none"), Err(UnknownAccount::Group("none".into())));
    }

    #[test]
    fn chown_reads_names_as_buildkit_does() {
        let a = accounts();
        for (text, want) in [
            ("app", (1000, 1001)),
            ("app:audio", (1000, 29)),
            ("55", (55, 55)),
            ("55:66", (55, 66)),
            ("app:", (1000, 1001)),
            ("unknown", (0, 0)),
            ("4294967295", (0, 0)),
            ("1:unknown", (1, 0)),
        ] {
            assert_eq!(a.owner(text), want, "{text}");
        }
        assert!(is_numeric("1:2") && is_numeric("3") && !is_numeric("a") && !is_numeric("1:a"));
    }
}
