//! XML as Nix writes it: elements with attributes, two blanks of indentation a level.

use std::fmt;
use std::io::{self, Write};

/// Bytes of a document that are written out together.
const PIECE: usize = 64 << 10;

/// A document in the making. It stays in memory, or goes to a sink piece by piece.
#[derive(Default)]
pub struct Document<'w> {
    out: Vec<u8>,
    /// Elements that are open.
    open: Vec<&'static str>,
    sink: Option<&'w mut dyn Write>,
    /// Why the sink took no more; what is written after it is lost.
    failure: Option<io::Error>,
}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("open", &self.open).finish_non_exhaustive()
    }
}

/// An attribute of an element.
pub type Attribute<'v> = (&'static str, &'v [u8]);

impl<'w> Document<'w> {
    /// Begins a document, to be held or written to `sink`.
    pub fn new(sink: Option<&'w mut dyn Write>) -> Self {
        let out = b"<?xml version='1.0' encoding='utf-8'?>\n".to_vec();
        Document { out, sink, ..Document::default() }
    }

    /// Begins an element. Attributes are written as given; Nix sorts them by name.
    pub fn open(&mut self, element: &'static str, attributes: &[Attribute<'_>]) {
        self.tag(element, attributes);
        self.out.extend_from_slice(b">\n");
        self.open.push(element);
        self.ship(PIECE);
    }

    /// Ends the element begun last.
    pub fn close(&mut self) {
        let Some(element) = self.open.pop() else { return };
        self.indent();
        self.out.extend_from_slice(format!("</{element}>\n").as_bytes());
        self.ship(PIECE);
    }

    /// An element with nothing in it.
    pub fn empty(&mut self, element: &'static str, attributes: &[Attribute<'_>]) {
        self.tag(element, attributes);
        self.out.extend_from_slice(b" />\n");
        self.ship(PIECE);
    }

    /// Closes all elements. The text, or what of it has not gone to the sink: nothing.
    ///
    /// # Errors
    /// When the sink took no more, now or before.
    pub fn finish(mut self) -> io::Result<Vec<u8>> {
        while !self.open.is_empty() {
            self.close();
        }
        self.ship(0);
        self.failure.map_or(Ok(self.out), Err)
    }

    /// Bytes that are held.
    pub fn size(&self) -> usize {
        self.out.len()
    }

    /// Whether to go on would be in vain.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Lets the sink have what is held, once that is as much as `piece`.
    fn ship(&mut self, piece: usize) {
        let Some(sink) = &mut self.sink else { return };
        if self.out.len() < piece {
            return;
        }
        if self.failure.is_none() {
            self.failure = sink.write_all(&self.out).err();
        }
        self.out.clear();
    }

    fn indent(&mut self) {
        self.out.resize(self.out.len() + 2 * self.open.len(), b' ');
    }

    fn tag(&mut self, element: &str, attributes: &[Attribute<'_>]) {
        self.indent();
        self.out.push(b'<');
        self.out.extend_from_slice(element.as_bytes());
        for (name, value) in attributes {
            self.out.extend_from_slice(format!(" {name}=\"").as_bytes());
            for byte in *value {
                match byte {
                    b'"' => self.out.extend_from_slice(b"&quot;"),
                    b'<' => self.out.extend_from_slice(b"&lt;"),
                    b'>' => self.out.extend_from_slice(b"&gt;"),
                    b'&' => self.out.extend_from_slice(b"&amp;"),
                    // Readers of XML make a blank of a line end in an attribute.
                    b'\n' => self.out.extend_from_slice(b"&#xA;"),
                    other => self.out.push(*other),
                }
            }
            self.out.push(b'"');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_nest_and_values_are_escaped() {
        let mut document = Document::new(None);
        document.open("a", &[("x", b"1<2 & \"3\">'\n\t"), ("y", b"\xff")]);
        document.empty("b", &[]);
        document.open("c", &[]);
        let expected = b"<?xml version='1.0' encoding='utf-8'?>\n<a x=\"1&lt;2 &amp; &quot;3&quot;&gt;'&#xA;\t\" y=\"\xff\">\n  \
            <b />\n  <c>\n  </c>\n</a>\n";
        assert_eq!(String::from_utf8_lossy(&document.finish().unwrap()), String::from_utf8_lossy(expected));
    }

    #[test]
    fn a_sink_gets_the_same_text_and_little_of_it_is_held() {
        let write = |document: &mut Document<'_>| {
            let mut most = 0;
            for _ in 0..20_000 {
                document.open("deep", &[]);
                most = most.max(document.size());
            }
            for _ in 0..20_000 {
                document.close();
                most = most.max(document.size());
            }
            most
        };
        let mut whole = Document::new(None);
        assert!(write(&mut whole) > 100 * PIECE);
        let mut sink = Vec::new();
        let mut pieces = Document::new(Some(&mut sink));
        assert!(write(&mut pieces) < 2 * PIECE);
        assert!(pieces.finish().unwrap().is_empty());
        assert!(whole.finish().unwrap() == sink);
    }

    #[test]
    fn a_sink_that_is_full_is_told_of() {
        let mut room = [0_u8; 10];
        let mut sink = &mut room[..];
        let mut document = Document::new(Some(&mut sink));
        document.empty("a", &[]);
        assert!(!document.has_failed(), "a piece is not full yet");
        assert_eq!(document.finish().unwrap_err().kind(), io::ErrorKind::WriteZero);
    }
}
