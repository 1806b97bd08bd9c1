//! Rules about FROM lines: names and platforms that depend on global ARGs.

use std::collections::BTreeSet;

use buildc_ir::{Platform, Reference, Span};

use super::{Edit, Lint, rule};
use crate::dockerfile::ast::From;
use crate::dockerfile::expand::Expansion;
use crate::dockerfile::{problem, quote};

impl Lint {
    /// Names in FROM that no global ARG declares.
    pub fn from_names(&mut self, span: Span, expansion: &Expansion, declared: &BTreeSet<&str>) {
        for name in expansion.unset.iter().filter(|name| !declared.contains(name.as_str())) {
            let hint = problem::nearest_variable(name, declared.iter().copied());
            let hint = hint.map_or_else(String::new, |best| format!(" (did you mean {best}?)"));
            self.find(
                rule::UNDEFINED_ARG_IN_FROM,
                span,
                format!("FROM argument '{name}' is not declared{hint}"),
            );
        }
    }

    /// The name that FROM has when nobody gives build arguments.
    pub fn default_base(&mut self, span: Span, from: &From, name: &str) {
        if name.parse::<Reference>().is_err() {
            let written = &from.base.text;
            let message =
                format!("Default value for ARG {written} results in empty or invalid base image name");
            self.find(rule::INVALID_DEFAULT_ARG_IN_FROM, span, message);
        }
    }

    /// `--platform` of FROM; `target` is the value of TARGETPLATFORM.
    pub fn from_platform(&mut self, span: Span, from: &From, expansion: &Expansion, target: Option<&str>) {
        let Some(written) = &from.platform else { return };
        let only_target = expansion.used == ["TARGETPLATFORM"] && expansion.unset.is_empty();
        if only_target && target == Some(expansion.text.as_str()) {
            let value = written.text.strip_prefix("--platform=").unwrap_or(&written.text);
            let message = format!(
                "Setting platform to predefined {value} in FROM is redundant as this is the default behavior"
            );
            // The flag goes with the blank behind it.
            let flag = Span { end: from.base.span.start, ..written.span };
            self.find_fixable(rule::REDUNDANT_TARGET_PLATFORM, span, message, vec![Edit::new(flag, "")]);
        }
        if expansion.used.is_empty() && expansion.unset.is_empty() {
            self.constant_platform(span, from, &expansion.text);
        }
    }

    fn constant_platform(&mut self, span: Span, from: &From, text: &str) {
        let Ok(platform) = text.parse::<Platform>() else { return };
        let name = from.name.as_ref().map_or("", |n| n.text.as_str());
        if !name.contains(&platform.os) && !name.contains(&platform.arch) {
            let message = format!("FROM --platform flag should not use constant value {}", quote::go(text));
            self.find(rule::FROM_PLATFORM_FLAG_CONST_DISALLOWED, span, message);
        }
    }

    /// The platform that an image has against the one that was wanted.
    pub fn base_platform(&mut self, span: Span, name: &str, wanted: &Platform, found: &Platform) {
        if (&wanted.os, &wanted.arch) != (&found.os, &found.arch) {
            let (found, wanted) = (quote::go(&found.to_string()), quote::go(&wanted.to_string()));
            let message = format!(
                "Base image {name} was pulled with platform {found}, expected {wanted} for current build"
            );
            self.find(rule::INVALID_BASE_IMAGE_PLATFORM, span, message);
        }
    }
}
