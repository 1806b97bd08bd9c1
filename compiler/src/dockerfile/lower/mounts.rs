//! `RUN --mount`: comma-separated options → mounts.
//!
//! Owns: option names, which type takes which, defaults. Where they are written only `from` is looked at; the rest is read,
//! with its variables expanded, where the RUN is lowered, so that a stage that nobody builds may say anything.

use buildc_ir::step::Sharing;
use buildc_ir::{Diagnostic, Span, go};
use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while1};
use nom::character::complete::{char, one_of};
use nom::combinator::{all_consuming, opt};
use nom::multi::{fold_many0, separated_list1};
use nom::sequence::{delimited, pair};
use nom::{IResult, Parser};

use crate::dockerfile::ast::Word;
use crate::dockerfile::problem;

const TYPES: [&str; 5] = ["bind", "cache", "tmpfs", "secret", "ssh"];
const SHARING: [&str; 3] = ["shared", "private", "locked"];
const KEYS: [&str; 19] = [
    "type",
    "from",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "readonly",
    "ro",
    "readwrite",
    "rw",
    "id",
    "sharing",
    "required",
    "mode",
    "uid",
    "gid",
    "size",
    "env",
];

/// The type of a mount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MountType {
    /// `type=bind`.
    #[default]
    Bind,
    /// `type=cache`.
    Cache,
    /// `type=tmpfs`.
    Tmpfs,
    /// `type=secret`.
    Secret,
    /// `type=ssh`.
    Ssh,
}

/// A mount as its options say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MountOptions {
    /// `type`.
    pub kind: MountType,
    /// `from`.
    pub from: Option<String>,
    /// `source`.
    pub source: Option<String>,
    /// `target`.
    pub target: Option<String>,
    /// `id`.
    pub id: Option<String>,
    /// `env`.
    pub env: Option<String>,
    /// `readonly` or `readwrite`, if one was given.
    pub readonly: Option<bool>,
    /// `required`.
    pub required: bool,
    /// `sharing`.
    pub sharing: Option<Sharing>,
    /// `size` in bytes.
    pub size_bytes: Option<u64>,
    /// `mode`.
    pub mode: Option<u32>,
    /// `uid`.
    pub uid: Option<u32>,
    /// `gid`.
    pub gid: Option<u32>,
}

impl MountOptions {
    /// True when writes are refused.
    pub fn is_readonly(&self) -> bool {
        self.readonly.unwrap_or(!matches!(self.kind, MountType::Cache | MountType::Tmpfs))
    }

    /// What a secret, an agent or a cache is called: `id`; else for a secret `source` or the last part of the target, for an
    /// agent `default`, for a cache the target.
    pub fn name(&self) -> String {
        let target = || self.target.clone().unwrap_or_default();
        let id = self.id.clone();
        match self.kind {
            MountType::Secret => {
                id.or_else(|| self.source.clone()).unwrap_or_else(|| base_name(&target()).to_owned())
            }
            MountType::Ssh => id.filter(|id| !id.is_empty()).unwrap_or_else(|| "default".to_owned()),
            _ => id.filter(|id| !id.is_empty()).unwrap_or_else(target),
        }
    }
}

/// The last part of a path.
pub fn base_name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// One CSV field: quoted as RFC 4180 says, or plain.
fn field(input: &str) -> IResult<&str, String> {
    let piece = alt((tag("\"\"").map(|_| "\""), take_while1(|c| c != '"')));
    let inside = fold_many0(piece, String::new, |mut out: String, p: &str| {
        out.push_str(p);
        out
    });
    let quoted = delimited(char('"'), inside, char('"'));
    alt((quoted, take_till(|c| c == ',').map(str::to_owned))).parse(input)
}

/// Fields with key in lower case and value, if any.
fn fields(text: &str) -> Option<Vec<(String, Option<String>)>> {
    let mut list = all_consuming(separated_list1(char::<&str, nom::error::Error<&str>>(','), field));
    let (_, found) = list.parse(text).ok()?;
    let split = |f: String| match f.split_once('=') {
        Some((key, value)) => (key.to_ascii_lowercase(), Some(value.to_owned())),
        None => (f.to_ascii_lowercase(), None),
    };
    Some(found.into_iter().map(split).collect())
}

