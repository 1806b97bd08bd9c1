//! The settings of Nix: their names, and what each of them is.
//!
//! Owns: which there are, in Nix 2.34. Never does: judge values ([`super::setting_values`]), or heed settings, which few of
//! them ask for ([`super::eval_settings`]).

/// What the value of a setting is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// True or false.
    Switch,
    /// A number of 32 bits, which may have a unit.
    Small,
    /// One of 64 bits.
    Large,
    /// One that may be negative.
    Signed,
    /// Words, or pairs of them.
    List,
    /// Names of stores.
    Stores,
    /// The name of a store.
    Store,
    /// An absolute path.
    Path,
    /// What is done about something that is discouraged.
    Lint,
    /// A number, or `auto`.
    Jobs,
    /// A switch that has a third place.
    Sandbox,
    /// A profiler's name.
    Profiler,
    /// Anything.
    Text,
    /// A switch that there is only with an experimental feature.
    GatedSwitch(&'static str),
    /// Anything, only with an experimental feature.
    GatedText(&'static str),
}

/// A setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setting {
    /// Its name of today.
    pub name: &'static str,
    pub kind: Kind,
    /// It was called by an earlier name.
    pub is_alias: bool,
}

impl Setting {
    /// Whether there is a second setting, `extra-` and this name, that adds to it.
    pub fn is_list(&self) -> bool {
        matches!(self.kind, Kind::List | Kind::Stores)
    }

    /// Whether its flag stands alone.
    pub fn is_switch(&self) -> bool {
        matches!(self.kind, Kind::Switch | Kind::Sandbox | Kind::GatedSwitch(_))
    }
}

/// The setting that has this name, or had it.
pub fn find(name: &str) -> Option<Setting> {
    let alias = ALIASES.iter().find(|(earlier, _)| *earlier == name);
    let name = alias.map_or(name, |(_, now)| now);
    let is_alias = alias.is_some();
    let special = SPECIAL.iter().find(|(special, _)| *special == name);
    if let Some((name, kind)) = special {
        return Some(Setting { name, kind: *kind, is_alias });
    }
    GROUPS.iter().find_map(|(kind, names)| {
        let at = names.binary_search(&name).ok()?;
        Some(Setting { name: names[at], kind: *kind, is_alias })
    })
}

/// The setting that a name means, and whether it adds to it.
pub fn find_or_extra(name: &str) -> Option<(Setting, bool)> {
    if let Some(setting) = find(name) {
        return Some((setting, false));
    }
    let setting = find(name.strip_prefix("extra-")?)?;
    setting.is_list().then_some((setting, true))
}

/// Settings whose names are alike in kind.
const GROUPS: &[(Kind, &[&str])] = &[
    (Kind::Switch, SWITCHES),
    (Kind::Small, SMALL),
    (Kind::Large, LARGE),
    (Kind::Signed, SIGNED),
    (Kind::List, LISTS),
    (Kind::Stores, STORES),
    (Kind::Path, PATHS),
    (Kind::Lint, LINTS),
    (Kind::Text, TEXTS),
];

const SPECIAL: &[(&str, Kind)] = &[
    ("accept-flake-config", Kind::GatedSwitch("flakes")),
    ("auto-allocate-uids", Kind::GatedSwitch("auto-allocate-uids")),
    ("commit-lock-file-summary", Kind::GatedText("flakes")),
    ("eval-profiler", Kind::Profiler),
    ("flake-registry", Kind::GatedText("flakes")),
    ("max-jobs", Kind::Jobs),
    ("sandbox", Kind::Sandbox),
    ("store", Kind::Store),
    ("use-registries", Kind::GatedSwitch("flakes")),
];

const SWITCHES: &[&str] = &[
    "abort-on-warn",
    "allow-dirty",
    "allow-import-from-derivation",
    "allow-new-privileges",
    "allow-symlinked-store",
    "allow-unsafe-native-code-during-evaluation",
    "always-allow-substitutes",
    "auto-optimise-store",
    "builders-use-substitutes",
    "compress-build-log",
    "debugger-on-trace",
    "debugger-on-warn",
    "eval-cache",
    "fallback",
    "filter-syscalls",
    "fsync-metadata",
    "fsync-store-paths",
    "http2",
    "ignore-try",
    "impersonate-linux-26",
    "keep-build-log",
    "keep-derivations",
    "keep-env-derivations",
    "keep-failed",
    "keep-going",
    "keep-outputs",
    "nix-shell-always-looks-for-shell-nix",
    "nix-shell-shebang-arguments-relative-to-script",
    "preallocate-contents",
    "print-missing",
    "pure-eval",
    "require-drop-supplementary-groups",
    "require-sigs",
    "restrict-eval",
    "run-diff-hook",
    "sandbox-fallback",
    "show-trace",
    "substitute",
    "sync-before-registering",
    "trace-function-calls",
    "trace-import-from-derivation",
    "trace-verbose",
    "trust-tarballs-from-git-forges",
    "use-case-hack",
    "use-cgroups",
    "use-sqlite-wal",
    "use-xdg-base-directories",
    "warn-dirty",
    "warn-short-path-literals",
];

