//! `derivationStrict`: from a set of attributes to a derivation and its paths.

use std::collections::{BTreeSet, HashSet};

use super::Builtin;
use super::derivation_attrs::Draft;
use super::hashes::hash_error;
use crate::lang::derivation::modulo::{ModuloError, fill_output_paths};
use crate::lang::derivation::{Derivation, Inputs, Output};
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::{Evaluator, Feature};
use crate::lang::hash::{Algorithm, parse_or_empty};
use crate::lang::report;
use crate::lang::store_path::{
    DERIVATION_ENDING, FileMethod, StorePath, StorePathError, check_name, output_placeholder,
    unknown_output_placeholder,
};
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::known;
use crate::lang::value::attrs::AttrsBuilder;
use crate::lang::value::{Attrs, Context, ContextElement, Value, share};
use crate::lang::world::Object;

pub(super) const BUILTINS: &[Builtin] = &[Builtin::new(
    "derivationStrict",
    &["set"],
    derivation_strict,
    "The paths of the derivation that *set* describes: `drvPath` and one attribute for each output. Use `derivation`.",
)
.plain()];

fn derivation_strict<'a>(ev: &mut Evaluator<'a>, args: &[Value<'a>]) -> Result<Value<'a>> {
    let context = "while evaluating the argument passed to builtins.derivationStrict";
    let attrs = ev.attrs_of(args[0], Pos::NONE, context)?;
    let context = "in the attrset passed as argument to builtins.derivationStrict";
    let name_attr = ev.required(attrs, known::NAME, context)?;
    let context = "while evaluating the `name` attribute passed to builtins.derivationStrict";
    let name = ev.plain_string_of(share(name_attr.slot), Pos::NONE, context).map_err(|error| {
        error.trace(name_attr.pos, b"while evaluating the derivation attribute 'name'".as_slice())
    })?;
    ev.make_derivation(name, attrs).map_err(|error| {
        let mut text =
            [b"while evaluating derivation '".as_slice(), name, b"'\n  whose name attribute is located at "]
                .concat();
        report::write_place(&mut text, &ev.sources, name_attr.pos);
        error.trace(Pos::NONE, text)
    })
}

/// An error about a store path.
#[cold]
pub(super) fn path_error(error: &StorePathError) -> Box<EvalError> {
    EvalError::new(error.message())
}

#[cold]
fn modulo_error(error: ModuloError<Box<EvalError>>) -> Box<EvalError> {
    match error {
        ModuloError::Path(error) => path_error(&error),
        ModuloError::Unreadable(error) => error,
        ModuloError::NoOutput { output, derivation } => {
            let parts = [b"no hash for output '", &output[..], b"' of derivation '", &derivation, b"'"];
            EvalError::new(parts.concat())
        }
    }
}

impl<'a> Evaluator<'a> {
    fn make_derivation(&mut self, name: &'a [u8], attrs: &'a Attrs<'a>) -> Result<Value<'a>> {
        check_name(name).map_err(|error| {
            let parts =
                [b"invalid derivation name: ", &error.message()[..], b". Please pass a different 'name'."];
            EvalError::new(parts.concat())
        })?;
        let mut draft = Draft::read(self, name, attrs)?;
        let context = draft.context;
        self.add_inputs(&mut draft.derivation, context)?;
        draft.check()?;
        self.choose_outputs(&mut draft)?;
        let derivation = draft.derivation;
        let store = self.store_dir();
        let (path, text) = derivation.object(&store).map_err(|error| path_error(&error))?;
        self.add_object(&path, Object::Text(text.as_bytes()))?;
        let mut memory = std::mem::take(&mut self.memory.derivations);
        let recorded =
            memory.record(&store, path.clone(), &derivation, &text, &mut |path| self.stored_derivation(path));
        self.memory.derivations = memory;
        recorded.map_err(modulo_error)?;
        self.narrate(2, &[b"instantiated '", name, b"' -> '", &store.print(&path), b"'"]);
        self.derivation_paths(&derivation, &path)
    }

    /// What the attributes refer to is needed to build.
    fn add_inputs(&self, derivation: &mut Derivation, context: Option<&'a Context<'a>>) -> Result<()> {
        let store = self.store_dir();
        let parse = |path: &[u8]| store.parse(path).map_err(|error| path_error(&error));
        for element in context.map_or(&[][..], |context| context.elements) {
            match *element {
                ContextElement::Opaque(path) => {
                    derivation.input_sources.insert(parse(path)?);
                }
                ContextElement::Built { derivation: path, output } => {
                    let inputs = derivation.input_derivations.entry(parse(path)?).or_default();
                    inputs.outputs.insert(output.to_vec());
                }
                ContextElement::Deep(path) => self.add_closure(derivation, parse(path)?)?,
            }
        }
        Ok(())
    }

    /// A derivation with all derivations and sources that it needs; they must be in the store.
    fn add_closure(&self, derivation: &mut Derivation, root: StorePath) -> Result<()> {
        let (mut pending, mut seen) = (vec![root], HashSet::new());
        while let Some(path) = pending.pop() {
            // What is a source already may be so without what it needs.
            if !seen.insert(path.clone()) {
                continue;
            }
            derivation.input_sources.insert(path.clone());
            if !path.is_derivation() {
                continue;
            }
            let full = self.store_dir().print(&path);
            if !matches!(self.world.file_type(&full), Ok(Some(_))) {
                return Err(EvalError::new([b"path '", &full[..], b"' is not valid"].concat()));
            }
            let needed = self.stored_derivation(&path)?;
            let outputs = needed.outputs.keys().cloned().collect();
            derivation.input_derivations.insert(path, Inputs { outputs, ..Inputs::default() });
            pending.extend(needed.references().others.into_iter().cloned());
        }
        Ok(())
    }

    /// A derivation that is in the store already.
    fn stored_derivation(&self, path: &StorePath) -> Result<Derivation> {
        let store = self.store_dir();
        let full = store.print(path);
        if !matches!(self.world.file_type(&full), Ok(Some(_))) {
            return Err(EvalError::new([b"store path '", &full[..], b"' does not exist"].concat()));
        }
        let text = self.world.read_file(&full).map_err(|error| EvalError::new(error.0))?;
        let name = path.name().strip_suffix(DERIVATION_ENDING).unwrap_or(path.name());
        Derivation::parse(&store, name, &text).map_err(|error| {
            EvalError::new(
                [b"error parsing derivation '", &full[..], b"': ", error.to_string().as_bytes()].concat(),
            )
        })
    }

    /// Fills in the outputs, by what the attributes ask for.
    fn choose_outputs(&mut self, draft: &mut Draft<'a>) -> Result<()> {
        let store = self.store_dir();
        if let Some(text) = draft.output_hash.take() {
            return self.fixed_output(draft, &text);
        }
        let outputs = std::mem::take(&mut draft.outputs);
        let derivation = &mut draft.derivation;
        if draft.content_addressed || draft.impure {
            if draft.content_addressed && draft.impure {
                return Err(EvalError::new("derivation cannot be both content-addressed and impure"));
            }
            let algorithm = draft.algorithm.unwrap_or(Algorithm::Sha256);
            let method = draft.method.unwrap_or(FileMethod::Archive);
            for name in outputs {
                derivation.env.insert(name.clone(), output_placeholder(&name));
                let output = match draft.impure {
                    true => Output::Impure(method, algorithm),
                    false => Output::Floating(method, algorithm),
                };
                derivation.outputs.insert(name, output);
            }
            return Ok(());
        }
        for name in outputs {
            derivation.env.insert(name.clone(), Vec::new());
            derivation.outputs.insert(name, Output::Deferred);
        }
        let mut memory = std::mem::take(&mut self.memory.derivations);
        let filled =
            fill_output_paths(&mut memory, &store, derivation, &mut |path| self.stored_derivation(path));
        self.memory.derivations = memory;
        filled.map_err(modulo_error)
    }

    fn fixed_output(&self, draft: &mut Draft<'a>, text: &[u8]) -> Result<()> {
        if draft.outputs != BTreeSet::from([b"out".to_vec()]) {
            return Err(EvalError::new("multiple outputs are not supported in fixed-output derivations"));
        }
        let (hash, warning) = parse_or_empty(text, draft.algorithm).map_err(|error| hash_error(&error))?;
        self.require_algorithm(hash.algorithm())?;
        if let Some(warning) = warning {
            self.warn(warning.as_bytes());
        }
        let store = self.store_dir();
        let method = draft.method.unwrap_or(FileMethod::Flat);
        let derivation = &mut draft.derivation;
        let output = Output::fixed(&store, &derivation.name, b"out", method, hash)
            .map_err(|error| path_error(&error))?;
        if let Some(path) = output.path() {
            derivation.env.insert(b"out".to_vec(), store.print(path));
        }
        derivation.outputs.insert(b"out".to_vec(), output);
        Ok(())
    }

    /// The set that `derivationStrict` gives.
    fn derivation_paths(&mut self, derivation: &Derivation, path: &StorePath) -> Result<Value<'a>> {
        let store = self.store_dir();
        let full = self.bytes(&store.print(path));
        let mut builder = AttrsBuilder::with_capacity(1 + derivation.outputs.len());
        let context = Context::new(self.arena, vec![ContextElement::Deep(full)]);
        builder.push(known::DRV_PATH, Pos::NONE, self.string_with(full, context));
        for (name, output) in &derivation.outputs {
            let text = match output.path() {
                Some(path) => store.print(path),
                None => {
                    self.require(Feature::CaDerivations, "")?;
                    unknown_output_placeholder(path, name)
                }
            };
            let element = ContextElement::Built { derivation: full, output: self.bytes(name) };
            let value = self.string_with(self.bytes(&text), Context::new(self.arena, vec![element]));
            builder.push(self.symbols.intern(name), Pos::NONE, value);
        }
        Ok(Value::Attrs(builder.finish(self.arena)))
    }
}
