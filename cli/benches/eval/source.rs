//! A large source file, the same every time.

use std::fmt::Write;

/// A file of at least so many bytes with every form of the grammar, whose value is cheap: a list of a few names.
pub fn large(bytes: usize) -> String {
    let mut out = String::with_capacity(bytes + 4096);
    out.push_str("# A generated package collection.\nlet\n  lib = { id = x: x; };\n");
    let mut count = 0_usize;
    while out.len() < bytes {
        definition(&mut out, count);
        count += 1;
    }
    out.push_str("in\n[ package0.name package1.version ]\n");
    out
}

fn definition(out: &mut String, n: usize) {
    let other = n / 2;
    let _ = write!(
        out,
        r#"
  /* Package number {n}
     with a comment of two lines. */
  package{n} = rec {{
    name = "package-{n}-${{version}}"; # a name
    version = "1.{other}.{n}";
    src = ./sources/package-{n}.tar.gz;
    urls = [ "https://example.org/p/{n}.tar.gz" http://mirror.example.org/{n} <mirrors/{n}> ];
    meta = {{ description = "Does what number {n} does"; license.free = true; maintainers = [ "a{n}" "b{other}" ]; priority = {n}; weight = {n}.5; }};
    build = {{ stdenv, fetch ? lib.id, deps ? [ ], debug ? false, ... }}@args:
      assert {n} > 0 || !debug -> deps != [ ];
      with stdenv;
      let
        inherit (args) extra other prefix;
        flags = [ (if debug then "-g" else "-O2") "--prefix=${{toString args.prefix}}" ] ++ deps ++ map (d: d.flags or [ ]) deps;
        n = 1 + 2 * {n} - 3 / (4 + {other});
      in
      lib.id ({{
        inherit flags extra;
        ${{name}} = args ? stdenv.cc && n <= {n};
        phases."post install" = ''
          install -Dm755 build/tool $out/bin/tool-{n}
          substituteInPlace $out/bin/tool-{n} \
            --replace /usr/bin ${{stdenv}}/bin \
            --subst ''${{escaped}} ''' and a quote
        '';
      }} // (if n == {n} then {{ }} else rec {{ a = b; b = [ ]; }}));
    depends = x: y: (package{other}.build {{ stdenv = x; deps = [ y (x y) ]; }}).flags or [ ];
  }};
"#
    );
}
