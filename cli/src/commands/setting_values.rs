//! What Nix says of the value of a setting.
//!
//! Owns: which values there are of each kind, and the words about others. Never does: put settings into effect.

use super::setting_names::{Kind, Setting, find_or_extra};

/// Why a word of Nix's command line or configuration is not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The fact, without `error:`.
    pub text: String,
    /// Nix points to its help.
    pub is_usage: bool,
}

impl Refusal {
    /// One that Nix points to its help for.
    pub fn usage(text: impl Into<String>) -> Self {
        Refusal { text: text.into(), is_usage: true }
    }

    /// One that it does not.
    pub fn plain(text: impl Into<String>) -> Self {
        Refusal { text: text.into(), is_usage: false }
    }
}

/// Whether a setting may have a value; of a name that there is no setting of nothing is said here.
///
/// # Errors
/// Nix's words when it may not.
pub fn check(name: &str, value: &str) -> Result<(), Refusal> {
    find_or_extra(name).map_or(Ok(()), |(setting, _)| judge(setting, value))
}

fn judge(setting: Setting, value: &str) -> Result<(), Refusal> {
    let Setting { name, kind, .. } = setting;
    let invalid = || Refusal::usage(format!("option '{name}' has invalid value '{value}'"));
    let number = |most: u64| match number(value) {
        Some(number) if number <= most => Ok(()),
        _ => Err(Refusal::usage(format!("setting '{name}' has invalid value '{value}'"))),
    };
    match kind {
        Kind::Switch | Kind::GatedSwitch(_) => match switch(value) {
            Some(_) => Ok(()),
            None => Err(Refusal::usage(format!("Boolean setting '{name}' has invalid value '{value}'"))),
        },
        Kind::Small => number(u32::MAX.into()),
        Kind::Large => number(u64::MAX),
        Kind::Signed if value.starts_with('-') && value.parse::<i64>().is_ok() => Ok(()),
        Kind::Signed => number(i64::MAX as u64),
        Kind::Lint if !["ignore", "warn", "fatal"].contains(&value) => {
            let text = format!(
                "option '{name}' has invalid value '{value}' (expected 'ignore', 'warn', or 'fatal')"
            );
            Err(Refusal::usage(text))
        }
        Kind::Jobs if value != "auto" && value.parse::<u32>().is_err() => {
            let text = format!("configuration setting '{name}' should be 'auto' or an integer");
            Err(Refusal::usage(text))
        }
        Kind::Sandbox if !["true", "false", "relaxed"].contains(&value) => Err(invalid()),
        Kind::Profiler if !["disabled", "flamegraph"].contains(&value) => Err(invalid()),
        Kind::Path if !value.starts_with('/') && !value.is_empty() => {
            Err(Refusal::plain(format!("not an absolute path: \"{value}\"")))
        }
        Kind::Store => check_store(value),
        Kind::Stores => value.split_whitespace().try_for_each(check_store),
        _ => Ok(()),
    }
}

/// Whether a name may be one of a store.
///
/// # Errors
/// Nix's words when it may not.
pub fn check_store(name: &str) -> Result<(), Refusal> {
    if name.contains('/') || ["", "auto", "daemon", "local"].contains(&name) {
        return Ok(());
    }
    Err(Refusal::usage(format!("Cannot parse Nix store '{name}'")))
}

/// What a switch is set to.
pub fn switch(value: &str) -> Option<bool> {
    match value {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// A number that may have one of the units K, M, G and T.
pub fn number(value: &str) -> Option<u64> {
    let (digits, unit) = match value.chars().next_back()?.to_ascii_uppercase() {
        'K' => (&value[..value.len() - 1], 1 << 10),
        'M' => (&value[..value.len() - 1], 1 << 20),
        'G' => (&value[..value.len() - 1], 1 << 30),
        'T' => (&value[..value.len() - 1], 1 << 40),
        _ => (value, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// Whether the value of a flag that is a number of its own can be read.
///
/// # Errors
/// Nix's words when it cannot.
pub fn check_number(value: &str) -> Result<(), Refusal> {
    match value.chars().next_back().map(|last| last.to_ascii_uppercase()) {
        Some(unit) if unit.is_ascii_alphabetic() && !"KMGT".contains(unit) => {
            Err(Refusal::usage(format!("invalid unit specifier '{unit}'")))
        }
        _ if number(value).is_some() => Ok(()),
        Some('K' | 'M' | 'G' | 'T') => {
            Err(Refusal::usage(format!("'{}' is not an integer", &value[..value.len() - 1])))
        }
        _ => Err(Refusal::usage(format!("'{value}' is not an integer"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_judged_by_the_kind_of_the_setting() {
        let said = |name: &str, value: &str| check(name, value).err().map(|refusal| refusal.text);
        for (name, value) in [
            ("max-call-depth", "2K"),
            ("timeout", "-1"),
            ("sandbox", "relaxed"),
            ("store", "ssh://a"),
            ("extra-substituters", "auto https://b"),
            ("max-jobs", "auto"),
            ("nope", "x"),
        ] {
            assert_eq!(said(name, value), None, "{name}");
        }
        let wanted = "setting 'cores' has invalid value '5000000000'";
        assert_eq!(said("build-cores", "5000000000").as_deref(), Some(wanted));
        let wanted = "Boolean setting 'restrict-eval' has invalid value 'on'";
        assert_eq!(said("restrict-eval", "on").as_deref(), Some(wanted));
        assert_eq!(said("build-dir", "x").as_deref(), Some("not an absolute path: \"x\""));
        assert_eq!(said("substituters", "x").as_deref(), Some("Cannot parse Nix store 'x'"));
    }

    #[test]
    fn a_number_has_one_unit_at_most() {
        assert_eq!([number("12"), number("1k"), number("3T")], [Some(12), Some(1024), Some(3 << 40)]);
        assert!(
            [number(""), number("K"), number("1q"), number("-1"), number("+ 1")].iter().all(Option::is_none)
        );
    }
}
