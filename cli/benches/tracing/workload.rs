//! The measured commands, each the last step of a Dockerfile of its own, and their common base.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::measure::run;
use crate::{BASE, Failure};

/// The commands that are measured.
pub const NAMES: [&str; 4] = ["apt", "npm", "c", "python"];

/// Packages that are installed, and were fetched before.
const PACKAGES: &str = "curl git";
/// Sources of the C program.
const SOURCES: usize = 200;
/// Packages below the one that npm installs.
const NODE_PACKAGES: usize = 60;

/// Makes the root file system that all of them run on: Debian 12 with a C compiler, Python, node and npm.
///
/// # Errors
/// When mmdebstrap fails.
pub fn debian(tar: &Path) -> Result<(), Failure> {
    let mirror = match std::env::var("DEBIAN_MIRROR") {
        Ok(mirror) => mirror,
        Err(_) => mirror_of_apt()?,
    };
    let mut command = Command::new("mmdebstrap");
    command.args(["--quiet", "--variant=minbase", "--aptopt=Acquire::Languages \"none\""]);
    command.arg("--include=ca-certificates,gcc,libc6-dev,make,python3,nodejs,npm").arg("bookworm").arg(tar);
    run(command.arg(format!("deb {mirror} bookworm main")))
}

fn mirror_of_apt() -> Result<String, Failure> {
    let mut apt = Command::new("apt-get");
    apt.args(["indextargets", "Created-By: Packages", "Codename: bookworm", "--format", "$(REPO_URI)"]);
    let text = String::from_utf8(apt.output()?.stdout)?;
    Ok(text.lines().next().ok_or("apt knows no mirror of bookworm: set DEBIAN_MIRROR")?.to_owned())
}

/// Makes the build context of one.
///
/// # Errors
/// When it cannot be written.
pub fn make(name: &str, dir: &Path) -> Result<(), Failure> {
    fs::create_dir_all(dir)?;
    let (before, command) = match name {
        "apt" => (
            format!(
                "ENV DEBIAN_FRONTEND=noninteractive\nRUN rm -f /etc/apt/apt.conf.d/docker-clean; apt-get -q update \
                 && apt-get -q -y install --no-install-recommends --download-only {PACKAGES}\n"
            ),
            format!("apt-get -q -y install --no-install-recommends --no-download {PACKAGES}"),
        ),
        "npm" => {
            node_packages(dir)?;
            ("WORKDIR /app\nCOPY . .\n".to_owned(), "npm install --offline --no-audit --no-fund".to_owned())
        }
        "c" => {
            sources(dir)?;
            ("WORKDIR /src\nCOPY . .\n".to_owned(), "make -s -j2".to_owned())
        }
        "python" => (
            String::new(),
            "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do \
             python3 -c 'import json, http.server, email, xml.dom.minidom, asyncio, sqlite3, unittest, ssl'; done"
                .to_owned(),
        ),
        other => return Err(format!("No work is called `{other}`").into()),
    };
    let text = format!("FROM {BASE}\n{before}ARG ROUND\nRUN {command}\n");
    Ok(fs::write(dir.join("Dockerfile"), text)?)
}

/// A program of many files, each of which includes what C programs usually include.
fn sources(dir: &Path) -> Result<(), Failure> {
    let mut names = String::new();
    for i in 0..SOURCES {
        let text = format!(
            "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include \"all.h\"\n\
             int f{i}(int n) {{ char b[64]; snprintf(b, sizeof b, \"%d\", n); return (int)strlen(b) + {i}; }}\n"
        );
        fs::write(dir.join(format!("f{i}.c")), text)?;
        names.push_str(&format!(" f{i}.o"));
    }
    let header: String = (0..SOURCES).map(|i| format!("int f{i}(int);\n")).collect();
    fs::write(dir.join("all.h"), header)?;
    fs::write(dir.join("main.c"), "#include \"all.h\"\nint main(void) { return f0(1) == 1 ? 0 : 1; }\n")?;
    let make = format!(
        "CFLAGS = -O1\nprogram: main.o{names}\n\tgcc -o $@ $^\n%.o: %.c all.h\n\tgcc $(CFLAGS) -c -o $@ $<\n"
    );
    Ok(fs::write(dir.join("Makefile"), make)?)
}

/// A package that depends on many, which lie beside it as archives.
fn node_packages(dir: &Path) -> Result<(), Failure> {
    let work = dir.join("packages");
    let mut wanted = String::new();
    for i in 0..NODE_PACKAGES {
        let package = work.join("package");
        fs::create_dir_all(package.join("lib"))?;
        fs::write(package.join("package.json"), format!("{{\"name\":\"p{i}\",\"version\":\"1.0.0\"}}\n"))?;
        for j in 0..20 {
            fs::write(package.join(format!("lib/m{j}.js")), format!("module.exports = {j};\n").repeat(20))?;
        }
        run(Command::new("tar")
            .arg("-C")
            .arg(&work)
            .arg("-czf")
            .arg(work.join(format!("p{i}.tgz")))
            .arg("package"))?;
        fs::remove_dir_all(&package)?;
        let comma = if i == 0 { "" } else { "," };
        wanted.push_str(&format!("{comma}\"p{i}\":\"file:packages/p{i}.tgz\""));
    }
    let text = format!("{{\"name\":\"app\",\"version\":\"1.0.0\",\"dependencies\":{{{wanted}}}}}\n");
    Ok(fs::write(dir.join("package.json"), text)?)
}
