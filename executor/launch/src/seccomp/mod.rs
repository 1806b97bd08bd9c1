//! System call filters in Docker's terms: a list of rules, compiled to one classic BPF program.
//!
//! The program is our own and not a library's because Docker's meaning needs an action for each rule (`clone3` must
//! answer ENOSYS so that the C library falls back to `clone`) and an ENOSYS for calls newer than the profile, and
//! because a search tree is an order of magnitude shorter to walk than a chain of comparisons: the kernel walks it
//! for every call number when the filter is installed.

mod bpf;
mod default;
mod numbers;
mod profile;

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::credentials::Filter;
use crate::error::Result;
use crate::spec::{DEFAULT_CAPABILITIES, ProcessSpec, Seccomp};
use crate::wire::bytes;

/// A compiled filter as it travels to the new process, eight bytes for each instruction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Program(#[serde(with = "bytes::raw")] Vec<u8>);

impl Program {
    fn new(filter: &[libc::sock_filter]) -> Program {
        let encode = |op: &libc::sock_filter| {
            let [code0, code1] = op.code.to_ne_bytes();
            let [k0, k1, k2, k3] = op.k.to_ne_bytes();
            [code0, code1, op.jt, op.jf, k0, k1, k2, k3]
        };
        Program(filter.iter().flat_map(encode).collect())
    }

    pub(crate) fn into_filter(self) -> Filter {
        let (instructions, _) = self.0.as_chunks::<8>();
        instructions
            .iter()
            .map(|&[code0, code1, jt, jf, k0, k1, k2, k3]| libc::sock_filter {
                code: u16::from_ne_bytes([code0, code1]),
                jt,
                jf,
                k: u32::from_ne_bytes([k0, k1, k2, k3]),
            })
            .collect()
    }
}

/// What happens to a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Action {
    Allow,
    Errno(u16),
    Log,
    Trace(u16),
    Trap,
    KillThread,
    KillProcess,
}

/// A comparison with an argument of the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Compare {
    Equal(u64),
    NotEqual(u64),
    Greater(u64),
    GreaterOrEqual(u64),
    Less(u64),
    LessOrEqual(u64),
    /// The bits of the first that are set in the argument are the second.
    Masked(u64, u64),
}

/// An action for one call, where all conditions hold. The first rule that fits decides.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Rule {
    number: u32,
    /// (index of the argument, comparison).
    conditions: Vec<(u8, Compare)>,
    action: Action,
}

/// A whole filter.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Policy {
    rules: Vec<Rule>,
    /// For calls without a rule that fits.
    otherwise: Action,
}

/// The compiled default profile for the capabilities it was last asked for: build steps all ask for the same.
static LAST_DEFAULT: Mutex<Option<(Vec<String>, Program)>> = Mutex::new(None);

/// The filter of a process, or none when it is unconfined.
pub(crate) fn compile(process: &ProcessSpec) -> Result<Option<Program>> {
    match &process.seccomp {
        Seccomp::Unconfined => Ok(None),
        Seccomp::Profile(text) => {
            let policy = profile::parse(text, &process.capabilities)?;
            Ok(Some(Program::new(&bpf::compile(&policy))))
        }
        Seccomp::Default => Ok(Some(compile_default(&process.capabilities))),
    }
}

/// The filter that most launches will ask for, made while there is nothing else to do.
pub(crate) fn prepare() {
    let usual: Vec<String> = DEFAULT_CAPABILITIES.iter().map(|&name| name.to_owned()).collect();
    compile_default(&usual);
}

fn compile_default(capabilities: &[String]) -> Program {
    let mut last = LAST_DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, program)) = last.as_ref()
        && known == capabilities
    {
        return program.clone();
    }
    let program = Program::new(&bpf::compile(&default::policy(capabilities)));
    *last = Some((capabilities.to_vec(), program.clone()));
    program
}
