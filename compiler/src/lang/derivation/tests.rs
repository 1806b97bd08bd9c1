//! Paths that Nix 2.34.8 gives the same derivations in `/nix/store`, and reading back.

use std::convert::Infallible;

use proptest::prelude::*;

use super::modulo::{Known, ModuloError, fill_output_paths};
use super::*;
use crate::lang::store_path::{output_placeholder, unknown_output_placeholder};

const ABC: &[u8] = b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A store without files, and the derivations made so far.
#[derive(Default)]
struct World {
    store: StoreDir,
    known: Known,
}

/// What an evaluator would remember of a derivation.
struct Made {
    path: StorePath,
    derivation: Derivation,
}

fn plain(name: &str, builder: &[u8], outputs: &[(&str, Output)]) -> Derivation {
    let text = |text: &str| text.as_bytes().to_vec();
    let mut derivation = Derivation {
        name: text(name),
        system: text("x"),
        builder: builder.to_vec(),
        outputs: outputs.iter().map(|(name, output)| (text(name), output.clone())).collect(),
        ..Derivation::default()
    };
    for (key, value) in [("name", name.as_bytes()), ("system", b"x"), ("builder", builder)] {
        derivation.env.insert(text(key), value.to_vec());
    }
    derivation
}

impl World {
    fn finish(&mut self, mut derivation: Derivation) -> Made {
        let mut read = |_: &StorePath| -> Result<Derivation, Infallible> { unreachable!("all are known") };
        let is_deferred = derivation.outputs.values().all(|output| *output == Output::Deferred);
        for (name, output) in &derivation.outputs {
            let value = match output.path() {
                Some(path) => self.store.print(path),
                None if is_deferred => Vec::new(),
                None => output_placeholder(name),
            };
            derivation.env.insert(name.clone(), value);
        }
        if is_deferred {
            fill_output_paths(&mut self.known, &self.store, &mut derivation, &mut read).unwrap();
        }
        let (path, text) = derivation.object(&self.store).unwrap();
        self.known.record(&self.store, path.clone(), &derivation, &text, &mut read).unwrap();
        Made { path, derivation }
    }

    fn output(&self, made: &Made, output: &str) -> Vec<u8> {
        match made.derivation.outputs[output.as_bytes()].path() {
            Some(path) => self.store.print(path),
            None => unknown_output_placeholder(&made.path, output.as_bytes()),
        }
    }

    /// `u` of the vectors: uses an output as its builder, and a text.
    fn user(&mut self, made: &Made, output: &str) -> Made {
        let builder = [&self.output(made, output), b"/b".as_slice()].concat();
        let mut user = plain("u", &builder, &[("out", Output::Deferred)]);
        let text = Hash::of(Algorithm::Sha256, b"t");
        let source = text_path(&self.store, b"s", &text, &References::default()).unwrap();
        user.env.insert(b"src".to_vec(), self.store.print(&source));
        user.input_sources.insert(source);
        let inputs = Inputs { outputs: BTreeSet::from([output.into()]), ..Inputs::default() };
        user.input_derivations.insert(made.path.clone(), inputs);
        self.finish(user)
    }

    fn expect(&self, made: &Made, path: &str, output: &str) {
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(shown(made.path.as_bytes()), path);
        assert_eq!(shown(&self.output(made, "out")), output);
    }
}

fn a(world: &mut World) -> Made {
    let mut a = plain("a", b"/bin/b", &[("out", Output::Deferred), ("dev", Output::Deferred)]);
    a.args = vec![b"-c".to_vec(), b"echo \"hi\" \\ \n\t\r".to_vec()];
    a.env.insert(b"outputs".to_vec(), b"out dev".to_vec());
    world.finish(a)
}

fn fixed(world: &mut World, method: FileMethod, mode: &str, hash: &[u8], algorithm: &str) -> Made {
    let known = crate::lang::hash::parse(hash, Algorithm::parse(algorithm.as_bytes()).ok()).unwrap();
    let name = if method == FileMethod::Text { "t" } else { "f" };
    let output = Output::fixed(&world.store, name.as_bytes(), b"out", method, known).unwrap();
    let mut f = plain(name, b"b", &[("out", output)]);
    f.env.insert(b"outputHash".to_vec(), hash.to_vec());
    for (key, value) in [("outputHashMode", mode), ("outputHashAlgo", algorithm)] {
        if !value.is_empty() {
            f.env.insert(key.into(), value.into());
        }
    }
    world.finish(f)
}

