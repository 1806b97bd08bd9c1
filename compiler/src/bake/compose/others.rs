//! The compose files that compose files name: `include`, and `extends` with a file.
//!
//! Owns: which may be named, and that they end. Never does: reading files itself. Only those beside the first file are read: paths
//! in a file of another directory are relative to that, which targets cannot say of each of theirs.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::{Place, document, merge};

/// Most files that are named by others, and most times that one is included: files that include others twice double them.
const LIMIT_FILES: usize = 100;

/// Compose files and what they name.
pub(super) struct Others<'a> {
    pub place: Place<'a>,
    pub look_up: &'a dyn Fn(&str) -> Option<String>,
    known: RefCell<BTreeMap<String, Rc<Value>>>,
    included: Cell<usize>,
}

impl<'a> Others<'a> {
    pub(super) fn new(place: Place<'a>, look_up: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { place, look_up, known: RefCell::default(), included: Cell::new(0) }
    }

    /// A file that another names, read once.
    ///
    /// # Errors
    /// One that is somewhere else, missing or no compose file.
    pub(super) fn document(&self, name: &str) -> Result<Rc<Value>, String> {
        let plain = name.strip_prefix("./").unwrap_or(name);
        if plain.contains(['/', '\\']) {
            return Err(format!(
                "`{name}` is in another directory, from which nothing is read; name it with -f"
            ));
        }
        if let Some(known) = self.known.borrow().get(plain) {
            return Ok(Rc::clone(known));
        }
        let text = (self.place.read)(&self.place.directory.join(Path::new(plain)))?;
        let text = text.ok_or_else(|| format!("there is no file `{name}`"))?;
        let read = document(&text, self.look_up).map_err(|why| format!("`{name}`: {why}"))?;
        let read = Rc::new(read);
        let mut known = self.known.borrow_mut();
        if known.len() >= LIMIT_FILES {
            return Err(format!("more than {LIMIT_FILES} files are named"));
        }
        known.insert(plain.to_owned(), Rc::clone(&read));
        Ok(read)
    }

    /// A document over those that it includes; `open` are the files that led here.
    ///
    /// # Errors
    /// A file that cannot be read, or that includes itself.
    pub(super) fn whole(&self, mut own: Value, open: &mut Vec<String>) -> Result<Value, String> {
        let Some(include) = own.as_object_mut().and_then(|top| top.shift_remove("include")) else {
            return Ok(own);
        };
        let mut whole = Value::Object(Map::new());
        for name in included(&include)? {
            if open.contains(&name) {
                return Err(format!("`{name}` includes itself"));
            }
            self.included.set(self.included.get() + 1);
            if self.included.get() > LIMIT_FILES {
                return Err(format!("more than {LIMIT_FILES} files are included"));
            }
            let other = self.document(&name)?;
            open.push(name);
            merge(&mut whole, self.whole(other.as_ref().clone(), open)?);
            open.pop();
        }
        merge(&mut whole, own);
        Ok(whole)
    }
}

/// The files of an `include`: names, or maps with a `path` that is one name or several.
fn included(include: &Value) -> Result<Vec<String>, String> {
    let bad = |item: &Value| format!("include: `{item}` names no file");
    let mut names = Vec::new();
    for item in include.as_array().ok_or("`include` is no list")? {
        if let Some(field) =
            ["project_directory", "env_file"].iter().find(|field| item.get(**field).is_some())
        {
            return Err(format!("include: `{field}` is not supported; name each file with -f"));
        }
        let path = item.get("path").unwrap_or(item);
        let several = path.as_array().map_or(std::slice::from_ref(path), Vec::as_slice);
        for name in several {
            names.push(name.as_str().ok_or_else(|| bad(item))?.to_owned());
        }
    }
    Ok(names)
}
