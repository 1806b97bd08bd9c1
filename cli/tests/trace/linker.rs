//! The dynamic linker's cache: every program is started through it, and few of its entries matter to each.

use crate::story::{Fate, Story, fate};

/// Puts a dynamically linked `hostcat` there, with the libraries they want and a cache that knows those and
/// some more.
fn programs(more: &str) -> String {
    format!(
        "ld=$(PATH=$PATH:/usr/sbin:/sbin command -v ldconfig); \
         put() {{ mkdir -p .${{1%/*}}; cp -L $1 .$1; }}; \
         cp /usr/bin/cat bin/hostcat; \
         libs=$(ldd /usr/bin/cat | grep -o '/[^ ]*'); for lib in $libs; do put $lib; done; \
         dir=$(dirname $(echo \"$libs\" | grep libc.so)); for lib in {more}; do put $dir/$lib; done; \
         echo $dir >etc/ld.so.conf; $ld -r $PWD; test -s etc/ld.so.cache"
    )
}

#[test]
fn the_linkers_cache_counts_by_the_libraries_that_are_wanted_unless_another_reads_it() {
    if !crate::able() {
        return;
    }
    let story = Story::new(
        "RUN hostcat /etc/ld.so.conf >/conf\n\
         RUN hostcat /etc/ld.so.conf /etc/ld.so.cache >/both\n\
         RUN hostcat /etc/ld.so.conf >/none && exec 3</etc/ld.so.cache && hostcat <&3 >/inherited\n\
         RUN hostcat /etc/ld.so.conf >/again && test -e /etc/ld.so.cache && echo is >/is",
    );
    story.change_base(&programs(""));
    story.build();
    assert_eq!(story.run("cmp /inherited /etc/ld.so.cache && cat /is"), "is\n");
    story.change_base(&programs("libm.so.6"));
    let fates = story.build();
    assert_eq!(fate(&fates, "RUN hostcat /etc/ld.so.conf >/conf"), Fate::Traced);
    for reader in [
        "RUN hostcat /etc/ld.so.conf /etc/ld.so.cache",
        "RUN hostcat /etc/ld.so.conf >/none",
        "RUN hostcat /etc/ld.so.conf >/again",
    ] {
        assert_eq!(fate(&fates, reader), Fate::Ran, "{reader}");
    }
    assert_eq!(story.run("cmp /inherited /etc/ld.so.cache && echo same"), "same\n");
}