#[test]
fn input_addressed() {
    let mut world = World::default();
    let a = a(&mut world);
    world.expect(
        &a,
        "xm8dzb3p1day21csda8x5xkb6p863ix8-a.drv",
        "/nix/store/0n1bipgaaigsznqhj8wz8pim11pxif8r-a",
    );
    let user = world.user(&a, "out");
    world.expect(
        &user,
        "3wdjdaypwfqlsqsvqm7h2kq9rlvzl2sd-u.drv",
        "/nix/store/zhqz6i9g8wyi1vfvraa3n8jgisjmwmzr-u",
    );
    let user = world.user(&a, "dev");
    world.expect(
        &user,
        "ag33adbli8vg6fa2rqkq33p5ahz09gqx-u.drv",
        "/nix/store/v0kzb5529l4cv7yxfi3dp1dd8cc2jpla-u",
    );
}

#[test]
fn fixed_outputs() {
    let sri: &[u8] = b"sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
    let md5: &[u8] = b"md5:900150983cd24fb0d6963f7d28e17f72";
    let mut world = World::default();
    let f = fixed(&mut world, FileMethod::Flat, "", ABC, "sha256");
    world.expect(
        &f,
        "3i99spz2ya8ggm80lpvlx0hxyzwpzqpv-f.drv",
        "/nix/store/4iq0mcxymblzl1gqy5qv51ncqb170c63-f",
    );
    let user = world.user(&f, "out");
    world.expect(
        &user,
        "fkqwa1y2sak0w0ck0qj5075djkgy3516-u.drv",
        "/nix/store/h51c7ykwcs2ajlm1fwwn37jdl5843lrp-u",
    );
    let r = fixed(&mut world, FileMethod::Archive, "recursive", sri, "");
    world.expect(
        &r,
        "nxsj50bx7xqyfnn1k5hlvq8xdqpp4flr-f.drv",
        "/nix/store/92mx48lzpi4pbjmxnj2hdspiss0vgr6s-f",
    );
    let user = world.user(&r, "out");
    world.expect(
        &user,
        "6ggnfikhq5disjpndr258v9c85228ip5-u.drv",
        "/nix/store/y4hngv23ksnsrv072zsz8cszs4ljixgw-u",
    );
    let m = fixed(&mut world, FileMethod::Archive, "recursive", md5, "");
    world.expect(
        &m,
        "my0llhz9qp500k3c738kg2b3k9j94zs0-f.drv",
        "/nix/store/5f5vgzwxzzikdq6lq4adx8dx3ddagycg-f",
    );
    let t = fixed(&mut world, FileMethod::Text, "text", sri, "");
    world.expect(
        &t,
        "z6qi7ndjkm9k6k00cyk5c0ymaxaxk7qz-t.drv",
        "/nix/store/3qxcknynrpqada68505x6glcp8wfpm7x-t",
    );
    let user = world.user(&t, "out");
    world.expect(
        &user,
        "wg4h65655zrzz6hlrs9lk9m46k2napzk-u.drv",
        "/nix/store/g3wi6cb373iwyw89ab8i02r4rk51l7b2-u",
    );
}

#[test]
fn floating_and_what_needs_them() {
    let mut world = World::default();
    let floating = Output::Floating(FileMethod::Archive, Algorithm::Sha256);
    let mut c = plain("c", b"b", &[("out", floating.clone()), ("dev", floating)]);
    c.env.insert(b"outputs".to_vec(), b"out dev".to_vec());
    let c = world.finish(c);
    world.expect(
        &c,
        "wpb5g5j4l5ncf711yljx4n2659gwjn41-c.drv",
        "/1cs9sh7njz07dyk0kx5l0jr801mg53z536vzi5z6x5i2xwgja2nv",
    );
    let user = world.user(&c, "out");
    world.expect(
        &user,
        "imvax7bpjab55qbav6gza78dmj991ggf-u.drv",
        "/1jbfg9lbmn3i9jcv93ajdv8rjmnphvxlnxjlyc4s6p0zprnwgxzd",
    );
    let above = world.user(&user, "out");
    world.expect(
        &above,
        "g55r90cijpipbfwn6qhvvw15l4lnzvz8-u.drv",
        "/1g6xf2icv6im7c99n2x1g14bpvwz8flnsxnlfa3c2i3x96ah1pdp",
    );
    let user = world.user(&c, "dev");
    world.expect(
        &user,
        "3473niylib8ch4bbs3mm8s17jdjpg03m-u.drv",
        "/0342gsianj0n0bjh461gffldr4f7d1g0mcihlv03gkcdxa64d3dr",
    );
}

