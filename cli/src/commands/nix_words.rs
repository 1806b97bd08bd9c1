//! The command line of `nix-instantiate`, for `buildc eval --eval`: read as Nix reads it, and said again as `buildc eval`
//! takes it.
//!
//! Owns: which flags Nix has, the order in which they count, and Nix's words where they are wrong. A setting becomes
//! `--option NAME VALUE`, whether a flag or NIX_CONFIG makes it. Never does: heed flags or settings.

use std::collections::VecDeque;
use std::ffi::OsString;

use super::setting_config;
use super::setting_names::{Kind, Setting, find, find_or_extra};
use super::setting_values::{Refusal, check, check_number, check_store};
use crate::output::warn;

/// Why a command line is not run.
#[derive(Debug)]
pub enum Stop {
    /// It asks for the version.
    Version,
    /// It is wrong.
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Refused(refusal)
    }
}

/// The words after `eval` or `repl` as these take them; `NIX_CONFIG` is heeded where programs may see the environment.
///
/// # Errors
/// When Nix would not take them, or NIX_CONFIG is not well formed.
pub fn for_clap(words: Vec<OsString>, stands_in: bool) -> Result<Vec<OsString>, Stop> {
    if !stands_in && !words.iter().any(|word| word == "--impure") {
        return Ok(words);
    }
    let mut said = Words::default();
    for (name, value) in setting_config::of_environment()? {
        if said.is_open(&name) {
            check(&name, &value)?;
            said.option(&name, &value);
        }
    }
    if !stands_in {
        return Ok(said.out.into_iter().map(OsString::from).chain(words).collect());
    }
    // What is not text no flag is made of, and clap says so.
    let texts: Option<VecDeque<String>> = words.iter().map(|word| word.to_str().map(str::to_owned)).collect();
    let Some(texts) = texts else { return Ok(words) };
    said.read(texts)?;
    if !said.out.iter().any(|word| word == "--eval") {
        said.out.push("--eval".to_owned());
    }
    said.out.push("--".to_owned());
    Ok(said.out.into_iter().chain(said.sources).map(OsString::from).collect())
}

/// Whether a word is one of those that mean Nix's own ways: it says what `nix-instantiate` is to do.
pub fn stands_in(word: &OsString) -> bool {
    ["--eval", "--eval-only", "--parse", "--parse-only", "--find-file", "--version"]
        .iter()
        .any(|own| word == own)
}

/// What was read so far.
#[derive(Default)]
struct Words {
    out: Vec<String>,
    sources: Vec<String>,
    /// Experimental features that were switched on.
    features: String,
}

/// The values of a flag.
type Values = Vec<String>;

impl Words {
    fn read(&mut self, mut words: VecDeque<String>) -> Result<(), Stop> {
        let mut only_own = false;
        while let Some(word) = words.pop_front() {
            let word = if only_own { word } else { split(word, &mut words) };
            match word.as_str() {
                "--" if !only_own => only_own = true,
                flag if flag.len() > 1 && flag.starts_with('-') => {
                    let is_common =
                        !only_own && (self.common(flag, &mut words)? || self.buildc(flag, &mut words)?);
                    if !is_common && !self.own(flag, &mut words)? {
                        let what = if only_own { "unexpected argument" } else { "unrecognised flag" };
                        return Err(Refusal::usage(format!("{what} '{flag}'")).into());
                    }
                }
                _ => self.sources.push(word),
            }
        }
        Ok(())
    }

