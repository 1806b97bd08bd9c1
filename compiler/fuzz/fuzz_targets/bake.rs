//! Reads arbitrary text as a bake file of each kind, resolves all that it names, and prints it; what is printed must read
//! the same again.
//!
//! Run with `cargo +nightly fuzz run bake` in `compiler/`; any bake or compose file is a seed.
#![no_main]

use buildc_compiler::bake::{BakeFile, Surroundings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let around = Surroundings {
        environment: &|name| (name == "TAG").then(|| "1".to_owned()),
        dotenv: "VERSION=2\n",
        read: &|_| Ok(Some("A=1\n".to_owned())),
        now: "2000-01-01T00:00:00Z",
        platform: "linux/amd64",
    };
    for name in ["docker-bake.hcl", "docker-bake.json", "compose.yaml"] {
        let files = [(name.to_owned(), text.to_owned())];
        let Ok(file) = BakeFile::read(&files, &around) else { continue };
        let Ok(baked) = file.resolve(&["*".to_owned()]).or_else(|_| file.resolve(&[])) else { continue };
        let Ok(printed) = baked.printed() else { continue };
        let files = [("docker-bake.json".to_owned(), printed.clone())];
        let again = BakeFile::read(&files, &around).and_then(|file| file.resolve(&[]));
        if let Ok(again) = again {
            assert_eq!(again.targets.keys().collect::<Vec<_>>(), baked.targets.keys().collect::<Vec<_>>());
        }
    }
});