/// The tree that a mount names by `from`; `None` for the build context and for types that have no tree. An unreadable
/// mount has none either; [`check`] reports it.
pub fn tree(word: &Word) -> Option<String> {
    let fields = fields(&word.text)?;
    let last = |key: &str| fields.iter().rev().find(|(k, _)| k == key).and_then(|(_, v)| v.clone());
    let kind = last("type").map_or_else(String::new, |t| t.to_ascii_lowercase());
    let has_tree = !matches!(kind.as_str(), "tmpfs" | "secret" | "ssh");
    last("from").filter(|from| has_tree && !from.is_empty())
}

/// Reports what is wrong with a mount whoever builds its stage: no list of options, or a variable in `from`.
pub fn check(word: &Word) -> Option<Diagnostic> {
    let Some(found) = fields(&word.text) else { return Some(no_list(word.span)) };
    let from = found.iter().find(|(key, _)| key == "from").and_then(|(_, value)| value.as_deref());
    from.filter(|from| from.contains('$')).map(|_| {
        let help = "Name a stage with FROM and an ARG before the first FROM, and mount from that stage";
        problem::bad_mount("Variables are not expanded in `from` of a mount", word.span, help)
    })
}

fn no_list(span: Span) -> Diagnostic {
    let help = "Write `--mount=type=TYPE,key=value,…`";
    problem::bad_mount("The options of the mount are not comma-separated", span, help)
}

/// Reads the options; `expand` gives a value with its variables expanded, or `None` when it has reported why not.
///
/// # Errors
/// The diagnostic, unless `expand` has reported it.
pub fn read(
    span: Span,
    text: &str,
    expand: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<MountOptions, Option<Diagnostic>> {
    let Some(fields) = fields(text) else { return Err(Some(no_list(span))) };
    let mut options = MountOptions::default();
    for (key, value) in fields {
        let value = match value {
            Some(value) if key == "from" => Some(value),
            Some(value) => Some(expand(&value).ok_or(None)?),
            None => None,
        };
        set(&mut options, &key, value.as_deref())
            .map_err(|(message, help)| problem::bad_mount(message, span, help))?;
    }
    validate(&options).map_err(|(message, help)| problem::bad_mount(message, span, help))?;
    Ok(options)
}

type Refusal = (String, String);

fn set(options: &mut MountOptions, key: &str, value: Option<&str>) -> Result<(), Refusal> {
    let secret_like = matches!(options.kind, MountType::Secret | MountType::Ssh);
    match (key, value) {
        ("readonly" | "ro", value) => options.readonly = Some(boolean(key, value)?),
        ("readwrite" | "rw", value) => options.readonly = Some(!boolean(key, value)?),
        ("required", value) if secret_like => options.required = boolean(key, value)?,
        ("required", _) => return Err(wrong_type(key, options.kind)),
        (_, Some(value)) => return set_value(options, key, value),
        (key, None) if KEYS.contains(&key) => {
            return Err((format!("Mount option `{key}` has no value"), format!("Write `{key}=VALUE`")));
        }
        (key, None) => return Err(unknown_key(key)),
    }
    Ok(())
}

fn set_value(options: &mut MountOptions, key: &str, value: &str) -> Result<(), Refusal> {
    // An empty name is none.
    let text = Some(value.to_owned()).filter(|text| !text.is_empty());
    match key {
        "type" => options.kind = mount_type(value)?,
        "from" => options.from = text,
        "source" | "src" => options.source = text,
        "target" | "dst" | "destination" => options.target = text,
        "id" => options.id = text,
        // Mounts of other types take it and do nothing with it.
        "env" => options.env = Some(value.to_owned()),
        "sharing" => options.sharing = Some(sharing(value)?),
        "size" if options.kind == MountType::Tmpfs => options.size_bytes = Some(size(value)?),
        "size" => return Err(wrong_type(key, options.kind)),
        "mode" => options.mode = Some(number(key, value, 8)?),
        "uid" => options.uid = Some(number(key, value, 10)?),
        "gid" => options.gid = Some(number(key, value, 10)?),
        other => return Err(unknown_key(other)),
    }
    Ok(())
}

fn mount_type(value: &str) -> Result<MountType, Refusal> {
    Ok(match value.to_ascii_lowercase().as_str() {
        "bind" => MountType::Bind,
        "cache" => MountType::Cache,
        "tmpfs" => MountType::Tmpfs,
        "secret" => MountType::Secret,
        "ssh" => MountType::Ssh,
        other => return Err((format!("There is no mount type `{value}`"), suggestion(other, &TYPES))),
    })
}

fn sharing(value: &str) -> Result<Sharing, Refusal> {
    Ok(match value.to_ascii_lowercase().as_str() {
        "shared" => Sharing::Shared,
        "private" => Sharing::Private,
        "locked" => Sharing::Locked,
        other => return Err((format!("There is no sharing mode `{value}`"), suggestion(other, &SHARING))),
    })
}

fn suggestion(written: &str, known: &[&str]) -> String {
    match problem::nearest(written, known.iter().copied()) {
        Some(best) => format!("Did you mean `{best}`?"),
        None => format!("Use one of {}", known.join(", ")),
    }
}

fn unknown_key(key: &str) -> Refusal {
    (format!("There is no mount option `{key}`"), suggestion(key, &KEYS))
}

fn type_name(kind: MountType) -> &'static str {
    match kind {
        MountType::Bind => "bind",
        MountType::Cache => "cache",
        MountType::Tmpfs => "tmpfs",
        MountType::Secret => "secret",
        MountType::Ssh => "ssh",
    }
}