const SMALL: &[&str] = &[
    "build-poll-interval",
    "cores",
    "download-attempts",
    "download-speed",
    "eval-attrset-update-layer-rhs-threshold",
    "eval-profiler-frequency",
    "id-count",
    "max-call-depth",
    "max-substitution-jobs",
    "narinfo-cache-meta-ttl",
    "narinfo-cache-negative-ttl",
    "narinfo-cache-positive-ttl",
    "start-id",
    "tarball-ttl",
];

const LARGE: &[&str] = &[
    "connect-timeout",
    "download-buffer-size",
    "gc-reserved-space",
    "http-connections",
    "log-lines",
    "max-build-log-size",
    "max-free",
    "min-free",
    "min-free-check-interval",
    "nar-buffer-size",
    "stalled-download-timeout",
    "warn-large-path-threshold",
];

const SIGNED: &[&str] = &["max-silent-time", "timeout"];

const LISTS: &[&str] = &[
    "access-tokens",
    "allowed-uris",
    "allowed-users",
    "build-hook",
    "experimental-features",
    "extra-platforms",
    "hashed-mirrors",
    "ignored-acls",
    "nix-path",
    "sandbox-paths",
    "secret-key-files",
    "system-features",
    "trusted-public-keys",
    "trusted-users",
];

const STORES: &[&str] = &["substituters", "trusted-substituters"];

const PATHS: &[&str] =
    &["build-dir", "diff-hook", "json-log-path", "netrc-file", "sandbox-build-dir", "ssl-cert-file"];

const LINTS: &[&str] = &["lint-absolute-path-literals", "lint-short-path-literals", "lint-url-literals"];

const TEXTS: &[&str] = &[
    "allowed-impure-host-deps",
    "bash-prompt",
    "bash-prompt-prefix",
    "bash-prompt-suffix",
    "build-users-group",
    "builders",
    "eval-profile-file",
    "eval-system",
    "external-builders",
    "plugin-files",
    "post-build-hook",
    "pre-build-hook",
    "sandbox-dev-shm-size",
    "system",
    "upgrade-nix-store-path-url",
    "user-agent-suffix",
];

/// Earlier names.
const ALIASES: &[(&str, &str)] = &[
    ("binary-cache-public-keys", "trusted-public-keys"),
    ("binary-caches", "substituters"),
    ("binary-caches-parallel-connections", "http-connections"),
    ("build-chroot-dirs", "sandbox-paths"),
    ("build-compress-log", "compress-build-log"),
    ("build-cores", "cores"),
    ("build-fallback", "fallback"),
    ("build-impersonate-linux-26", "impersonate-linux-26"),
    ("build-keep-log", "keep-build-log"),
    ("build-max-jobs", "max-jobs"),
    ("build-max-log-size", "max-build-log-size"),
    ("build-max-silent-time", "max-silent-time"),
    ("build-sandbox-paths", "sandbox-paths"),
    ("build-timeout", "timeout"),
    ("build-use-chroot", "sandbox"),
    ("build-use-sandbox", "sandbox"),
    ("build-use-substitutes", "substitute"),
    ("commit-lockfile-summary", "commit-lock-file-summary"),
    ("env-keep-derivations", "keep-env-derivations"),
    ("gc-keep-derivations", "keep-derivations"),
    ("gc-keep-outputs", "keep-outputs"),
    ("trusted-binary-caches", "trusted-substituters"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_known_by_their_names_and_lists_can_be_added_to() {
        assert!(GROUPS.iter().all(|(_, names)| names.is_sorted()));
        for name in
            ["restrict-eval", "extra-experimental-features", "substituters", "max-jobs", "build-cores"]
        {
            assert!(find_or_extra(name).is_some(), "{name}");
        }
        for name in ["nope", "extra-max-jobs", "extra-nope", "extra-", ""] {
            assert!(find_or_extra(name).is_none(), "{name}");
        }
        assert!(ALIASES.iter().all(|(earlier, now)| find(earlier).is_some_and(|it| it.name == *now)));
    }
}
