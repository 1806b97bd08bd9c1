//! Random instructions that read and write a few shared paths in many ways. Nothing of what they make depends on times.

use proptest::prelude::*;

use crate::files::NAMES;

/// Paths of the image that instructions share.
pub const PLACES: [&str; 6] = ["/w/a", "/w/b", "/w/dir/c", "/w/new", "/w/dir", "/w/link"];
/// Ways of reading a place; `P` stands for it.
const READS: [&str; 14] = [
    "cat P",
    "wc -c <P",
    "test -e P && echo is",
    "test -s P && echo some",
    "test -d P && echo dir",
    "test -L P && echo link",
    "test -x P && echo may",
    "stat -c '%a %F' P",
    "readlink P",
    "readlink -f P",
    "ls P",
    "ls /w /w/dir",
    "find /w -type f | sort | xargs md5sum",
    "P",
];
/// Ways of writing one; `Q` is another.
const WRITES: [&str; 16] = [
    "rm -rf P",
    "chmod 640 P",
    "chmod 755 P",
    "echo 1 >P",
    "echo 2 >>P",
    ": >P",
    "mkdir -p P",
    "ln -sfn Q P",
    "ln -f Q P",
    "cp -f Q P",
    "mv -f Q P",
    "rm -rf P; mkdir P; echo 3 >P/c",
    "rm -rf P; ln -s /other P; mkdir -p /other; echo 4 >/other/c",
    "chown 1000:50 P",
    // Later than what times are clamped to: an earlier one stays, and a copy keeps the one of the first tree that is
    // otherwise the same (spec/cache-keys.md).
    "touch -d @2000000000 P",
    "cp -r Q P",
];
/// Flags of COPY.
pub const FLAGS: [&str; 6] =
    ["", "--link ", "--chmod=600 ", "--chown=1000:50 ", "--link --chown=5:6 ", "--chown=app "];
/// Sources of COPY that are patterns.
pub const PATTERNS: [&str; 4] = ["d*", "[ab] dir/*", "--exclude=*/c .", "--parents dir/*"];
/// Words of USER.
const USERS: [&str; 3] = ["root", "app", "5:6"];
/// Words of WORKDIR.
pub const WORKDIRS: [&str; 3] = ["/w", "/w/dir/deep", "/work"];

/// One instruction; numbers choose files and places.
#[derive(Clone, Debug)]
pub enum Line {
    Copy { file: usize, place: usize, flag: usize },
    CopyAll,
    CopySome { pattern: usize },
    CopyFrom { place: usize, to: usize },
    CopyFromImage { base: usize, to: usize },
    CopyText { to: usize, value: u8 },
    Unpack { to: usize },
    Read { way: usize, place: usize },
    Write { way: usize, place: usize, other: usize },
    Script { way: usize, place: usize, other: usize },
    Bound { way: usize, from: usize },
    Covered { way: usize, place: usize },
    Slow { way: usize, place: usize, other: usize },
    Arg { value: u8 },
    UseArg { to: usize },
    Env { value: u8 },
    Label { value: u8 },
    User { number: usize },
    Workdir { number: usize },
}

/// Any instruction.
pub fn any() -> impl Strategy<Value = Line> {
    let (file, place, value) = (0..NAMES.len(), 0..PLACES.len(), 0..3_u8);
    let (read, write) = (0..READS.len(), 0..WRITES.len());
    prop_oneof![
        2 => (file, place.clone(), 0..6_usize).prop_map(|(file, place, flag)| Line::Copy { file, place, flag }),
        1 => Just(Line::CopyAll),
        1 => (0..4_usize).prop_map(|pattern| Line::CopySome { pattern }),
        1 => (place.clone(), place.clone()).prop_map(|(place, to)| Line::CopyFrom { place, to }),
        1 => (0..2_usize, place.clone()).prop_map(|(base, to)| Line::CopyFromImage { base, to }),
        1 => (place.clone(), value.clone()).prop_map(|(to, value)| Line::CopyText { to, value }),
        1 => place.clone().prop_map(|to| Line::Unpack { to }),
        5 => (read.clone(), place.clone()).prop_map(|(way, place)| Line::Read { way, place }),
        5 => (write.clone(), place.clone(), place.clone())
            .prop_map(|(way, place, other)| Line::Write { way, place, other }),
        1 => (write.clone(), place.clone(), place.clone())
            .prop_map(|(way, place, other)| Line::Script { way, place, other }),
        1 => (read.clone(), 0..2_usize).prop_map(|(way, from)| Line::Bound { way, from }),
        1 => (read, place.clone()).prop_map(|(way, place)| Line::Covered { way, place }),
        1 => (write, place.clone(), place.clone())
            .prop_map(|(way, place, other)| Line::Slow { way, place, other }),
        1 => value.clone().prop_map(|value| Line::Arg { value }),
        1 => place.prop_map(|to| Line::UseArg { to }),
        1 => value.clone().prop_map(|value| Line::Env { value }),
        1 => value.prop_map(|value| Line::Label { value }),
        1 => (0..3_usize).prop_map(|number| Line::User { number }),
        1 => (0..3_usize).prop_map(|number| Line::Workdir { number }),
    ]
}

