//! The encoding loses nothing that enters keys: what was encoded is read back by a decoder that only tests have. So
//! different steps have different bytes.

use buildc_digest::Digest;
use proptest::prelude::*;

use super::Encoder;
use crate::platform::Platform;
use crate::step::{
    ConfigChange, Copy, CopySource, Exec, From, GitSource, HttpSource, ImageSource, Mkdir, Mount,
    MountSource, Network, Sharing, StepKind, Unpack,
};

/// Reads the encoding; malformed bytes panic.
struct Decoder<'a>(&'a [u8]);

impl Decoder<'_> {
    fn take(&mut self, count: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken.to_vec()
    }

    fn tag(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn flag(&mut self) -> bool {
        self.tag() == 1
    }

    fn uint(&mut self) -> u64 {
        u64::from_le_bytes(self.take(8).try_into().unwrap())
    }

    fn small(&mut self) -> u32 {
        u32::try_from(self.uint()).unwrap()
    }

    fn text(&mut self) -> String {
        let len = usize::try_from(self.uint()).unwrap();
        String::from_utf8(self.take(len)).unwrap()
    }

    fn list<T>(&mut self, mut each: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.uint()).map(|_| each(self)).collect()
    }

    fn option<T>(&mut self, each: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| each(self))
    }

    fn digest(&mut self) -> Digest {
        Digest::from_bytes(self.take(32).try_into().unwrap())
    }

    fn platform(&mut self) -> Platform {
        Platform { os: self.text(), arch: self.text(), variant: self.option(Self::text), os_version: None }
    }

    fn from(&mut self) -> From {
        match self.tag() {
            0 => From::Context(self.text()),
            _ => From::Input(usize::try_from(self.uint()).unwrap()),
        }
    }

    fn kind(&mut self) -> StepKind {
        match self.tag() {
            0 => StepKind::Scratch,
            1 => {
                let (manifest, platform) = (self.digest(), self.platform());
                StepKind::Image(ImageSource { reference: String::new(), manifest, platform })
            }
            2 => StepKind::Http(HttpSource {
                url: self.text(),
                checksum: self.option(Self::digest),
                name: self.text(),
            }),
            7 => StepKind::Git(GitSource {
                url: self.text(),
                commit: self.text(),
                subdirectory: self.text(),
                submodules: self.flag(),
                keep_git_dir: self.flag(),
            }),
            3 => StepKind::Exec(self.exec()),
            4 => StepKind::Copy(self.copy()),
            5 => StepKind::Mkdir(Mkdir { path: self.text(), user: self.text() }),
            _ => StepKind::Config(ConfigChange { text: self.text() }),
        }
    }

    fn exec(&mut self) -> Exec {
        Exec {
            args: self.list(Self::text),
            env: self.list(|d| (d.text(), d.text())),
            unkeyed_env: Vec::new(),
            cwd: self.text(),
            user: self.text(),
            mounts: self.list(Self::mount),
            network: [Network::Default, Network::None, Network::Host][usize::from(self.tag())],
            insecure: self.flag(),
            extra_hosts: Vec::new(),
            platform: self.platform(),
        }
    }

    fn mount(&mut self) -> Mount {
        let (target, readonly) = (self.text(), self.flag());
        let source = match self.tag() {
            0 => MountSource::Bind { from: self.from(), path: self.text() },
            1 => MountSource::Cache {
                id: self.text(),
                sharing: [Sharing::Shared, Sharing::Private, Sharing::Locked][usize::from(self.tag())],
                initial: self.option(|d| (d.from(), d.text())),
                mode: self.small(),
                uid: self.small(),
                gid: self.small(),
            },
            2 => MountSource::Tmpfs { size_bytes: self.option(Self::uint) },
            3 => MountSource::Secret {
                id: self.text(),
                env: self.option(Self::text),
                file: self.flag(),
                mode: self.small(),
                uid: self.small(),
                gid: self.small(),
                required: self.flag(),
            },
            4 => MountSource::Ssh {
                id: self.text(),
                mode: self.small(),
                uid: self.small(),
                gid: self.small(),
                required: self.flag(),
            },
            _ => MountSource::Inline { data: self.text() },
        };
        Mount { target, source, readonly }
    }

    fn copy(&mut self) -> Copy {
        Copy {
            sources: self.list(|d| match d.tag() {
                0 => CopySource::Path { from: d.from(), pattern: d.text() },
                1 => CopySource::Inline { name: d.text(), data: d.text() },
                _ => CopySource::Fetched { input: usize::try_from(d.uint()).unwrap(), name: d.text() },
            }),
            dest: self.text(),
            dest_is_dir: self.flag(),
            chown: self.option(Self::text),
            chmod: self.option(Self::text),
            exclude: self.list(Self::text),
            parents: self.flag(),
            link: self.flag(),
            unpack: [Unpack::Never, Unpack::Local, Unpack::Always][usize::from(self.tag())],
        }
    }
}

/// The step without what does not enter keys.
fn keyed(mut kind: StepKind) -> StepKind {
    match &mut kind {
        StepKind::Image(image) => image.reference.clear(),
        StepKind::Exec(exec) => {
            exec.unkeyed_env.clear();
            exec.extra_hosts.clear();
        }
        _ => {}
    }
    kind
}