    /// Flags of all of Nix's commands.
    fn common(&mut self, flag: &str, words: &mut VecDeque<String>) -> Result<bool, Refusal> {
        let mut take = |count| values(flag, count, words);
        match flag {
            "-v" | "--verbose" | "--quiet" | "--readonly-mode" => self.say(&[flag]),
            "--debug" => self.say(&["-v", "-v", "-v"]),
            "-Q" | "--no-build-output" | "--no-gc-warning" | "--repair" => {}
            "-K" | "-k" => {}
            "--impure" => self.option("pure-eval", "false"),
            "--option" => {
                let values = take(2)?;
                self.set(&values[0], &values[1])?;
            }
            "--log-format" => {
                let values = take(1)?;
                if !["raw", "raw-with-logs", "internal-json", "bar", "bar-with-logs"].contains(&&*values[0]) {
                    let text = format!("option 'log-format' has an invalid value '{}'", values[0]);
                    return Err(Refusal::plain(text));
                }
                self.say_value(flag, &values[0]);
            }
            "-j" => check("max-jobs", &take(1)?[0])?,
            "--cores" | "--max-silent-time" | "--timeout" => check_number(&take(1)?[0])?,
            "--store" | "--eval-store" => check_store(&take(1)?[0])?,
            "--arg" | "--argstr" | "--arg-from-file" => {
                let values = take(2)?;
                self.say(&[flag, &values[0], &values[1]]);
            }
            "--arg-from-stdin" => {
                let values = take(1)?;
                self.say_value(flag, &values[0]);
            }
            "--override-flake" => drop(take(2)?),
            "-I" | "--include" => {
                let values = take(1)?;
                self.say_value("--include", &values[0]);
            }
            _ => return self.setting(flag, words),
        }
        Ok(true)
    }

    /// A flag that is a setting.
    fn setting(&mut self, flag: &str, words: &mut VecDeque<String>) -> Result<bool, Refusal> {
        let Some(name) = flag.strip_prefix("--") else { return Ok(false) };
        let off = name.strip_prefix("no-").and_then(find).filter(|it| it.is_switch() && !it.is_alias);
        if let Some(setting) = off.filter(|_| find(name).is_none()) {
            self.gate(setting)?;
            self.option(setting.name, "false");
            return Ok(true);
        }
        let Some((setting, adds)) = find_or_extra(name) else { return Ok(false) };
        if adds && setting.is_alias {
            return Ok(false);
        }
        if setting.is_switch() {
            self.gate(setting)?;
            self.option(setting.name, "true");
            return Ok(true);
        }
        let values = values(flag, 1, words)?;
        if self.is_open(name) {
            check(name, &values[0])?;
            self.option(name, &values[0]);
        }
        Ok(true)
    }

    /// Flags of `nix-instantiate` alone.
    fn own(&mut self, flag: &str, words: &mut VecDeque<String>) -> Result<bool, Stop> {
        let mut value =
            || words.pop_front().ok_or_else(|| Refusal::usage(format!("'{flag}' requires an argument")));
        match flag {
            "--version" => return Err(Stop::Version),
            "--help" | "--strict" | "--raw" | "--xml" | "--json" | "--no-location" | "--find-file" => {
                self.say(&[flag]);
            }
            "-E" | "--expr" => self.say(&["--expr"]),
            "--eval" | "--eval-only" => self.say(&["--eval"]),
            "--parse" | "--parse-only" => self.say(&["--parse"]),
            "-A" | "--attr" => {
                let value = value()?;
                self.say_value("--attr", &value);
            }
            "--add-root" => drop(value()?),
            "--indirect" | "--dry-run" => {}
            "--read-write-mode" => self.say(&[flag]),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Flags of buildc that Nix does not have; unlike Nix's they may have their value behind an equals sign.
    fn buildc(&mut self, flag: &str, words: &mut VecDeque<String>) -> Result<bool, Refusal> {
        let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
        if !["--root", "--color", "--store-dir", "--memory-limit"].contains(&name) {
            return Ok(false);
        }
        match value {
            Some(value) => self.say_value(name, value),
            None => {
                let values = values(flag, 1, words)?;
                self.say_value(name, &values[0]);
            }
        }
        Ok(true)
    }

    /// `--option`, of which values that are wrong only warn.
    fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        if !self.is_open(name) {
            return Ok(());
        }
        match check(name, value) {
            Err(refusal) if refusal.is_usage => warn(&refusal.text),
            other => {
                other?;
                self.option(name, value);
            }
        }
        Ok(())
    }

    /// Whether a setting's experimental feature is on, if it has one; it warns if not.
    fn is_open(&self, name: &str) -> bool {
        let Some(setting) = find(name) else { return true };
        let (Kind::GatedSwitch(feature) | Kind::GatedText(feature)) = setting.kind else { return true };
        let is_on = self.features.split_whitespace().any(|on| on == feature);
        if !is_on {
            let (name, why) = (setting.name, "is not enabled");
            warn(&format!("Ignoring setting '{name}' because experimental feature '{feature}' {why}"));
        }
        is_on
    }

    /// The same for a flag that stands alone.
    fn gate(&self, setting: Setting) -> Result<(), Refusal> {
        match setting.kind {
            Kind::GatedSwitch(feature) if !self.features.split_whitespace().any(|on| on == feature) => {
                let text = format!(
                    "experimental Nix feature '{feature}' is disabled; add '--extra-experimental-features {feature}' to enable it"
                );
                Err(Refusal::plain(text))
            }
            _ => Ok(()),
        }
    }

    fn option(&mut self, name: &str, value: &str) {
        match name {
            "experimental-features" => value.clone_into(&mut self.features),
            "extra-experimental-features" => self.features = format!("{} {value}", self.features),
            _ => {}
        }
        self.say(&["--option", name, value]);
    }

    fn say(&mut self, words: &[&str]) {
        self.out.extend(words.iter().map(|word| (*word).to_owned()));
    }

    /// A flag and its value, which may begin as a flag does.
    fn say_value(&mut self, flag: &str, value: &str) {
        self.out.push(format!("{flag}={value}"));
    }
}

/// Of `-vE1` the flag `-v`; `-E` and `1` are put in front of what follows.
fn split(word: String, words: &mut VecDeque<String>) -> String {
    let mut letters = word.chars();
    let (Some('-'), Some(first), true) = (letters.next(), letters.next(), word.len() > 2) else {
        return word;
    };
    if !first.is_ascii_alphabetic() {
        return word;
    }
    let rest = letters.as_str();
    let flags = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()).len();
    if flags < rest.len() {
        words.push_front(rest[flags..].to_owned());
    }
    rest[..flags].chars().rev().for_each(|letter| words.push_front(format!("-{letter}")));
    format!("-{first}")
}

