# Fixed points with overlays: extends, composed extensions, makeExtensible, overriding.
let
  fix = f: let x = f x; in x;
  extends = overlay: f: final: let prev = f final; in prev // overlay final prev;
  composeExtensions = f: g: final: prev: let fApplied = f final prev; prev' = prev // fApplied; in fApplied // g final prev';
  composeMany = builtins.foldl' composeExtensions (final: prev: { });
  makeExtensible = rattrs: fix rattrs // { __unfix__ = rattrs; extend = f: makeExtensible (extends f rattrs); };
  makeOverridable = f: args: let result = f args; in result // { override = new: makeOverridable f (args // (if builtins.isFunction new then new args else new)); };
  callPackageWith = scope: fn: args: let f = if builtins.isFunction fn then fn else import fn; in makeOverridable f (builtins.intersectAttrs (builtins.functionArgs f) scope // args);

  base = self: {
    version = "1.0";
    callPackage = callPackageWith self;
    zlib = self.callPackage ({ version }: { name = "zlib-${version}"; }) { };
    openssl = self.callPackage ({ zlib, static ? false }: { name = "openssl(${zlib.name})${if static then "-static" else ""}"; }) { };
    curl = self.callPackage ({ zlib, openssl, http2 ? true }: { name = "curl(${openssl.name},${zlib.name})"; inherit http2; }) { };
    all = map (p: p.name) [ self.zlib self.openssl self.curl ];
  };
  newer = final: prev: { version = "2.0"; };
  static = final: prev: { openssl = prev.openssl.override { static = true; }; };
  renamed = final: prev: { zlib = prev.zlib // { name = "ng-" + prev.zlib.name; }; counted = (prev.counted or 0) + 1; };
  plain = fix base;
  one = fix (extends newer base);
  many = fix (extends (composeMany [ newer static renamed renamed ]) base);
  ext = (makeExtensible base).extend (final: prev: { version = prev.version + "-ext"; });
in {
  plain = plain.all; one = one.all; many = many.all; inherit (many) counted;
  ext = (ext.extend static).all;
  override = (plain.curl.override (old: { openssl = { name = "libre"; }; http2 = !old.http2 or true; })).name;
  http2 = ((plain.curl.override { http2 = false; }).override { }).http2;
}