fn encoded(kind: &StepKind) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.step_kind(kind);
    encoder.finish()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ab=\0]{1,3}", "\\PC{0,8}"]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text(), 0..3)
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec((text(), text()), 0..3)
}

fn platform() -> impl Strategy<Value = Platform> {
    (text(), text(), prop::option::of(text())).prop_map(|(os, arch, variant)| Platform {
        os,
        arch,
        variant,
        os_version: None,
    })
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::from_bytes)
}

fn from() -> impl Strategy<Value = From> {
    prop_oneof![text().prop_map(From::Context), (0..9usize).prop_map(From::Input)]
}

fn owner() -> impl Strategy<Value = (u32, u32, u32)> {
    any::<(u32, u32, u32)>()
}

fn mount() -> impl Strategy<Value = Mount> {
    let sharing = prop_oneof![Just(Sharing::Shared), Just(Sharing::Private), Just(Sharing::Locked)];
    let cache = (text(), sharing, prop::option::of((from(), text())), owner()).prop_map(
        |(id, sharing, initial, (mode, uid, gid))| MountSource::Cache {
            id,
            sharing,
            initial,
            mode,
            uid,
            gid,
        },
    );
    let secret = (text(), prop::option::of(text()), any::<(bool, bool)>(), owner()).prop_map(
        |(id, env, (file, required), (mode, uid, gid))| MountSource::Secret {
            id,
            env,
            file,
            mode,
            uid,
            gid,
            required,
        },
    );
    let ssh = (text(), any::<bool>(), owner())
        .prop_map(|(id, required, (mode, uid, gid))| MountSource::Ssh { id, mode, uid, gid, required });
    let source = prop_oneof![
        (from(), text()).prop_map(|(from, path)| MountSource::Bind { from, path }),
        cache,
        any::<Option<u64>>().prop_map(|size_bytes| MountSource::Tmpfs { size_bytes }),
        secret,
        ssh,
        text().prop_map(|data| MountSource::Inline { data }),
    ];
    (text(), source, any::<bool>()).prop_map(|(target, source, readonly)| Mount { target, source, readonly })
}

fn exec() -> impl Strategy<Value = Exec> {
    let network = prop_oneof![Just(Network::Default), Just(Network::None), Just(Network::Host)];
    let mounts = prop::collection::vec(mount(), 0..3);
    (texts(), pairs(), pairs(), text(), text(), mounts, network, any::<bool>(), pairs(), platform()).prop_map(
        |(args, env, unkeyed_env, cwd, user, mounts, network, insecure, extra_hosts, platform)| Exec {
            args,
            env,
            unkeyed_env,
            cwd,
            user,
            mounts,
            network,
            insecure,
            extra_hosts,
            platform,
        },
    )
}

fn copy() -> impl Strategy<Value = Copy> {
    let source = prop_oneof![
        (from(), text()).prop_map(|(from, pattern)| CopySource::Path { from, pattern }),
        (text(), text()).prop_map(|(name, data)| CopySource::Inline { name, data }),
        (0..9usize, text()).prop_map(|(input, name)| CopySource::Fetched { input, name }),
    ];
    let sources = prop::collection::vec(source, 0..3);
    let unpack = prop_oneof![Just(Unpack::Never), Just(Unpack::Local), Just(Unpack::Always)];
    let flags = any::<(bool, bool, bool)>();
    (sources, text(), flags, prop::option::of(text()), prop::option::of(text()), texts(), unpack).prop_map(
        |(sources, dest, (dest_is_dir, parents, link), chown, chmod, exclude, unpack)| Copy {
            sources,
            dest,
            dest_is_dir,
            chown,
            chmod,
            exclude,
            parents,
            link,
            unpack,
        },
    )
}

fn kind() -> impl Strategy<Value = StepKind> {
    let image = (text(), digest(), platform()).prop_map(|(reference, manifest, platform)| {
        StepKind::Image(ImageSource { reference, manifest, platform })
    });
    let http = (text(), prop::option::of(digest()), text())
        .prop_map(|(url, checksum, name)| StepKind::Http(HttpSource { url, checksum, name }));
    let git = (text(), text(), text(), any::<bool>(), any::<bool>()).prop_map(
        |(url, commit, subdirectory, submodules, keep_git_dir)| {
            StepKind::Git(GitSource { url, commit, subdirectory, submodules, keep_git_dir })
        },
    );
    // In boxes: side by side they are more than a test's stack holds.
    prop_oneof![
        Just(StepKind::Scratch),
        git.boxed(),
        image.boxed(),
        http.boxed(),
        exec().prop_map(StepKind::Exec).boxed(),
        copy().prop_map(StepKind::Copy).boxed(),
        (text(), text()).prop_map(|(path, user)| StepKind::Mkdir(Mkdir { path, user })).boxed(),
        text().prop_map(|text| StepKind::Config(ConfigChange { text })).boxed(),
    ]
}

proptest! {
    #[test]
    fn what_was_encoded_is_read_back(kind in kind()) {
        let bytes = encoded(&kind);
        let mut decoder = Decoder(&bytes);
        prop_assert_eq!(decoder.kind(), keyed(kind));
        prop_assert!(decoder.0.is_empty(), "nothing is left over");
    }

    #[test]
    fn equal_bytes_mean_equal_steps(one in kind(), other in kind()) {
        prop_assert_eq!(encoded(&one) == encoded(&other), keyed(one) == keyed(other));
    }
}