fn values(flag: &str, count: usize, words: &mut VecDeque<String>) -> Result<Values, Refusal> {
    let given = words.len().min(count);
    if given < count {
        let text = format!("flag '{flag}' requires {count} argument(s), but only {given} were given");
        return Err(Refusal::usage(text));
    }
    Ok(words.drain(..count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<String, String> {
        let mut said = Words::default();
        let words = line.split(' ').map(str::to_owned).collect();
        match said.read(words) {
            Ok(()) => Ok([said.out.join(" "), said.sources.join(" ")].join(" | ")),
            Err(Stop::Refused(refusal)) => Err(refusal.text),
            Err(Stop::Version) => Err("version".to_owned()),
        }
    }

    #[test]
    fn flags_are_read_as_nix_reads_them() {
        for (line, wanted) in [
            ("--eval -vE1 -", "--eval -v --expr | 1 -"),
            ("-A -x f -I a=-b", "--attr=-x --include=a=-b | f"),
            ("--no-sandbox --cores 2k -j3 x", "--option sandbox false | x"),
            ("--restrict-eval --impure", "--option restrict-eval true --option pure-eval false | "),
            ("--extra-nix-path a=b -- -E 1", "--option extra-nix-path a=b --expr | 1"),
            ("--root=x --add-root --strict --strict", "--root=x --strict | "),
        ] {
            assert_eq!(read(line).as_deref(), Ok(wanted), "{line}");
        }
    }

    #[test]
    fn the_first_word_that_is_wrong_is_told() {
        for (line, wanted) in [
            ("--strict=1 --version", "unrecognised flag '--strict=1'"),
            ("--version --strict=1", "version"),
            ("--arg y", "flag '--arg' requires 2 argument(s), but only 1 were given"),
            ("-A", "'-A' requires an argument"),
            ("-qz", "unrecognised flag '-q'"),
            ("--no-strict", "unrecognised flag '--no-strict'"),
            ("--extra-max-jobs 1", "unrecognised flag '--extra-max-jobs'"),
            ("-- --colour", "unexpected argument '--colour'"),
            ("--timeout 1x", "invalid unit specifier 'X'"),
            ("--log-format x", "option 'log-format' has an invalid value 'x'"),
        ] {
            assert_eq!(read(line), Err(wanted.to_owned()), "{line}");
        }
    }
}
