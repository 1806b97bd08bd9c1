//! Evaluation.
//!
//! Owns: the evaluator's state, forcing, and the bounds on depth. The expressions are taken apart in `run.rs`, calls in
//! `call.rs`, sets in `sets.rs`, the rest by what it is about.
//! Never does: I/O but through [`World`]; printing.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;

use bumpalo::Bump;

use super::build::{Sites, Steps};
use super::builtins::memory::Memory;
use super::error::{ErrorKind, EvalError, Result};
use super::expr::{Expr, Node};
use super::stack::StackLimit;
use super::syntax::{Lint, Pos, Sources, Symbols};
use super::value::env::Frames;
use super::value::{Attrs, CodeId, List, NixString, Shape, Slot, Suspension, Value, Work, share};
use super::world::World;

pub mod arith;
mod auto;
mod call;
mod call_builtin;
mod coerce;
mod deep;
mod equal;
mod features;
mod globals;
mod limits;
mod making;
mod program;
mod run;
mod session;
mod sets;
mod strings;
mod typed;

use limits::Limits;

pub use coerce::Coercion;
pub use coerce::Text;
pub use features::{Feature, Features, is_feature};
pub use globals::{Global, LANG_VERSION, NIX_VERSION};
pub(super) use run::undefined;
pub use session::Names;
pub use strings::canonical;

/// What the user may set.
#[derive(Clone, Debug)]
pub struct Options {
    /// Calls that may be nested; one more is an error.
    pub max_call_depth: u32,
    /// Bytes that values may take; more is an error.
    pub max_memory: usize,
    /// Calls that may be made in all; more is an error.
    pub max_steps: u64,
    /// Full traces, with calls of functions.
    pub show_trace: bool,
    /// The environment, the clock and the system can be seen.
    pub impure: bool,
    /// Programs see nothing of the machine: nothing is looked for in a search path, and the world shows no files but those of
    /// the store.
    pub sealed: bool,
    /// `restrict-eval`: the world shows no files but those of the search path and the store, and fetches `allowed_uris`.
    pub restricted: bool,
    /// `allowed-uris`
    pub allowed_uris: Vec<String>,
    /// `builtins.traceVerbose` says what it is given.
    pub trace_verbose: bool,
    /// `builtins.warn` fails once it has spoken.
    pub abort_on_warn: bool,
    /// How much is said: what `builtins.warn` is given from -2 on, what files are evaluated from 1, what is made from 2.
    pub verbosity: i16,
    /// Where the store is, without a slash at the end.
    pub store_dir: Vec<u8>,
    /// `builtins.currentSystem`.
    pub system: Vec<u8>,
    /// What `~` stands for in paths.
    pub home: Option<Vec<u8>>,
    /// Experimental features that are on.
    pub features: Features,
    /// `lint-url-literals`
    pub url_literals: Lint,
    /// `lint-absolute-path-literals`
    pub absolute_paths: Lint,
    /// `lint-short-path-literals`
    pub short_paths: Lint,
    /// Where `<x>` is looked for: prefix (perhaps empty) and path, as it was written.
    pub search_path: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where relative paths of the search path begin.
    pub directory: Vec<u8>,
    /// Stack that the calling thread has left for evaluation, in bytes.
    pub stack_size: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            max_call_depth: 10_000,
            max_memory: usize::MAX,
            max_steps: u64::MAX,
            show_trace: false,
            impure: false,
            sealed: false,
            restricted: false,
            allowed_uris: Vec::new(),
            trace_verbose: false,
            abort_on_warn: false,
            verbosity: 0,
            store_dir: b"/nix/store".to_vec(),
            system: b"x86_64-linux".to_vec(),
            home: None,
            features: Features::default(),
            url_literals: Lint::Ignore,
            absolute_paths: Lint::Ignore,
            short_paths: Lint::Ignore,
            search_path: Vec::new(),
            directory: Vec::new(),
            stack_size: 1 << 20,
        }
    }
}

