//! XML as Nix writes it: elements with attributes, two blanks of indentation a level.

/// A document in the making.
#[derive(Debug)]
pub struct Document {
    out: Vec<u8>,
    /// Elements that are open.
    open: Vec<&'static str>,
}

/// An attribute of an element.
pub type Attribute<'v> = (&'static str, &'v [u8]);

impl Default for Document {
    fn default() -> Self {
        Document { out: b"<?xml version='1.0' encoding='utf-8'?>\n".to_vec(), open: Vec::new() }
    }
}

impl Document {
    /// Begins an element. Attributes are written as given; Nix sorts them by name.
    pub fn open(&mut self, element: &'static str, attributes: &[Attribute<'_>]) {
        self.tag(element, attributes);
        self.out.extend_from_slice(b">\n");
        self.open.push(element);
    }

    /// Ends the element begun last.
    pub fn close(&mut self) {
        let Some(element) = self.open.pop() else { return };
        self.indent();
        self.out.extend_from_slice(format!("</{element}>\n").as_bytes());
    }

    /// An element with nothing in it.
    pub fn empty(&mut self, element: &'static str, attributes: &[Attribute<'_>]) {
        self.tag(element, attributes);
        self.out.extend_from_slice(b" />\n");
    }

    /// The text, once all elements are closed.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    /// Bytes written so far.
    pub fn size(&self) -> usize {
        self.out.len()
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
        let mut document = Document::default();
        document.open("a", &[("x", b"1<2 & \"3\">'\n\t"), ("y", b"\xff")]);
        document.empty("b", &[]);
        document.open("c", &[]);
        let expected = b"<?xml version='1.0' encoding='utf-8'?>\n<a x=\"1&lt;2 &amp; &quot;3&quot;&gt;'&#xA;\t\" y=\"\xff\">\n  \
            <b />\n  <c>\n  </c>\n</a>\n";
        assert_eq!(String::from_utf8_lossy(&document.finish()), String::from_utf8_lossy(expected));
    }
}
