//! Store paths: names, how they are derived from contents, and placeholders for those not yet known.
//!
//! Nothing here looks at a store; a path that is well-formed need not exist.

mod make;
#[cfg(test)]
mod tests;

use std::fmt;

use super::hash::encode_nix32;
pub use make::{
    FileMethod, References, fixed_output_path, output_name, output_path, output_placeholder, source_path,
    text_path, unknown_derivation_placeholder, unknown_output_placeholder,
};

/// Length of the hash part in base 32 digits.
pub const HASH_LENGTH: usize = 32;

/// The longest name.
pub const NAME_LIMIT: usize = 211;

/// Ending of the names of derivations.
pub const DERIVATION_ENDING: &[u8] = b".drv";

/// The directory of a store, `/nix/store` unless configured, without a slash at its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreDir(Box<[u8]>);

impl Default for StoreDir {
    fn default() -> Self {
        StoreDir(b"/nix/store".as_slice().into())
    }
}

impl StoreDir {
    /// The store at the absolute path `dir`.
    #[must_use]
    pub fn new(dir: &[u8]) -> StoreDir {
        let end = dir.iter().rposition(|b| *b != b'/').map_or(0, |at| at + 1);
        StoreDir(dir[..end].into())
    }

    /// The directory.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether `path` lies below the directory.
    #[must_use]
    pub fn contains(&self, path: &[u8]) -> bool {
        path.strip_prefix(&*self.0).is_some_and(|rest| rest.len() > 1 && rest[0] == b'/')
    }

    /// The absolute path of `path`.
    #[must_use]
    pub fn print(&self, path: &StorePath) -> Vec<u8> {
        [&self.0, b"/".as_slice(), &path.0].concat()
    }

    /// Appends the absolute path of `path` to a text.
    pub fn append(&self, path: &StorePath, text: &mut Vec<u8>) {
        text.reserve(self.0.len() + 1 + path.0.len());
        text.extend_from_slice(&self.0);
        text.push(b'/');
        text.extend_from_slice(&path.0);
    }

    /// Reads an absolute path directly below the directory. `path` must be in canonical form.
    ///
    /// # Errors
    /// [`StorePathError`].
    pub fn parse(&self, path: &[u8]) -> Result<StorePath, StorePathError> {
        let base = path.strip_prefix(&*self.0).and_then(|rest| rest.strip_prefix(b"/"));
        match base {
            Some(base) if !base.contains(&b'/') => StorePath::from_base_name(base),
            _ => Err(StorePathError::NotInStore(path.to_vec())),
        }
    }

    /// The store path at the beginning of a path in the store, and what follows it, beginning with a slash or empty.
    ///
    /// # Errors
    /// [`StorePathError`].
    pub fn split<'p>(&self, path: &'p [u8]) -> Result<(StorePath, &'p [u8]), StorePathError> {
        if !self.contains(path) {
            return Err(StorePathError::NotInStore(path.to_vec()));
        }
        let begin = self.0.len() + 1;
        let length = path[begin..].iter().position(|b| *b == b'/').unwrap_or(path.len() - begin);
        let (object, rest) = path.split_at(begin + length);
        Ok((self.parse(object)?, rest))
    }
}

/// The base name of a store object: 32 digits, one character (a dash) and a name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorePath(Box<[u8]>);

impl fmt::Debug for StorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl StorePath {
    /// Checks a base name.
    ///
    /// # Errors
    /// `StorePathError::Invalid`.
    pub fn from_base_name(base: &[u8]) -> Result<StorePath, StorePathError> {
        if base.len() < HASH_LENGTH + 1 {
            return Err(StorePathError::Short(base.to_vec()));
        }
        if let Some(other) = first_outside(&base[..HASH_LENGTH], DIGIT) {
            return Err(StorePathError::Digit(base.to_vec(), other));
        }
        // What stands where the dash belongs is not looked at.
        match check_name(&base[HASH_LENGTH + 1..]) {
            Ok(()) => Ok(StorePath(base.into())),
            Err(why) => Err(StorePathError::Name(base.to_vec(), why)),
        }
    }

    /// A path from its hash (20 bytes) and name.
    ///
    /// # Errors
    /// [`StorePathError::Name`].
    pub fn new(hash: &[u8], name: &[u8]) -> Result<StorePath, StorePathError> {
        let base = [encode_nix32(hash).as_bytes(), b"-", name].concat();
        match check_name(name) {
            Ok(()) => Ok(StorePath(base.into())),
            Err(why) => Err(StorePathError::Name(base, why)),
        }
    }