fn wrong_type(key: &str, kind: MountType) -> Refusal {
    let name = type_name(kind);
    (format!("A {name} mount has no option `{key}`"), format!("Remove `{key}`, or write `type=` before it"))
}

fn boolean(key: &str, value: Option<&str>) -> Result<bool, Refusal> {
    let Some(value) = value else { return Ok(true) };
    go::truth(value).ok_or_else(|| {
        (format!("Mount option `{key}` is true or false, not `{value}`"), format!("Write `{key}=true`"))
    })
}

fn number(key: &str, value: &str, radix: u32) -> Result<u32, Refusal> {
    let kind = if radix == 8 { "an octal number" } else { "a number" };
    u32::from_str_radix(value, radix)
        .map_err(|_| (format!("Mount option `{key}` is not {kind}: `{value}`"), format!("Give {kind}")))
}

/// `64`, `64k`, `1.5g`: powers of 1024, as Docker reads sizes.
fn size(value: &str) -> Result<u64, Refusal> {
    let refuse = || (format!("`{value}` is not a size"), "Write for example `64m`".to_owned());
    let (n, unit) = all_consuming((
        nom::number::complete::double::<&str, nom::error::Error<&str>>,
        nom::character::complete::space0,
        opt(one_of("bBkKmMgGtTpP")),
        opt(pair(opt(one_of("iI")), one_of("bB"))),
    ))
    .parse(value)
    .map(|(_, (n, _, unit, _))| (n, unit))
    .map_err(|_| refuse())?;
    let exponent = unit.map_or(0, |u| "bkmgtp".find(u.to_ascii_lowercase()).unwrap_or(0));
    let bytes = n * 1024f64.powi(i32::try_from(exponent).unwrap_or(0));
    if bytes.is_finite() && (0.0..9e18).contains(&bytes) { Ok(bytes as u64) } else { Err(refuse()) }
}

fn validate(options: &MountOptions) -> Result<(), Refusal> {
    let name = type_name(options.kind);
    let refuse = |message: String, help: &str| Err((message, help.to_owned()));
    if matches!(options.kind, MountType::Bind | MountType::Tmpfs) {
        for (key, given) in [("mode", options.mode), ("uid", options.uid), ("gid", options.gid)] {
            if given.is_some() {
                return refuse(format!("A {name} mount has no option `{key}`"), "Remove it");
            }
        }
    }
    if options.sharing.is_some() && options.kind != MountType::Cache {
        return refuse(format!("A {name} mount has no option `sharing`"), "Only cache mounts are shared");
    }
    match options.kind {
        MountType::Ssh if options.source.is_some() => {
            refuse("An ssh mount has no option `source`".into(), "Name the agent with `id`")
        }
        MountType::Secret if options.from.is_some() => {
            refuse("A secret mount has no option `from`".into(), "Remove it")
        }
        MountType::Secret if options.source.is_some() && options.id.is_some() => {
            refuse("A secret mount has both `source` and `id`".into(), "Keep `id`")
        }
        MountType::Secret if options.source.is_none() && options.id.is_none() && options.target.is_none() => {
            refuse("A secret mount needs `id`, `source` or `target`".into(), "Write `type=secret,id=NAME`")
        }
        _ => Ok(()),
    }
}
