//! Profiles in Docker's JSON format (moby: profiles/seccomp).

use std::io;

use serde::Deserialize;

use super::{Action, Compare, Policy, Rule, numbers};
use crate::error::{LaunchError, Result};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    default_action: String,
    default_errno_ret: Option<u16>,
    #[serde(default)]
    syscalls: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    names: Vec<String>,
    /// The form of old profiles.
    name: Option<String>,
    action: String,
    errno_ret: Option<u16>,
    args: Option<Vec<Argument>>,
    #[serde(default)]
    includes: Filter,
    #[serde(default)]
    excludes: Filter,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Argument {
    index: u8,
    value: u64,
    #[serde(default)]
    value_two: u64,
    op: String,
}

/// What an entry depends on.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Filter {
    caps: Vec<String>,
    arches: Vec<String>,
    min_kernel: Option<String>,
}

/// Docker's name of this architecture.
const ARCHITECTURE: &str = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };

/// Reads a profile for a process with these capabilities. Names of calls that this architecture lacks are ignored,
/// as Docker does.
pub(super) fn parse(text: &str, capabilities: &[String]) -> Result<Policy> {
    let profile: Profile =
        serde_json::from_str(text).map_err(|error| invalid(&format!("it is not a profile: {error}")))?;
    let otherwise = action(&profile.default_action, profile.default_errno_ret)?;
    let release = kernel_release();
    let mut rules = Vec::new();
    for entry in &profile.syscalls {
        if !entry.applies(capabilities, &release) {
            continue;
        }
        let action = action(&entry.action, entry.errno_ret.or(profile.default_errno_ret))?;
        let alternatives = entry.alternatives()?;
        for number in entry.names.iter().chain(&entry.name).filter_map(|name| numbers::number(name)) {
            for conditions in &alternatives {
                rules.push(Rule { number, conditions: conditions.clone(), action });
            }
        }
    }
    Ok(Policy { rules, otherwise })
}

impl Entry {
    fn applies(&self, capabilities: &[String], release: &str) -> bool {
        let has = |name: &String| {
            let name = name.strip_prefix("CAP_").unwrap_or(name);
            capabilities.iter().any(|capability| capability == name)
        };
        let here = |name: &String| name == ARCHITECTURE;
        let (includes, excludes) = (&self.includes, &self.excludes);
        includes.caps.iter().all(has)
            && (includes.arches.is_empty() || includes.arches.iter().any(here))
            && includes.min_kernel.as_deref().is_none_or(|least| version(release) >= version(least))
            && !excludes.caps.iter().any(has)
            && !excludes.arches.iter().any(here)
            && excludes.min_kernel.as_deref().is_none_or(|least| version(release) < version(least))
    }

    /// Conditions on different arguments hold together; several on one argument are alternatives, as in runc.
    fn alternatives(&self) -> Result<Vec<Vec<(u8, Compare)>>> {
        let arguments = self.args.as_deref().unwrap_or_default();
        let conditions = arguments.iter().map(Argument::condition).collect::<Result<Vec<_>>>()?;
        let repeated = conditions
            .iter()
            .enumerate()
            .any(|(at, (index, _))| conditions.iter().skip(at + 1).any(|(other, _)| other == index));
        Ok(if repeated {
            conditions.into_iter().map(|condition| vec![condition]).collect()
        } else {
            vec![conditions]
        })
    }
}

impl Argument {
    fn condition(&self) -> Result<(u8, Compare)> {
        if self.index > 5 {
            return Err(invalid(&format!("a call has no argument {}", self.index)));
        }
        let compare = match self.op.as_str() {
            "SCMP_CMP_EQ" => Compare::Equal(self.value),
            "SCMP_CMP_NE" => Compare::NotEqual(self.value),
            "SCMP_CMP_GT" => Compare::Greater(self.value),
            "SCMP_CMP_GE" => Compare::GreaterOrEqual(self.value),
            "SCMP_CMP_LT" => Compare::Less(self.value),
            "SCMP_CMP_LE" => Compare::LessOrEqual(self.value),
            "SCMP_CMP_MASKED_EQ" => Compare::Masked(self.value, self.value_two),
            other => return Err(invalid(&format!("`{other}` is no comparison"))),
        };
        Ok((self.index, compare))
    }
}

fn action(name: &str, errno: Option<u16>) -> Result<Action> {
    let errno = errno.unwrap_or(libc::EPERM as u16);
    Ok(match name {
        "SCMP_ACT_ALLOW" => Action::Allow,
        "SCMP_ACT_ERRNO" => Action::Errno(errno),
        "SCMP_ACT_LOG" => Action::Log,
        "SCMP_ACT_TRACE" => Action::Trace(errno),
        "SCMP_ACT_TRAP" => Action::Trap,
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Action::KillThread,
        "SCMP_ACT_KILL_PROCESS" => Action::KillProcess,
        other => return Err(invalid(&format!("`{other}` is no action"))),
    })
}

fn invalid(why: &str) -> LaunchError {
    LaunchError::with_help(
        "Read the seccomp profile",
        io::Error::other(why.to_owned()),
        "Docker's documentation describes the format; `seccomp=unconfined` goes without a filter",
    )
}

/// Major and minor number.
fn version(release: &str) -> (u32, u32) {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn kernel_release() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, capabilities: &[&str]) -> Vec<Rule> {
        let capabilities: Vec<String> = capabilities.iter().map(|name| (*name).to_owned()).collect();
        parse(text, &capabilities).expect("a valid profile").rules
    }

    #[test]
    fn entries_depend_on_capabilities_and_kernel() {
        let text = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
            {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
            {"names": ["write"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "99.0"}},
            {"names": ["no_such_call"], "action": "SCMP_ACT_ALLOW", "args": null}
        ]}"#;
        assert_eq!(names(text, &[]).len(), 1);
        assert_eq!(names(text, &["SYS_ADMIN"]).len(), 2);
    }

    #[test]
    fn conditions_on_one_argument_are_alternatives() {
        let text = r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "syscalls": [
            {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [
                {"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}
        ]}"#;
        let rules = names(text, &[]);
        assert_eq!(rules.len(), 2);
        assert!(rules.iter().all(|rule| rule.conditions.len() == 1));
    }

    #[test]
    fn a_broken_profile_is_refused_with_the_reason() {
        for text in ["{", r#"{"defaultAction": "SCMP_ACT_DANCE"}"#] {
            assert!(parse(text, &[]).is_err());
        }
    }
}
