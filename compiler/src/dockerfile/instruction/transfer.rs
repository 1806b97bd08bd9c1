//! The arguments of COPY and ADD: sources, heredocs among them, destination, flags.

use super::Reader;
use crate::dockerfile::ast::{Transfer, TransferFlags, Word};
use crate::dockerfile::flags::Flags;
use crate::dockerfile::{heredoc, problem};

impl Reader<'_> {
    pub(super) fn transfer(&mut self, flags: &Flags) -> Option<Transfer> {
        let name = self.name.clone();
        let mut found = self.words();
        let Some(dest) = (found.len() >= 2).then(|| found.pop()).flatten() else {
            let help = format!("Write `{name} SOURCE… DESTINATION`");
            return self.refuse(format!("{name} needs at least one source and a destination"), help);
        };
        if self.is_heredoc(&dest)?.is_some() {
            let help = format!("Write `{name} <<NAME DESTINATION`");
            self.problems.push(problem::bad_heredoc("A heredoc cannot be a destination", dest.span, help));
            return None;
        }
        let (mut sources, mut inline) = (Vec::new(), Vec::new());
        for word in found {
            match self.is_heredoc(&word)? {
                // The last heredoc of a name wins, as in a lookup by name.
                Some(name) => inline.extend(self.line.heredocs.iter().rposition(|h| h.name == name)),
                None => sources.push(word),
            }
        }
        let flags = transfer_flags(flags);
        Some(Transfer { add: name == "ADD", sources, inline, dest, flags })
    }

    /// The name when a word is a heredoc of this line.
    fn is_heredoc(&mut self, word: &Word) -> Option<Option<String>> {
        if self.line.heredocs.is_empty() && !word.text.contains("<<") {
            return Some(None);
        }
        match heredoc::parse(&word.text) {
            Ok(found) => Some(found.map(|h| h.name)),
            Err(error) => {
                let help = "A quoted heredoc word may not contain blanks";
                self.problems.push(problem::bad_heredoc(
                    format!("Malformed heredoc: {error}"),
                    word.span,
                    help,
                ));
                None
            }
        }
    }
}

fn transfer_flags(flags: &Flags) -> TransferFlags {
    TransferFlags {
        from: flags.text("from"),
        chown: flags.text("chown"),
        chmod: flags.text("chmod"),
        checksum: flags.text("checksum"),
        exclude: flags.list("exclude"),
        link: flags.bool("link").unwrap_or(false),
        parents: flags.bool("parents").unwrap_or(false),
        keep_git_dir: flags.bool("keep-git-dir"),
        unpack: flags.bool("unpack"),
    }
}
