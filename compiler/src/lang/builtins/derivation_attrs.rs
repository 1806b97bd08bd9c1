//! The attributes of a derivation: what each means to `derivationStrict`.

use std::collections::BTreeSet;

use crate::lang::derivation::Derivation;
use crate::lang::error::{EvalError, Result};
use crate::lang::eval::{Coercion, Evaluator, Feature};
use crate::lang::hash::Algorithm;
use crate::lang::json::ReadError;
use crate::lang::store_path::{DERIVATION_ENDING, FileMethod};
use crate::lang::syntax::Pos;
use crate::lang::syntax::symbol::known;
use crate::lang::value::{Attrs, Context, Value, share};

/// Nix gives these errors the line about the attribute only.
const NOTHING: &str = "";

/// How attributes become environment variables.
const VARIABLE: Coercion = Coercion { more: true, copy: true, canonical: true };

/// Attributes that mean nothing to a derivation with structured attributes.
const CHECKS: [&[u8]; 6] = [
    b"allowedReferences",
    b"allowedRequisites",
    b"disallowedReferences",
    b"disallowedRequisites",
    b"maxSize",
    b"maxClosureSize",
];

/// A derivation while its attributes are read, with what they ask for beyond it.
pub(super) struct Draft<'a> {
    pub(super) derivation: Derivation,
    pub(super) context: Option<&'a Context<'a>>,
    pub(super) outputs: BTreeSet<Vec<u8>>,
    pub(super) output_hash: Option<Vec<u8>>,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) method: Option<FileMethod>,
    pub(super) content_addressed: bool,
    pub(super) impure: bool,
    /// JSON of the attributes so far, if they are structured.
    json: Option<Vec<u8>>,
}