    /// The base name.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The digits in front.
    #[must_use]
    pub fn hash_part(&self) -> &[u8] {
        &self.0[..HASH_LENGTH]
    }

    /// The name behind the dash.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.0[HASH_LENGTH + 1..]
    }

    /// Whether the name is that of a derivation.
    #[must_use]
    pub fn is_derivation(&self) -> bool {
        self.name().ends_with(DERIVATION_ENDING)
    }
}

/// Why a name cannot be the name of a store object. [`NameError::message`] is Nix's text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NameError {
    /// Nothing.
    Empty,
    /// Longer than [`NAME_LIMIT`].
    Long(Vec<u8>),
    /// `.` or `..`
    Dots(Vec<u8>),
    /// Begins with `.-` or `..-`; the second value is the dots.
    DotsFirst(Vec<u8>, &'static str),
    /// Has a character that is not allowed.
    Character(Vec<u8>, u8),
}

impl NameError {
    /// Nix's text, in bytes because it quotes the name.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let quoted = |name: &[u8], rest: &str| [b"name '", name, b"'", rest.as_bytes()].concat();
        match self {
            NameError::Empty => b"name must not be empty".to_vec(),
            NameError::Long(name) => quoted(name, " must be no longer than 211 characters"),
            NameError::Dots(name) => quoted(name, " is not valid"),
            NameError::DotsFirst(name, dots) => {
                quoted(name, &format!(" is not valid: first dash-separated component must not be '{dots}'"))
            }
            NameError::Character(name, character) => {
                [quoted(name, " contains illegal character '").as_slice(), &[*character], b"'"].concat()
            }
        }
    }
}

/// A digit of the hash part.
const DIGIT: u8 = 1;
/// A character of a name.
const NAME: u8 = 2;

/// What each byte may be.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        if matches!(byte, b'0'..=b'9' | b'a'..=b'z') && !matches!(byte, b'e' | b'o' | b't' | b'u') {
            classes[byte as usize] |= DIGIT;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_' | b'?' | b'=') {
            classes[byte as usize] |= NAME;
        }
        byte += 1;
    }
    classes
};

/// The first byte that is not of a class.
fn first_outside(bytes: &[u8], class: u8) -> Option<u8> {
    // Almost never there is one: to look at all without a way out early is faster.
    let all = bytes.iter().fold(class, |all, byte| all & CLASSES[usize::from(*byte)]);
    if all != 0 {
        return None;
    }
    bytes.iter().copied().find(|byte| CLASSES[usize::from(*byte)] & class == 0)
}

/// Checks the name of a store object.
///
/// # Errors
/// [`NameError`].
pub fn check_name(name: &[u8]) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > NAME_LIMIT {
        return Err(NameError::Long(name.to_vec()));
    }
    match name {
        b"." | b".." => return Err(NameError::Dots(name.to_vec())),
        [b'.', b'-', ..] => return Err(NameError::DotsFirst(name.to_vec(), ".")),
        [b'.', b'.', b'-', ..] => return Err(NameError::DotsFirst(name.to_vec(), "..")),
        _ => {}
    }
    match first_outside(name, NAME) {
        Some(character) => Err(NameError::Character(name.to_vec(), character)),
        None => Ok(()),
    }
}

/// Why a text is no store path. [`StorePathError::message`] is Nix's text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StorePathError {
    /// Not below the store directory, or not directly.
    NotInStore(Vec<u8>),
    /// A base name without room for hash and name.
    Short(Vec<u8>),
    /// A base name with this character in its hash.
    Digit(Vec<u8>, u8),
    /// A base name with a bad name.
    Name(Vec<u8>, NameError),
}

impl StorePathError {
    /// Nix's text.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        match self {
            StorePathError::NotInStore(path) => {
                [b"path '", path.as_slice(), b"' is not in the Nix store"].concat()
            }
            StorePathError::Short(base) => {
                [b"'", base.as_slice(), b"' is too short to be a valid store path"].concat()
            }
            StorePathError::Digit(base, digit) => {
                let what = b"' contains illegal base-32 character '";
                [b"store path '", base.as_slice(), what, &[*digit], b"'"].concat()
            }
            StorePathError::Name(base, why) => {
                [b"path '", base.as_slice(), b"' is not a valid store path: ", &why.message()].concat()
            }
        }
    }
}
