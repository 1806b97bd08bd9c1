//! The settings that NIX_CONFIG makes.
//!
//! Owns: the form of Nix's configuration files. Never does: judge values, or heed settings.

use std::path::{Path, PathBuf};

use super::setting_values::Refusal;

/// Files that may be included; those that include each other would go on for ever.
const MOST_FILES: usize = 64;

/// The settings of the environment in their order, those first that switch experimental features on.
///
/// # Errors
/// When a line is not well formed, or a file that is included does not exist.
pub fn of_environment() -> Result<Vec<(String, String)>, Refusal> {
    let mut found = Found::default();
    if let Some(text) = std::env::var_os("NIX_CONFIG") {
        found.read(&text.to_string_lossy(), Path::new("NIX_CONFIG"))?;
    }
    let mut settings = found.settings;
    settings.sort_by_key(|(name, _)| name.strip_prefix("extra-").unwrap_or(name) != "experimental-features");
    Ok(settings)
}

/// What was read so far.
#[derive(Default)]
struct Found {
    settings: Vec<(String, String)>,
    /// Files that were included.
    files: usize,
}

impl Found {
    /// Adds what a text says that is said to lie in `place`.
    fn read(&mut self, text: &str, place: &Path) -> Result<(), Refusal> {
        for line in text.split('\n') {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = line.split([' ', '\t', '\r']).filter(|word| !word.is_empty()).collect();
            match words[..] {
                [] => {}
                ["include" | "!include", file] => {
                    let file = place.parent().unwrap_or(Path::new("")).join(file);
                    self.include(&file, place, words[0] == "include")?;
                }
                [name, "=", ref value @ ..] if name != "include" && name != "!include" => {
                    self.settings.push((name.to_owned(), value.join(" ")));
                }
                _ => {
                    let place = place.display();
                    let text = format!("syntax error in configuration line '{line}' in \"{place}\"");
                    return Err(Refusal::usage(text));
                }
            }
        }
        Ok(())
    }

    fn include(&mut self, file: &Path, place: &Path, is_needed: bool) -> Result<(), Refusal> {
        let file: PathBuf = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        if !file.exists() {
            if !is_needed {
                return Ok(());
            }
            let (file, place) = (file.display(), place.display());
            return Err(Refusal::plain(format!("file \"{file}\" included from \"{place}\" not found")));
        }
        self.files += 1;
        if self.files > MOST_FILES {
            let file = file.display();
            let text = format!("file \"{file}\" is one more than the {MOST_FILES} that may be included");
            return Err(Refusal::plain(text));
        }
        // As for Nix, one that cannot be read says nothing.
        match std::fs::read(&file) {
            Ok(bytes) => self.read(&String::from_utf8_lossy(&bytes), &file),
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<Vec<(String, String)>, String> {
        let mut found = Found::default();
        found.read(text, Path::new("NIX_CONFIG")).map_err(|refusal| refusal.text)?;
        Ok(found.settings)
    }

    #[test]
    fn lines_are_words_around_an_equals_sign() {
        let found = settings("a = 1  2 # x\n\n\t# y\nb =\n!include /nowhere").expect("well formed");
        assert_eq!(found, [("a".to_owned(), "1 2".to_owned()), ("b".to_owned(), String::new())]);
        for line in ["zz=2", "zz", " = 2", "include", "!include a b", "include = x"] {
            let wanted = format!("syntax error in configuration line '{line}' in \"NIX_CONFIG\"");
            assert_eq!(settings(line), Err(wanted));
        }
        assert_eq!(
            settings("include /nowhere"),
            Err("file \"/nowhere\" included from \"NIX_CONFIG\" not found".to_owned())
        );
    }

    #[test]
    fn files_that_include_themselves_end() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("twice");
        std::fs::write(&file, "include twice\ninclude twice\n").expect("written");
        let refusal = settings(&format!("include {}", file.display()));
        assert!(refusal.is_err_and(|text| text.ends_with("is one more than the 64 that may be included")));
    }
}
