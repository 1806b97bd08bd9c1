//! Programs: parsing and resolving texts, and files with their cache.

use std::borrow::Cow;
use std::cell::Cell;

use super::{Evaluator, Feature, canonical};
use crate::lang::builtins::shipped;
use crate::lang::error::{EvalError, Result};
use crate::lang::resolve::{self, Program};
use crate::lang::syntax::{self, Form, Origin, Pos, Settings, Symbol, SyntaxError, Warning, ast};
use crate::lang::value::{Attrs, Slot, Suspension, Value, share};
use crate::lang::world::FileType;

/// Symbolic links followed before a path is given up.
const MAX_LINKS: usize = 1023;

impl<'a> Evaluator<'a> {
    /// Parses a text. `base` is the directory that its relative paths are relative to.
    ///
    /// # Errors
    /// When it is not well formed.
    pub fn parse(&mut self, origin: Origin<'a>, text: &'a [u8], base: &[u8]) -> Result<ast::Node<'a>> {
        self.parse_as(Form::Expression, (origin, text), base)
    }

    /// Parses a text as one thing or another.
    pub(super) fn parse_as(
        &mut self,
        form: Form,
        source: (Origin<'a>, &'a [u8]),
        base: &[u8],
    ) -> Result<ast::Node<'a>> {
        self.room_for(source.1.len())?;
        let home = self.options.home.clone();
        let settings = Settings {
            base,
            home: home.as_deref(),
            pipe_operators: self.options.features.has(Feature::PipeOperators),
            url_literals: self.options.url_literals,
            absolute_paths: self.options.absolute_paths,
            short_paths: self.options.short_paths,
            stack: self.stack,
            max_memory: self.options.max_memory,
        };
        let mut warnings = Vec::new();
        let (symbols, sources) = (&mut self.symbols, &mut self.sources);
        let parsed = syntax::parse(self.arena, symbols, sources, form, source, &settings, &mut warnings);
        warnings.iter().for_each(|warning| self.warn_of(warning));
        match parsed {
            Ok(parsed) => self.room_for(0).map(|()| parsed.expr),
            Err(error) if error.out_of_memory => Err(self.out_of_memory()),
            Err(error) => Err(syntax_error(*error)),
        }
    }

    fn warn_of(&self, warning: &Warning) {
        let error = EvalError::new(warning.message.clone()).at(warning.pos);
        self.world.say(&crate::lang::report::render_warning(&error, &self.sources));
    }

    /// Says what is done, where so much is wanted.
    pub fn narrate(&self, level: i16, parts: &[&[u8]]) {
        if self.options.verbosity >= level {
            self.world.say(&parts.concat());
        }
    }

    /// The value of a text.
    ///
    /// # Errors
    /// When it is not well formed, a variable is undefined, or evaluation fails.
    pub fn eval_text(&mut self, origin: Origin<'a>, text: &'a [u8], base: &[u8]) -> Result<Value<'a>> {
        let tree = self.parse(origin, text, base)?;
        let program = resolve::resolve(self, tree, &[])?;
        self.run(&program, &[])
    }

    /// A text that is evaluated when its value is wanted.
    ///
    /// # Errors
    /// When it is not well formed, or a variable is undefined.
    pub fn suspend_text(&mut self, origin: Origin<'a>, text: &'a [u8], base: &[u8]) -> Result<Value<'a>> {
        let tree = self.parse(origin, text, base)?;
        let program = resolve::resolve(self, tree, &[])?;
        let frame = self.frames.make(None, program.frame as usize);
        frame.escape();
        let code = self.register(program.body);
        Ok(self.thunk(Suspension::expression(code, frame)))
    }

    /// The value of a program; `given` are the values of the names that it was resolved with.
    pub(super) fn run(&mut self, program: &Program<'a>, given: &[Value<'a>]) -> Result<Value<'a>> {
        let frame = self.frames.make(None, program.frame as usize);
        frame.escape();
        for (slot, value) in frame.slots.iter().zip(given) {
            slot.set(*value);
        }
        self.eval(program.body, frame)
    }

    /// The value of the file that an absolute path means: of a directory, its `default.nix`. A file is evaluated once.
    ///
    /// # Errors
    /// When it cannot be read, is not well formed, or evaluation fails.
    pub fn eval_file(&mut self, path: &[u8]) -> Result<Value<'a>> {
        let path = self.expression_file(path)?;
        if let Some(slot) = self.files.get(&path) {
            return self.force_slot(slot, Pos::NONE);
        }
        let slot: &'a Slot<'a> = self.arena.alloc(Cell::new(Value::Null));
        self.narrate(1, &[b"evaluating file '", &path, b"'"]);
        let program = self.load(&path, &[])?;
        self.files.insert(path.clone(), slot);
        slot.set(Value::Blackhole);
        match self.run(&program, &[]) {
            Ok(value) => {
                slot.set(value);
                Ok(value)
            }
            Err(error) => {
                self.files.remove(&path);
                let text = [b"while evaluating the file '".as_slice(), &path, b"':"].concat();
                Err(error.trace(Pos::NONE, text))
            }
        }
    }

    /// The syntax tree of the file that an absolute path means.
    ///
    /// # Errors
    /// When it cannot be read, or is not well formed.
    pub fn parse_file(&mut self, path: &[u8]) -> Result<ast::Node<'a>> {
        let path = self.expression_file(path)?;
        self.read_tree(&path)
    }

    /// The value of a file in whose scope the attributes of a set are, before everything else.
    ///
    /// # Errors
    /// As [`Evaluator::eval_file`].
    pub fn eval_file_in_scope(&mut self, path: &[u8], scope: &'a Attrs<'a>) -> Result<Value<'a>> {
        let path = self.expression_file(path)?;
        let (shape, values) = scope.flatten(self.arena);
        self.narrate(1, &[b"evaluating file '", &path, b"'"]);
        let program = self.load(&path, shape.symbols)?;
        let values: Vec<Value<'a>> = values.iter().map(share).collect();
        self.run(&program, &values)
    }

    fn load(&mut self, path: &[u8], names: &[Symbol]) -> Result<Program<'a>> {
        let tree = self.read_tree(path)?;
        resolve::resolve(self, tree, names)
    }

    fn read_tree(&mut self, path: &[u8]) -> Result<ast::Node<'a>> {
        let text = self.source_text(path)?;
        let directory = parent(path);
        self.parse(Origin::File(self.bytes(path)), text, directory)
    }

    fn source_text(&self, path: &[u8]) -> Result<&'a [u8]> {
        if shipped::is_shipped(path) {
            return shipped::contents(path).ok_or_else(|| missing(path));
        }
        Ok(self.bytes(&self.read_file(&self.seen(path, true)?)?))
    }

    /// The file that a path means when it is evaluated: links followed, of a directory its `default.nix`.
    fn expression_file(&self, path: &[u8]) -> Result<Vec<u8>> {
        if shipped::is_shipped(path) {
            return Ok(path.to_vec());
        }
        let mut path = canonical(path);
        for _ in 0..MAX_LINKS {
            match self.file_type(&path)? {
                FileType::Symlink => {
                    let link = self.seen(&path, false)?;
                    let target = self.world.read_link(&link).map_err(|error| EvalError::new(error.0))?;
                    path = joined(parent(&path), &target);
                }
                FileType::Directory => return Ok(joined(&path, b"default.nix")),
                _ => return Ok(path),
            }
        }
        let text =
            [b"too many symbolic links encountered while traversing the path '".as_slice(), &path, b"'"];
        Err(EvalError::new(text.concat()))
    }

    fn file_type(&self, path: &[u8]) -> Result<FileType> {
        match self.world.file_type(&self.seen(path, false)?) {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(missing(&self.reached(path)?)),
            Err(error) => Err(EvalError::new(error.0)),
        }
    }

    /// What is read where an expression means a path. Where not everything may be seen, that is judged by the place that
    /// symbolic links lead to, so none is left to be followed by the system; without `full`, but the path itself.
    fn seen<'p>(&self, path: &'p [u8], full: bool) -> Result<Cow<'p, [u8]>> {
        match self.options.sealed || self.options.restricted {
            true => self.without_links(path, full).map(Cow::Owned),
            false => Ok(Cow::Borrowed(path)),
        }
    }

    /// A path whose last part is missing, as its error names it: with the links on the way to it followed.
    #[cold]
    fn reached(&self, path: &[u8]) -> Result<Vec<u8>> {
        let directory = self.without_links(parent(path), true)?;
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        Ok(joined(&directory, name))
    }
}

#[cold]
fn missing(path: &[u8]) -> Box<EvalError> {
    EvalError::new([b"path '".as_slice(), path, b"' does not exist"].concat())
}

/// The directory of a path.
fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) | None => b"/",
        Some(at) => &path[..at],
    }
}

/// `path` as seen from `directory`.
fn joined(directory: &[u8], path: &[u8]) -> Vec<u8> {
    match path.first() {
        Some(b'/') => canonical(path),
        _ => canonical(&[directory, b"/", path].concat()),
    }
}

fn syntax_error(error: SyntaxError) -> Box<EvalError> {
    EvalError::new(error.message).at(error.pos)
}