/// What a command sees, kept where nothing else looks; errors are part of it, but for their text.
fn read(way: usize, place: &str) -> String {
    format!("({} || echo no) >>/tmp/seen 2>/dev/null", READS[way].replace('P', place))
}

fn write(way: usize, place: usize, other: usize) -> String {
    let text = WRITES[way].replace('P', PLACES[place]).replace('Q', PLACES[other]);
    format!("({text}) 2>/dev/null || true")
}

impl Line {
    /// Whether it needs a stage `first` above its own.
    pub fn needs_first(&self) -> bool {
        matches!(self, Self::CopyFrom { .. } | Self::Bound { from: 1, .. })
    }

    /// The mount and the text of a command.
    pub fn command(&self) -> Option<(&'static str, String)> {
        let mounts = ["type=bind,source=dir,target=/w/dir", "type=bind,from=first,source=/w,target=/w"];
        Some(match *self {
            Self::Read { way, place } => ("", read(way, PLACES[place])),
            Self::Write { way, place, other } => ("", write(way, place, other)),
            Self::Script { way, place, other } => {
                ("", format!("{}\necho $VALUE >/tmp/script\n", write(way, place, other)))
            }
            Self::Bound { way, from } => (mounts[from], read(way, "/w/dir/c")),
            Self::Covered { way, place } => ("type=tmpfs,target=/w/dir", read(way, PLACES[place])),
            Self::Slow { way, place, other } => ("", format!("sleep 0.1; {}", write(way, place, other))),
            Self::UseArg { to } => {
                ("", format!("(echo \"$VALUE $SET\" >{}) 2>/dev/null || true", PLACES[to]))
            }
            _ => return None,
        })
    }

    /// The instruction.
    pub fn text(&self) -> String {
        if let Some((mount, text)) = self.command() {
            let mount = if mount.is_empty() { String::new() } else { format!("--mount={mount} ") };
            let text = if text.contains('\n') { format!("<<EOF\n{text}EOF") } else { text };
            return format!("RUN --network=none {mount}{text}\n");
        }
        match *self {
            Self::Copy { file, place, flag } => {
                format!("COPY {}{} {}\n", FLAGS[flag], NAMES[file], PLACES[place])
            }
            Self::CopyAll => "COPY . /w/\n".to_owned(),
            Self::CopySome { pattern } => format!("COPY {} /w/\n", PATTERNS[pattern]),
            Self::CopyFrom { place, to } => format!("COPY --from=first {} {}\n", PLACES[place], PLACES[to]),
            Self::CopyFromImage { base, to } => {
                format!("COPY --from=localhost/base{base} /etc/mode {}\n", PLACES[to])
            }
            Self::CopyText { to, value } => format!("COPY <<EOF {}\n{value} $VALUE\nEOF\n", PLACES[to]),
            Self::Unpack { to } => format!("ADD archive.tar {}/\n", PLACES[to]),
            Self::Arg { value } => format!("ARG VALUE={value}\n"),
            Self::Env { value } => format!("ENV SET={value}\n"),
            Self::Label { value } => format!("LABEL label={value}\n"),
            Self::User { number } => format!("USER {}\n", USERS[number]),
            Self::Workdir { number } => format!("WORKDIR {}\n", WORKDIRS[number]),
            _ => unreachable!("a command has its text"),
        }
    }
}