/// An evaluator: all that programs share.
pub struct Evaluator<'a> {
    /// Where everything lives.
    pub arena: &'a Bump,
    /// Names.
    pub symbols: Symbols<'a>,
    /// Texts, for positions.
    pub sources: Sources<'a>,
    /// Files, environment, clock.
    pub world: &'a dyn World,
    /// What the user set.
    pub options: Options,
    /// Who makes steps; only build files have somebody.
    pub steps: Option<&'a dyn Steps>,
    /// Where builtins that want to know it are called.
    pub sites: Sites,
    /// Where the entries of the search path are that were looked for; `None` where they are nowhere.
    pub(in crate::lang) search_places: HashMap<Vec<u8>, Option<Vec<u8>>>,
    pub(super) codes: Vec<Node<'a>>,
    pub(super) globals: Vec<Global<'a>>,
    frames: Frames<'a>,
    limits: Limits,
    pub(super) stack: StackLimit,
    files: HashMap<Vec<u8>, &'a Slot<'a>>,
    pub(super) memory: Memory,
    failures: Vec<EvalError>,
    /// Names as strings, once somebody asked: by symbol.
    names: Vec<Option<&'a NixString<'a>>>,
    /// Room for a string in the making, empty; strings made inside of it find none here and take their own.
    scratch: Vec<u8>,
    /// Slots whose evaluation failed, since the last `tryEval` began.
    unwound: Vec<&'a Slot<'a>>,
    /// The list that was made last, while it is on its way to the first slot that will hold it.
    newest: Cell<Option<&'a List<'a>>>,
    empty_list: &'a List<'a>,
    empty_attrs: &'a Attrs<'a>,
    empty_string: &'a NixString<'a>,
}