#[test]
fn impure_and_what_needs_them() {
    let mut world = World::default();
    let i =
        world.finish(plain("i", b"b", &[("out", Output::Impure(FileMethod::Archive, Algorithm::Sha256))]));
    world.expect(
        &i,
        "d03n3axmp02wh2zhm5wdamhcnhcc331s-i.drv",
        "/0kijpg6s1ybcqvjwx14wyfcf13lyhf1zkwfvnj11rdbv3v2fvdgw",
    );
    let user = world.user(&i, "out");
    world.expect(
        &user,
        "g7xw5apm4xvxdk85dxrhhf727vps0nf7-u.drv",
        "/06yvs1rrva5jfzdrqfbiz1k6lymfbhch5rbshiwfb5j8nwys4n3m",
    );
}

#[test]
fn structured_attributes() {
    let mut world = World::default();
    let a = a(&mut world);
    let dev = String::from_utf8(world.output(&a, "dev")).unwrap();
    let mut s = plain("s", b"b", &[("out", Output::Deferred)]);
    s.env.clear();
    let json = format!(r#"{{"builder":"b","k":{{"a":[1,1.5,null,true,"x{dev}"]}},"name":"s","system":"x"}}"#);
    s.structured_attrs = Some(json.into_bytes());
    let inputs = Inputs { outputs: BTreeSet::from([b"dev".to_vec()]), ..Inputs::default() };
    s.input_derivations.insert(a.path.clone(), inputs);
    let s = world.finish(s);
    world.expect(
        &s,
        "fzph2ai7nfjx8sj4h675my4khgm0zn79-s.drv",
        "/nix/store/qw3g4z4wgg0j7kyiig7jw4jw0bbx68lc-s",
    );
}

#[test]
fn inputs_are_read_where_they_are_not_known() {
    let mut world = World::default();
    let a = a(&mut world);
    let user = world.user(&a, "out");
    let store = StoreDir::default();
    let texts = [(a.path.clone(), a.derivation.write(&store).as_bytes().to_vec())];
    let mut asked = Vec::new();
    let mut read = |path: &StorePath| -> Result<Derivation, String> {
        asked.push(path.clone());
        let text = &texts.iter().find(|(known, _)| known == path).ok_or("missing")?.1;
        Derivation::parse(&store, b"a", text).map_err(|error| error.to_string())
    };
    let hashes = Known::default().hashes(&store, &user.derivation, false, &mut read).unwrap();
    assert_eq!(asked, [a.path]);
    let mut lost = |_: &StorePath| Err::<Derivation, _>("gone");
    assert_eq!(
        Known::default().hashes(&store, &user.derivation, false, &mut lost),
        Err(ModuloError::Unreadable("gone"))
    );
    assert!(!hashes.is_deferred);
}

#[test]
fn malformed_texts() {
    let text = a(&mut World::default()).derivation.write(&StoreDir::default());
    let good = text.as_bytes();
    for end in 0..good.len() {
        assert!(Derivation::parse(&StoreDir::default(), b"a", &good[..end]).is_err(), "cut at {end}");
    }
    assert!(Derivation::parse(&StoreDir::default(), b"a", &[good, b"x"].concat()).is_err());
    assert!(Derivation::parse(&StoreDir::new(b"/other"), b"a", good).is_err());
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        env: BTreeMap<Vec<u8>, Vec<u8>>,
        args: Vec<Vec<u8>>,
        builder: Vec<u8>,
        hash: [u8; 32],
        kind in 0..5,
    ) {
        let store = StoreDir::default();
        let path = StorePath::new(&hash[..20], b"x.drv").unwrap();
        let output = match kind {
            0 => Output::Deferred,
            1 => Output::InputAddressed(path.clone()),
            2 => {
                let hash = Hash::from_bytes(Algorithm::Sha256, &hash).unwrap();
                Output::fixed(&store, b"n", b"out", FileMethod::Archive, hash).unwrap()
            }
            3 => Output::Floating(FileMethod::Text, Algorithm::Sha512),
            _ => Output::Impure(FileMethod::Flat, Algorithm::Sha1),
        };
        let below = Inputs { outputs: BTreeSet::from([b"dev".to_vec()]), dynamic: BTreeMap::new() };
        let dynamic = if kind == 3 { BTreeMap::from([(b"out".to_vec(), below)]) } else { BTreeMap::new() };
        let inputs = Inputs { outputs: BTreeSet::from([b"out".to_vec()]), dynamic };
        let derivation = Derivation {
            name: b"n".to_vec(),
            outputs: BTreeMap::from([(b"out".to_vec(), output)]),
            input_derivations: BTreeMap::from([(path.clone(), inputs)]),
            input_sources: BTreeSet::from([path]),
            system: b"x".to_vec(),
            builder,
            args,
            structured_attrs: (kind == 1).then(|| b"{}".to_vec()),
            env: env.into_iter().filter(|(name, _)| name != b"__json").collect(),
        };
        prop_assert_eq!(Derivation::parse(&store, b"n", derivation.write(&store).as_bytes()), Ok(derivation));
    }
}
