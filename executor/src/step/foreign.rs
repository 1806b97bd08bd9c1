//! Commands of another machine's architecture: what the kernel needs to run them (binfmt_misc), and saying so when it
//! is not there.

use buildc_ir::Platform;
use buildc_launch::LaunchError;

use super::StepError;

/// Where the kernel lists its interpreters (Linux, `admin-guide/binfmt-misc`).
const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

/// A command that cannot be executed because it is for another machine is told as that.
pub(super) fn explained(error: LaunchError, platform: &Platform) -> StepError {
    if error.code() != "launch::not_executable" || is_native(platform) {
        return error.into();
    }
    let entries = std::fs::read_dir(BINFMT).into_iter().flatten().flatten();
    let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let registered = texts.filter(|text| serves(text, &platform.arch)).any(|text| is_fixed(&text));
    StepError::Foreign { platform: platform.to_string(), registered }
}

/// True for what this machine runs by itself.
fn is_native(platform: &Platform) -> bool {
    let host = Platform::host();
    host.arch == platform.arch || host.arch == "amd64" && platform.arch == "386"
}

/// True when an entry is enabled and its magic is that of ELF files for the architecture.
fn serves(entry: &str, arch: &str) -> bool {
    let Some(machine) = machine(arch) else { return false };
    let magic = entry.lines().find_map(|line| line.strip_prefix("magic "));
    // e_machine stands at byte 18 of an ELF file (gabi, "ELF header").
    let is_its =
        magic.is_some_and(|magic| magic.starts_with("7f454c46") && magic.get(36..40) == Some(machine));
    is_its && entry.lines().next() == Some("enabled")
}

/// True when the interpreter was opened at registration, so that it need not be in the container.
fn is_fixed(entry: &str) -> bool {
    entry.lines().any(|line| line.strip_prefix("flags:").is_some_and(|flags| flags.contains('F')))
}

/// `e_machine` in hexadecimal, in the byte order of the architecture.
fn machine(arch: &str) -> Option<&'static str> {
    Some(match arch {
        "amd64" => "3e00",
        "386" => "0300",
        "arm64" => "b700",
        "arm" => "2800",
        "riscv64" => "f300",
        "ppc64le" => "1500",
        "s390x" => "0016",
        "mips64le" => "0800",
        "loong64" => "0201",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the kernel prints what Debian's qemu-user-binfmt registers.
    const ARM64: &str = "enabled\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: POCF\noffset 0\n\
        magic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n";

    #[test]
    fn entries_are_known_by_their_magic() {
        assert!(serves(ARM64, "arm64") && is_fixed(ARM64));
        assert!(!serves(ARM64, "riscv64"));
        assert!(!serves(&ARM64.replace("enabled", "disabled"), "arm64"));
        assert!(!is_fixed(&ARM64.replace("POCF", "PO")));
    }
}