impl<'a> Draft<'a> {
    /// Reads all attributes, in the order of their names.
    pub(super) fn read(ev: &mut Evaluator<'a>, name: &'a [u8], attrs: &'a Attrs<'a>) -> Result<Draft<'a>> {
        let mut draft = Draft {
            derivation: Derivation { name: name.to_vec(), ..Derivation::default() },
            context: None,
            outputs: BTreeSet::from([b"out".to_vec()]),
            output_hash: None,
            algorithm: None,
            method: None,
            content_addressed: false,
            impure: false,
            json: None,
        };
        if let Some(slot) = attrs.get(known::STRUCTURED_ATTRS) {
            let context =
                "while evaluating the `__structuredAttrs` attribute passed to builtins.derivationStrict";
            if ev.bool_of(share(slot), Pos::NONE, context)? {
                draft.json = Some(b"{".to_vec());
            }
        }
        let mut ignore_nulls = false;
        if let Some(slot) = attrs.get(known::IGNORE_NULLS) {
            let context =
                "while evaluating the `__ignoreNulls` attribute passed to builtins.derivationStrict";
            ignore_nulls = ev.bool_of(share(slot), Pos::NONE, context)?;
        }
        let (shape, values) = attrs.flatten(ev.arena);
        for index in attrs.by_name(ev.arena, &ev.symbols) {
            let index = *index as usize;
            if shape.symbols[index] == known::IGNORE_NULLS {
                continue;
            }
            let key = ev.symbols.name(shape.symbols[index]);
            draft.attribute(ev, key, share(&values[index]), ignore_nulls).map_err(|error| {
                let key = ev.symbols.shown(shape.symbols[index]);
                let parts =
                    [b"while evaluating attribute '", key.as_slice(), b"' of derivation '", name, b"'"];
                error.trace(shape.position(index), parts.concat())
            })?;
        }
        if let Some(mut json) = draft.json.take() {
            json.push(b'}');
            draft.derivation.structured_attrs = Some(json);
        }
        Ok(draft)
    }

    fn attribute(
        &mut self,
        ev: &mut Evaluator<'a>,
        key: &'a [u8],
        value: Value<'a>,
        ignore_nulls: bool,
    ) -> Result<()> {
        if ignore_nulls && matches!(ev.force(value, Pos::NONE)?, Value::Null) {
            return Ok(());
        }
        match key {
            b"__contentAddressed" => {
                if ev.bool_of(value, Pos::NONE, NOTHING)? {
                    self.content_addressed = true;
                    ev.require(Feature::CaDerivations, "")?;
                }
                Ok(())
            }
            b"__impure" => {
                if ev.bool_of(value, Pos::NONE, NOTHING)? {
                    self.impure = true;
                    ev.require(Feature::ImpureDerivations, "")?;
                }
                Ok(())
            }
            b"args" => self.arguments(ev, value),
            b"__structuredAttrs" if self.json.is_some() => Ok(()),
            _ if self.json.is_some() => self.structured(ev, key, value),
            _ => self.variable(ev, key, value),
        }
    }

    fn arguments(&mut self, ev: &mut Evaluator<'a>, value: Value<'a>) -> Result<()> {
        for slot in ev.list_of(value, Pos::NONE, NOTHING)?.items() {
            let context = "while evaluating an element of the argument list";
            let text = ev.coerce_to_string(share(slot), Pos::NONE, context, VARIABLE)?;
            self.refer(ev, text.context);
            self.derivation.args.push(text.bytes);
        }
        Ok(())
    }

    fn refer(&mut self, ev: &Evaluator<'a>, context: Option<&'a Context<'a>>) {
        self.context = Context::union(ev.arena, self.context, context);
    }

    /// An attribute that becomes part of the JSON.
    fn structured(&mut self, ev: &mut Evaluator<'a>, key: &'a [u8], value: Value<'a>) -> Result<()> {
        let text = ev.json_text(value, true, true)?;
        self.refer(ev, text.context);
        if let Some(json) = &mut self.json {
            if json.len() > 1 {
                json.push(b',');
            }
            crate::lang::json::write::string(json, key)
                .map_err(|error| EvalError::new(format!("JSON serialization error: {error}")))?;
            json.push(b':');
            json.extend_from_slice(&text.bytes);
        }
        match key {
            b"builder" => {
                let string = ev.string_of(value, Pos::NONE, NOTHING)?;
                self.refer(ev, string.context);
                self.derivation.builder = string.bytes().to_vec();
            }
            b"outputs" => {
                let mut names = Vec::new();
                for slot in ev.list_of(value, Pos::NONE, NOTHING)?.items() {
                    names.push(ev.plain_string_of(share(slot), Pos::NONE, NOTHING)?);
                }
                self.set_outputs(names.into_iter())?;
            }
            b"system" | b"outputHash" | b"outputHashAlgo" | b"outputHashMode" => {
                let text = ev.plain_string_of(value, Pos::NONE, NOTHING)?;
                self.special(ev, key, text)?;
            }
            _ if CHECKS.contains(&key) => self.warn_of_check(ev, key),
            _ => {}
        }
        Ok(())
    }

    fn warn_of_check(&self, ev: &Evaluator<'a>, check: &[u8]) {
        let parts = [
            b"In a derivation named '",
            &self.derivation.name[..],
            b"', 'structuredAttrs' disables the effect of the derivation attribute '",
            check,
            b"'; use 'outputChecks.<output>.",
            check,
            b"' instead",
        ];
        ev.warn(&parts.concat());
    }

    /// An attribute that becomes an environment variable.
    fn variable(&mut self, ev: &mut Evaluator<'a>, key: &'a [u8], value: Value<'a>) -> Result<()> {
        let text = ev.coerce_to_string(value, Pos::NONE, NOTHING, VARIABLE)?;
        self.refer(ev, text.context);
        if key == b"__json" {
            return self.json_attribute(ev, &text.bytes);
        }
        match key {
            b"builder" => self.derivation.builder.clone_from(&text.bytes),
            b"outputs" => {
                let is_blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
                let words = text.bytes.split(is_blank).filter(|word| !word.is_empty());
                self.set_outputs(words)?;
            }
            _ => self.special(ev, key, &text.bytes)?,
        }
        self.derivation.env.insert(key.to_vec(), text.bytes);
        Ok(())
    }

    /// `__json`, the older way to structured attributes.
    fn json_attribute(&mut self, ev: &mut Evaluator<'a>, text: &[u8]) -> Result<()> {
        let parts = [
            b"In derivation '",
            &self.derivation.name[..],
            b"': setting structured attributes via '__json' is deprecated, and may be disallowed in future versions of Nix. \
              Set '__structuredAttrs = true' instead.",
        ];
        ev.warn(&parts.concat());
        let refuse = |why: &[u8]| EvalError::new([b"cannot process __json attribute: ", why].concat());
        let value = match ev.read_json(text) {
            Ok(value) => value,
            Err(ReadError::Syntax(why) | ReadError::Value(why)) => return Err(refuse(&why)),
            Err(ReadError::Sink(never)) => match never {},
        };
        if !matches!(value, Value::Attrs(_)) {
            let found = match value {
                Value::List(_) => "array",
                Value::Null => "null",
                Value::Bool(_) => "boolean",
                Value::String(_) => "string",
                _ => "number",
            };
            let why = format!("[json.exception.type_error.302] type must be object, but is {found}");
            return Err(refuse(why.as_bytes()));
        }
        self.derivation.structured_attrs = Some(ev.json_text(value, true, false)?.bytes);
        Ok(())
    }

    /// Attributes with a meaning that do not differ between the two forms.
    fn special(&mut self, ev: &Evaluator<'a>, key: &[u8], text: &[u8]) -> Result<()> {
        match key {
            b"system" => self.derivation.system = text.to_vec(),
            b"outputHash" => self.output_hash = Some(text.to_vec()),
            // A name that is none is passed over here; the hash may name its algorithm.
            b"outputHashAlgo" => {
                self.algorithm = Algorithm::parse(text).ok();
                self.algorithm.map_or(Ok(()), |algorithm| ev.require_algorithm(algorithm))?;
            }
            b"outputHashMode" => self.set_method(ev, text)?,
            _ => {}
        }
        Ok(())
    }

    fn set_method(&mut self, ev: &Evaluator<'a>, mode: &[u8]) -> Result<()> {
        let method = match mode {
            b"flat" => FileMethod::Flat,
            b"recursive" | b"nar" => FileMethod::Archive,
            b"text" => FileMethod::Text,
            b"git" => FileMethod::Git,
            _ => {
                let parts = [b"invalid value '", mode, b"' for 'outputHashMode' attribute"];
                return Err(EvalError::new(parts.concat()));
            }
        };
        if method == FileMethod::Text {
            let name = String::from_utf8_lossy(&self.derivation.name);
            let what = format!("text-hashed derivation '{name}', outputHashMode = \"text\"");
            ev.require(Feature::DynamicDerivations, &what)?;
        }
        if method == FileMethod::Git {
            ev.require(Feature::GitHashing, "")?;
        }
        self.method = Some(method);
        Ok(())
    }

    fn set_outputs<'n>(&mut self, names: impl Iterator<Item = &'n [u8]>) -> Result<()> {
        self.outputs.clear();
        for name in names {
            if self.outputs.contains(name) {
                return Err(EvalError::new([b"duplicate derivation output '", name, b"'"].concat()));
            }
            // The result has an attribute of that name already.
            if name == b"drvPath" {
                return Err(EvalError::new("invalid derivation output name 'drvPath'"));
            }
            self.outputs.insert(name.to_vec());
        }
        if self.outputs.is_empty() {
            return Err(EvalError::new("derivation cannot have an empty set of outputs"));
        }
        Ok(())
    }

    /// What must be there, and what the name must not be.
    pub(super) fn check(&self) -> Result<()> {
        for (name, text) in [("builder", &self.derivation.builder), ("system", &self.derivation.system)] {
            if text.is_empty() {
                return Err(EvalError::new(format!("required attribute '{name}' missing")));
            }
        }
        let is_one_file =
            self.method == Some(FileMethod::Text) && self.outputs == BTreeSet::from([b"out".to_vec()]);
        if self.derivation.name.ends_with(DERIVATION_ENDING) && !is_one_file {
            let text =
                "derivation names are allowed to end in '.drv' only if they produce a single derivation file";
            return Err(EvalError::new(text));
        }
        Ok(())
    }
}
