//! The `buildc` command: reads the command line, wires the other rooms together, renders what they say.
//!
//! Owns: clap, the opening of the store, the renderers of events, diagnostics and tables, exit codes.
//! Never does: anything that another program could want from a library. No algorithm lives here.
#![forbid(unsafe_code)]
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "docs of arguments are help texts, where brackets mean optional"
)]

mod args;
mod build_file;
mod changes;
mod commands;
mod document;
mod epoch;
mod failure;
mod frontend;
mod group;
mod interrupt;
mod language;
mod listing;
mod output;
mod pins;
mod pipeline;
mod place;
mod product;
mod reasons;
mod render;
mod repl;
mod report;
mod session;
mod source;
mod table;
mod template;
mod units;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: buildc_launch::HugePages = buildc_launch::HugePages;

fn main() -> ExitCode {
    // The same binary is the container's init. This must come before anything that could start a thread.
    buildc_launch::init_if_requested();
    // It is also the process that watches over a container.
    buildc_executor::container::monitor_if_requested();
    end_when_memory_ends();
    // The panic itself has been reported by the standard hook.
    let code = std::panic::catch_unwind(commands::main).unwrap_or_else(|_| {
        output::say("This is a bug in buildc; please report it with the command and the lines above");
        failure::Kind::Internal.exit_code()
    });
    ExitCode::from(code)
}

/// An allocator of the language panics where the system gives it no memory (`ulimit -v`, a limit of a control group that
/// refuses): that is no bug, and is told as what it is.
fn end_when_memory_ends() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str() == Some("out of memory") {
            output::say("error: out of memory");
            std::process::exit(failure::Kind::Input.exit_code().into());
        }
        report(panic);
    }));
}
