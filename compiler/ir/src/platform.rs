//! Operating system and CPU of an image, in the normalised spelling of the OCI specification.

use std::fmt;
use std::str::FromStr;

/// `os[(version)]/arch[/variant]`, normalised (`x86_64` is `amd64`, `arm64/v8` is `arm64`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct Platform {
    /// Operating system, for example `linux`.
    pub os: String,
    /// CPU architecture as Go names it, for example `amd64`.
    pub arch: String,
    /// CPU variant, for example `v7`.
    pub variant: Option<String>,
    /// Version of the operating system, for example `10.0.20348.2762`; of Windows, where an image fits one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
}

/// A platform text that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("platform `{0}` is not of the form os/arch[/variant]")]
pub struct ParsePlatformError(pub String);

/// What one word alone may be, besides a system.
const ARCHITECTURES: [&str; 16] = [
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le",
    "riscv64", "s390x", "sparc64", "wasm", "wasm32",
];

impl Platform {
    /// The platform this binary was compiled for.
    pub fn host() -> Self {
        Self::normalised("linux", std::env::consts::ARCH, None)
    }

    /// Whether its paths, shell and variables are those of Windows.
    pub fn is_windows(&self) -> bool {
        self.os == "windows"
    }

    /// The operating system with its version: `windows(10.0.20348.2762)`.
    pub fn os_with_version(&self) -> String {
        match &self.os_version {
            Some(version) => format!("{}({version})", self.os),
            None => self.os.clone(),
        }
    }

    /// Makes a platform from loosely spelled parts.
    pub fn normalised(os: &str, arch: &str, variant: Option<&str>) -> Self {
        let os = os.to_ascii_lowercase();
        let variant = variant.map(str::to_ascii_lowercase).filter(|v| !v.is_empty());
        let (arch, variant) = match (arch.to_ascii_lowercase().as_str(), variant.as_deref()) {
            ("x86_64" | "x86-64" | "amd64", v) => {
                ("amd64".to_owned(), v.filter(|v| *v != "v1").map(str::to_owned))
            }
            ("aarch64" | "arm64", v) => {
                ("arm64".to_owned(), v.filter(|v| *v != "v8" && *v != "8").map(str::to_owned))
            }
            ("armhf", _) => ("arm".to_owned(), Some("v7".to_owned())),
            ("armel", _) => ("arm".to_owned(), Some("v6".to_owned())),
            ("arm", None) => ("arm".to_owned(), Some("v7".to_owned())),
            ("arm", Some(v)) => ("arm".to_owned(), Some(format!("v{}", v.trim_start_matches('v')))),
            ("i386" | "i686" | "x86", _) => ("386".to_owned(), None),
            ("powerpc64le", v) => ("ppc64le".to_owned(), v.map(str::to_owned)),
            (other, v) => (other.to_owned(), v.map(str::to_owned)),
        };
        Self { os, arch, variant, os_version: None }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os_with_version(), self.arch)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Platform {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || ParsePlatformError(text.to_owned());
        if text == "local" {
            return Ok(Self::host());
        }
        let mut parts: Vec<&str> = text.split('/').collect();
        let mut os_version = None;
        if let Some(first) = parts.first_mut()
            && let Some((os, version)) = first.strip_suffix(')').and_then(|first| first.split_once('('))
        {
            os_version = Some(version.to_owned());
            *first = os;
        }
        let word =
            |w: &&str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !parts.iter().all(word) || os_version.as_deref().is_some_and(|version| !word(&version)) {
            return Err(fail());
        }
        let found = match parts.as_slice() {
            [one] if ["linux", "windows", "darwin", "freebsd"].contains(one) => {
                Ok(Self { os: (*one).to_owned(), ..Self::host() })
            }
            [arch] => {
                let found = Self::normalised("linux", arch, None);
                if ARCHITECTURES.contains(&found.arch.as_str()) { Ok(found) } else { Err(fail()) }
            }
            [os, arch] => Ok(Self::normalised(os, arch, None)),
            [os, arch, variant] => Ok(Self::normalised(os, arch, Some(variant))),
            _ => Err(fail()),
        };
        found.map(|found| Self { os_version, ..found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_normalised() {
        for (text, want) in [
            ("linux/x86_64", "linux/amd64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm", "linux/arm/v7"),
            ("arm64", "linux/arm64"),
            ("linux/arm/6", "linux/arm/v6"),
            ("linux/386", "linux/386"),
            ("windows(1.2.3)/x86_64", "windows(1.2.3)/amd64"),
        ] {
            assert_eq!(text.parse::<Platform>().map(|p| p.to_string()).as_deref(), Ok(want));
        }
        assert!("linux//x".parse::<Platform>().is_err());
        assert!("windows()/amd64".parse::<Platform>().is_err());
        assert!("foo".parse::<Platform>().is_err(), "neither a system nor an architecture");
        assert!("a/b/c/d".parse::<Platform>().is_err());
    }
}
