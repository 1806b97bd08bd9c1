//! What a case is: its file, how it is called, what is expected of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a program answered, with the place of the cases replaced by `/pwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// The exit status; `None` when a signal ended the program.
    pub status: Option<i32>,
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file's name without its ending.
    pub name: String,
    /// The arguments of `nix-instantiate`, the file included.
    pub arguments: Vec<String>,
    /// What the program reads on its standard input, if anything.
    pub stdin: Option<PathBuf>,
    file: PathBuf,
}

/// Where programs run: the directory that holds `lang/`.
pub fn directory() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All cases, sorted by name.
///
/// # Errors
/// When a file cannot be read, or a file of the directory belongs to no case.
pub fn cases() -> io::Result<Vec<Case>> {
    let entries = fs::read_dir(directory().join("lang"))?.collect::<io::Result<Vec<_>>>()?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).filter(|p| !p.is_dir()).collect();
    paths.sort();
    for path in &paths {
        let owner = path.with_extension("").with_extension("nix");
        if path.extension().is_none_or(|e| e != "nix") && !owner.exists() {
            return Err(io::Error::other(format!("{} belongs to no case", path.display())));
        }
    }
    paths.retain(|p| p.extension().is_some_and(|e| e == "nix"));
    paths.into_iter().map(Case::load).collect()
}

impl Case {
    fn load(file: PathBuf) -> io::Result<Self> {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let known = ["parse-okay-", "parse-fail-", "eval-okay-", "eval-fail-"];
        if !known.iter().any(|kind| name.starts_with(kind)) {
            return Err(io::Error::other(format!("{} is of no known kind", file.display())));
        }
        let flags = match fs::read_to_string(file.with_extension("flags")) {
            Ok(text) => words(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => words(usual_flags(&name)),
            Err(error) => return Err(error),
        };
        let from_stdin = name.starts_with("parse-fail-");
        let last = if from_stdin { "-".to_owned() } else { format!("lang/{name}.nix") };
        let arguments = flags.into_iter().chain([last]).collect();
        Ok(Self { name, arguments, stdin: from_stdin.then(|| file.clone()), file })
    }

    /// Whether the program must say no.
    pub fn fails(&self) -> bool {
        self.name.contains("-fail-")
    }

    /// What is expected.
    ///
    /// # Errors
    /// When an expectation cannot be read, or the case has none at all.
    pub fn expected(&self) -> io::Result<Outcome> {
        let read = |ending: &str| match fs::read(self.file.with_extension(ending)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        };
        let (stdout, stderr) = (read("exp")?, read("err.exp")?);
        if stdout.is_none() && stderr.is_none() {
            return Err(io::Error::other("nothing is expected of this case"));
        }
        Ok(Outcome {
            stdout: stdout.unwrap_or_default(),
            stderr: stderr.unwrap_or_default(),
            status: Some(i32::from(self.fails())),
        })
    }

    /// Writes down what the reference program answered.
    ///
    /// # Errors
    /// When the answer is not of the case's kind (a failing case that passes), or a file cannot be written.
    pub fn expect(&self, outcome: &Outcome) -> io::Result<()> {
        if outcome.status != Some(i32::from(self.fails())) {
            return Err(io::Error::other(format!("the reference program answers {}", outcome.text())));
        }
        for (ending, text) in [("exp", &outcome.stdout), ("err.exp", &outcome.stderr)] {
            let path = self.file.with_extension(ending);
            if !text.is_empty() {
                fs::write(path, text)?;
            } else if path.exists() {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Compares an answer with what is expected.
    ///
    /// # Errors
    /// Both texts, when they differ.
    pub fn compare(&self, got: &Outcome) -> Result<(), String> {
        let expected = self.expected().map_err(|error| error.to_string())?;
        if expected == *got {
            return Ok(());
        }
        Err(format!("{:?}\n--- expected {}\n--- got {}", self.arguments, expected.text(), got.text()))
    }
}

impl Outcome {
    fn text(&self) -> String {
        let text = String::from_utf8_lossy;
        format!("status {:?}\n{}{}", self.status, text(&self.stdout), text(&self.stderr))
    }
}

fn usual_flags(name: &str) -> &'static str {
    if name.starts_with("parse-") {
        "--parse"
    } else if name.starts_with("eval-okay-") {
        "--eval --strict"
    } else {
        "--eval --strict --show-trace"
    }
}

/// Splits flags at white space; double quotes keep words together and a backslash keeps the next character as it is.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
