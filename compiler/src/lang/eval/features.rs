//! Experimental features: what Nix hides behind switches.

use super::Evaluator;
use crate::lang::error::{EvalError, Result};

/// An experimental feature that evaluation asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Feature {
    /// BLAKE3 as a hash algorithm.
    Blake3Hashes,
    /// Derivations whose outputs are addressed by content.
    CaDerivations,
    /// Outputs that are derivations, and `outputOf`.
    DynamicDerivations,
    /// `fetchClosure`
    FetchClosure,
    /// `fetchTree`
    FetchTree,
    /// `getFlake` and flake references.
    Flakes,
    /// Git's tree objects as a hash of files.
    GitHashing,
    /// Derivations that may give something else each time.
    ImpureDerivations,
    /// `|>` and `<|`.
    PipeOperators,
    /// Dates and times in TOML.
    ParseTomlTimestamps,
    /// Git repositories whose commits are signed.
    VerifiedFetches,
}

impl Feature {
    /// All of them.
    pub const ALL: [Feature; 11] = [
        Feature::Blake3Hashes,
        Feature::CaDerivations,
        Feature::DynamicDerivations,
        Feature::FetchClosure,
        Feature::FetchTree,
        Feature::Flakes,
        Feature::GitHashing,
        Feature::ImpureDerivations,
        Feature::PipeOperators,
        Feature::ParseTomlTimestamps,
        Feature::VerifiedFetches,
    ];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Feature::Blake3Hashes => "blake3-hashes",
            Feature::CaDerivations => "ca-derivations",
            Feature::DynamicDerivations => "dynamic-derivations",
            Feature::FetchClosure => "fetch-closure",
            Feature::FetchTree => "fetch-tree",
            Feature::Flakes => "flakes",
            Feature::GitHashing => "git-hashing",
            Feature::ImpureDerivations => "impure-derivations",
            Feature::PipeOperators => "pipe-operators",
            Feature::ParseTomlTimestamps => "parse-toml-timestamps",
            Feature::VerifiedFetches => "verified-fetches",
        }
    }
}

/// Features of Nix that evaluation does not ask for.
const OTHERS: [&str; 11] = [
    "auto-allocate-uids",
    "cgroups",
    "configurable-impure-env",
    "daemon-trust-override",
    "external-builders",
    "local-overlay-store",
    "mounted-ssh-store",
    "nix-command",
    "no-url-literals",
    "read-only-local-store",
    "recursive-nix",
];

/// Whether Nix has a feature of this name.
#[must_use]
pub fn is_feature(name: &str) -> bool {
    OTHERS.contains(&name) || Feature::ALL.iter().any(|feature| feature.name() == name)
}

/// The features that are on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Features(u32);

impl Features {
    /// Turns on the features in a list separated by blanks. Names that evaluation does not know are passed over.
    pub fn enable(&mut self, names: &str) {
        for name in names.split_whitespace() {
            for feature in Feature::ALL.into_iter().filter(|feature| feature.name() == name) {
                self.0 |= 1 << feature as u32;
            }
        }
    }

    /// Whether a feature is on. Flakes bring `fetch-tree` with them.
    #[must_use]
    pub fn has(self, feature: Feature) -> bool {
        let on = |feature: Feature| self.0 >> feature as u32 & 1 == 1;
        on(feature) || feature == Feature::FetchTree && on(Feature::Flakes)
    }

    /// Insists on a feature; `what` is said in parentheses unless it is empty.
    ///
    /// # Errors
    /// Nix's text, when it is off.
    pub fn require(self, feature: Feature, what: &str) -> std::result::Result<(), String> {
        if self.has(feature) {
            return Ok(());
        }
        let name = feature.name();
        let what = if what.is_empty() { String::new() } else { format!(" ({what})") };
        Err(format!(
            "experimental Nix feature '{name}' is disabled{what}; add '--extra-experimental-features {name}' to enable it"
        ))
    }
}

impl Evaluator<'_> {
    /// Insists on a feature; `what` is said in parentheses unless it is empty.
    ///
    /// # Errors
    /// When it is off.
    pub fn require(&self, feature: Feature, what: &str) -> Result<()> {
        self.options.features.require(feature, what).map_err(EvalError::new)
    }
}