impl fmt::Debug for Evaluator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluator").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<'a> Evaluator<'a> {
    /// An evaluator with the builtins. To be made on the thread that evaluates, which has
    /// [`Options::stack_size`] bytes of stack left.
    pub fn new(arena: &'a Bump, world: &'a dyn World, options: Options) -> Self {
        let usable = options.stack_size.saturating_sub(limits::stack_margin(options.stack_size));
        let shape = Shape::new(arena, &[], &[]);
        let mut ev = Evaluator {
            arena,
            symbols: Symbols::new(arena),
            sources: Sources::new(),
            world,
            steps: None,
            sites: Sites::default(),
            search_places: HashMap::new(),
            codes: Vec::new(),
            globals: Vec::new(),
            frames: Frames::new(arena),
            limits: Limits::new(options.max_steps),
            stack: StackLimit::below_here(usable),
            files: HashMap::new(),
            memory: Memory::default(),
            failures: Vec::new(),
            names: Vec::new(),
            scratch: Vec::new(),
            unwound: Vec::new(),
            newest: Cell::new(None),
            empty_list: List::new(arena, &[]),
            empty_attrs: Attrs::new(arena, shape, &[]),
            empty_string: NixString::new(arena, b"", None),
            options,
        };
        ev.globals = globals::make(&mut ev);
        ev
    }

    /// The value of `value`, in weak head normal form. `pos` is the place that wants it, for infinite recursion.
    ///
    /// # Errors
    /// Whatever evaluation raises.
    #[inline(always)]
    pub fn force(&mut self, value: Value<'a>, pos: Pos) -> Result<Value<'a>> {
        match value {
            Value::Thunk(slot) => self.force_slot(slot, pos),
            value => Ok(value),
        }
    }

    /// The value of a slot, in weak head normal form; the slot keeps it.
    ///
    /// # Errors
    /// Whatever evaluation raises.
    #[inline(always)]
    pub fn force_slot(&mut self, slot: &'a Slot<'a>, pos: Pos) -> Result<Value<'a>> {
        let value = slot.get();
        if value.is_evaluated() {
            return Ok(value);
        }
        self.force_suspended(slot, pos)
    }

    #[inline(never)]
    fn force_suspended(&mut self, slot: &'a Slot<'a>, pos: Pos) -> Result<Value<'a>> {
        let Value::Suspended(Suspension { env, work: Work::Expression, index }) = slot.get() else {
            return self.force_other(slot, pos);
        };
        self.check_stack()?;
        slot.set(Value::Blackhole);
        let node = self.code(CodeId(index));
        match self.eval(node, env) {
            Ok(value) => {
                let value = self.own(value, matches!(*node, Expr::Lambda(..)));
                slot.set(value);
                Ok(value)
            }
            Err(error) => {
                slot.set(Suspension::expression(CodeId(index), env));
                self.unwound.push(slot);
                Err(error)
            }
        }
    }

    #[inline(never)]
    fn force_other(&mut self, slot: &'a Slot<'a>, pos: Pos) -> Result<Value<'a>> {
        self.check_stack()?;
        let suspended = slot.get();
        let result = match suspended {
            Value::Thunk(inner) => return self.force_slot(inner, pos).inspect(|value| slot.set(*value)),
            Value::Suspended(suspension) => self.apply_suspended(suspension, pos),
            Value::Blackhole => return Err(EvalError::new("infinite recursion encountered").at(pos)),
            Value::Failed(index) => return Err(Box::new(self.failures[index as usize].clone())),
            evaluated => Ok(evaluated),
        };
        match result {
            Ok(value) => {
                let value = self.own(value, false);
                slot.set(value);
                Ok(value)
            }
            Err(error) => {
                slot.set(suspended);
                self.unwound.push(slot);
                Err(error)
            }
        }
    }

    fn apply_suspended(&mut self, suspension: Suspension<'a>, pos: Pos) -> Result<Value<'a>> {
        let Suspension { env, work, index } = suspension;
        let function = match env.slots[0].get() {
            Value::Thunk(slot) => share(slot),
            function => function,
        };
        match (work, env.slots.get(1).map(Cell::get)) {
            (Work::Map, Some(Value::List(list))) => {
                let arg = share(&list.items()[index as usize]);
                self.call(function, &[arg], pos)
            }
            (Work::MapAttrs, Some(Value::Attrs(attrs))) => {
                let (shape, values) = attrs.flatten(self.arena);
                let arg = share(&values[index as usize]);
                let name = self.name_value(shape.symbols[index as usize]);
                self.call(function, &[name, arg], pos)
            }
            (Work::Generate, _) => self.call(function, &[Value::Int(i64::from(index))], pos),
            _ => {
                let args: Vec<Value<'a>> = env.slots[1..].iter().map(Cell::get).collect();
                self.call(function, &args, pos)
            }
        }
    }

    /// Gives an expression the number by which it is suspended.
    pub(super) fn register(&mut self, node: Node<'a>) -> CodeId {
        let id = CodeId(self.codes.len() as u32);
        self.codes.push(node);
        id
    }

    #[inline(always)]
    fn code(&self, code: CodeId) -> Node<'a> {
        self.codes[code.0 as usize]
    }

    /// Stops recursion before the stack ends.
    ///
    /// # Errors
    /// When little is left.
    #[inline(always)]
    pub fn check_stack(&self) -> Result<()> {
        if self.stack.is_exhausted() {
            return Err(EvalError::of_kind(
                ErrorKind::StackOverflow,
                "stack overflow (possible infinite recursion)",
            ));
        }
        Ok(())
    }

    /// Runs `attempt`; when it fails with an error that programs can catch, says so by `None`. What failed on the way fails
    /// again at once, should it be wanted again.
    ///
    /// # Errors
    /// Those that programs cannot catch.
    pub fn try_catch<T>(&mut self, attempt: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        let outer = std::mem::take(&mut self.unwound);
        let depth = self.limits.depth;
        let result = attempt(self);
        let failed = std::mem::replace(&mut self.unwound, outer);
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_catchable() => {
                self.limits.depth = depth;
                let index = self.failures.len() as u32;
                self.failures.push(*error);
                failed.iter().for_each(|slot| slot.set(Value::Failed(index)));
                Ok(None)
            }
            Err(error) => {
                self.unwound.extend(failed);
                Err(error)
            }
        }
    }
}
