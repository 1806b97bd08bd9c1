//! Vectors of Nix 2.34.8, agreement with serde_json, and bounds.

use proptest::prelude::*;

use super::write::{self, EncodeError};
use super::{ReadError, Sink, read};

/// Writes what it is told, so that a test sees order and values.
#[derive(Default)]
struct Log(String);

impl Sink for Log {
    type Error = ();

    fn null(&mut self) -> Result<(), ()> {
        self.0 += "null ";
        Ok(())
    }
    fn boolean(&mut self, value: bool) -> Result<(), ()> {
        self.0 += &format!("{value} ");
        Ok(())
    }
    fn integer(&mut self, value: i64) -> Result<(), ()> {
        self.0 += &format!("i{value} ");
        Ok(())
    }
    fn float(&mut self, value: f64) -> Result<(), ()> {
        self.0 += &format!("f{value:?} ");
        Ok(())
    }
    fn string(&mut self, value: &[u8]) -> Result<(), ()> {
        self.0 += &format!("{:?} ", String::from_utf8_lossy(value));
        Ok(())
    }
    fn begin_array(&mut self) -> Result<(), ()> {
        self.0 += "[ ";
        Ok(())
    }
    fn end_array(&mut self) -> Result<(), ()> {
        self.0 += "] ";
        Ok(())
    }
    fn begin_object(&mut self) -> Result<(), ()> {
        self.0 += "{ ";
        Ok(())
    }
    fn key(&mut self, name: &[u8]) -> Result<(), ()> {
        self.0 += &format!("{:?}: ", String::from_utf8_lossy(name));
        Ok(())
    }
    fn end_object(&mut self) -> Result<(), ()> {
        self.0 += "} ";
        Ok(())
    }
}

fn log(text: &[u8]) -> Result<String, String> {
    let mut sink = Log::default();
    match read(text, &mut sink) {
        Ok(()) => Ok(sink.0.trim_end().to_owned()),
        Err(ReadError::Syntax(message) | ReadError::Value(message)) => {
            Err(String::from_utf8_lossy(&message).into_owned())
        }
        Err(ReadError::Sink(())) => Err("sink".to_owned()),
    }
}

#[test]
fn values() {
    let table: [(&str, &str); 18] = [
        ("null", "null"),
        (" [true , false] ", "[ true false ]"),
        ("[]", "[ ]"),
        ("{}", "{ }"),
        ("{\"a\":1,\"a\":[{}]}", "{ \"a\": i1 \"a\": [ { } ] }"),
        ("9223372036854775807", "i9223372036854775807"),
        ("-9223372036854775808", "i-9223372036854775808"),
        ("18446744073709551616", "f1.8446744073709552e19"),
        ("-9223372036854775809", "f-9.223372036854776e18"),
        ("-0", "i0"),
        ("-0.0", "f-0.0"),
        ("1E5", "f100000.0"),
        ("1e-400", "f0.0"),
        (r#""\u00e9\n\t\/\"""#, r#""é\n\t/\"""#),
        (r#""\ud83d\ude00x""#, r#""😀x""#),
        ("\"é€😀\"", "\"é€😀\""),
        ("\u{feff}1", "i1"),
        ("\"\u{7f}\"", "\"\\u{7f}\""),
    ];
    for (text, expected) in table {
        assert_eq!(log(text.as_bytes()).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn errors_of_nix() {
    let table: [(&[u8], &str); 35] = [
        (
            b"[\n\"a\"1\n]",
            "at line 2, column 0: syntax error while parsing array - unexpected number literal; expected ']'",
        ),
        (
            b"[01\n]",
            "at line 1, column 0: syntax error while parsing array - unexpected number literal; expected ']'",
        ),
        (
            b"",
            "at line 1, column 1: attempting to parse an empty input; check that your input string or stream contains the expected JSON",
        ),
        (
            b" ",
            "at line 1, column 2: syntax error while parsing value - unexpected end of input; expected '[', '{', or a literal",
        ),
        (
            b"{",
            "at line 1, column 2: syntax error while parsing object key - unexpected end of input; expected string literal",
        ),
        (
            b"[1,]",
            "at line 1, column 4: syntax error while parsing value - unexpected ']'; expected '[', '{', or a literal",
        ),
        (
            b"[1",
            "at line 1, column 3: syntax error while parsing array - unexpected end of input; expected ']'",
        ),
        (
            b"01",
            "at line 1, column 2: syntax error while parsing value - unexpected number literal; expected end of input",
        ),
        (
            b"1.",
            "at line 1, column 3: syntax error while parsing value - invalid number; expected digit after '.'; last read: '1.'",
        ),
        (
            b"-",
            "at line 1, column 2: syntax error while parsing value - invalid number; expected digit after '-'; last read: '-'",
        ),
        (
            b"1e",
            "at line 1, column 3: syntax error while parsing value - invalid number; expected '+', '-', or digit after exponent; last read: '1e'",
        ),
        (
            b"1e+x",
            "at line 1, column 4: syntax error while parsing value - invalid number; expected digit after exponent sign; last read: '1e+x'",
        ),
        (b"nul", "at line 1, column 4: syntax error while parsing value - invalid literal; last read: 'nul'"),
        (b"nux", "at line 1, column 3: syntax error while parsing value - invalid literal; last read: 'nux'"),
        (
            b"[1 2]",
            "at line 1, column 4: syntax error while parsing array - unexpected number literal; expected ']'",
        ),
        (
            b"[\"a\" \"b\"]",
            "at line 1, column 8: syntax error while parsing array - unexpected string literal; expected ']'",
        ),
        (
            b"1 2",
            "at line 1, column 3: syntax error while parsing value - unexpected number literal; expected end of input",
        ),
        (
            b"\"a",
            "at line 1, column 3: syntax error while parsing value - invalid string: missing closing quote; last read: '\"a'",
        ),
        (
            b"\"\n\"",
            "at line 2, column 0: syntax error while parsing value - invalid string: control character U+000A (LF) must be escaped to \\u000A or \\n; last read: '\"<U+000A>'",
        ),
        (
            b"\"\x1f\"",
            "at line 1, column 2: syntax error while parsing value - invalid string: control character U+001F (US) must be escaped to \\u001F; last read: '\"<U+001F>'",
        ),
        (b"// c", "at line 1, column 1: syntax error while parsing value - invalid literal; last read: '/'"),
        (
            b"{1:2}",
            "at line 1, column 2: syntax error while parsing object key - unexpected number literal; expected string literal",
        ),
        (
            b"{\"a\" 2}",
            "at line 1, column 6: syntax error while parsing object separator - unexpected number literal; expected ':'",
        ),
        (
            b"{\"a\":1 x}",
            "at line 1, column 8: syntax error while parsing object - invalid literal; last read: '1 x'; expected '}'",
        ),
        (
            b"{\"a\":}",
            "at line 1, column 6: syntax error while parsing value - unexpected '}'; expected '[', '{', or a literal",
        ),
        (
            b"\"\\x\"",
            "at line 1, column 3: syntax error while parsing value - invalid string: forbidden character after backslash; last read: '\"\\x'",
        ),
        (
            b"\"\\u12\"",
            "at line 1, column 6: syntax error while parsing value - invalid string: '\\u' must be followed by 4 hex digits; last read: '\"\\u12\"'",
        ),
        (
            b"\"\\ud800\"",
            "at line 1, column 8: syntax error while parsing value - invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF; last read: '\"\\ud800\"'",
        ),
        (
            b"\"\\udc00\"",
            "at line 1, column 7: syntax error while parsing value - invalid string: surrogate U+DC00..U+DFFF must follow U+D800..U+DBFF; last read: '\"\\udc00'",
        ),
        (
            b"\"\xff\"",
            "at line 1, column 2: syntax error while parsing value - invalid string: ill-formed UTF-8 byte; last read: '\"\u{fffd}'",
        ),
        (
            b"\xef\xbb1",
            "at line 1, column 3: syntax error while parsing value - invalid BOM; must be 0xEF 0xBB 0xBF if given; last read: '\u{fffd}1'",
        ),
        (
            b"[\n\n x",
            "at line 3, column 2: syntax error while parsing value - invalid literal; last read: '[<U+000A><U+000A> x'",
        ),
        (
            b"1 // 2",
            "at line 1, column 3: syntax error while parsing value - invalid literal; last read: '1 /'; expected end of input",
        ),
        (
            b"]",
            "at line 1, column 1: syntax error while parsing value - unexpected ']'; expected '[', '{', or a literal",
        ),
        (
            b"[}",
            "at line 1, column 2: syntax error while parsing value - unexpected '}'; expected '[', '{', or a literal",
        ),
    ];
    for (text, expected) in table {
        let expected = format!("[json.exception.parse_error.101] parse error {expected}");
        assert_eq!(log(text), Err(expected), "{}", String::from_utf8_lossy(text));
    }
    for (text, expected) in [
        ("[1.5e400]", "[json.exception.out_of_range.406] number overflow parsing '1.5e400'"),
        ("9223372036854775808", "unsigned json number 9223372036854775808 outside of Nix integer range"),
        (
            "{\"a\\u0000\":1}",
            "input string 'a␀' cannot be represented as Nix string because it contains null bytes",
        ),
    ] {
        assert_eq!(log(text.as_bytes()), Err(expected.to_owned()));
    }
}

#[test]
fn deep_nesting_takes_no_stack() {
    let depth = 1_000_000;
    let text = "[".repeat(depth) + &"]".repeat(depth);
    assert!(log(text.as_bytes()).is_ok());
    assert!(log(&text.as_bytes()[..depth]).unwrap_err().contains("column 1000001: "));
}

#[test]
fn strings_written() {
    let mut out = Vec::new();
    write::string(&mut out, "\u{1}\u{1f}\"\\\n\r\t\u{8}\u{c}\u{7f}é/".as_bytes()).unwrap();
    assert_eq!(String::from_utf8_lossy(&out), "\"\\u0001\\u001f\\\"\\\\\\n\\r\\t\\b\\f\u{7f}é/\"");
    let table: [(&[u8], EncodeError); 8] = [
        (b"a\xff", EncodeError::Invalid { index: 1, byte: 0xff }),
        (b"\xc3(", EncodeError::Invalid { index: 1, byte: b'(' }),
        (b"\xe2\x82(x", EncodeError::Invalid { index: 2, byte: b'(' }),
        (b"\xed\xa0\x80", EncodeError::Invalid { index: 1, byte: 0xa0 }),
        (b"\x80", EncodeError::Invalid { index: 0, byte: 0x80 }),
        (b"\xf5a", EncodeError::Invalid { index: 0, byte: 0xf5 }),
        (b"\xc3", EncodeError::Incomplete { byte: 0xc3 }),
        (b"\xe2\x82", EncodeError::Incomplete { byte: 0x82 }),
    ];
    for (text, expected) in table {
        assert_eq!(write::string(&mut Vec::new(), text), Err(expected));
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(text: String) {
        prop_assume!(!text.contains('\0'));
        let mut out = Vec::new();
        write::string(&mut out, text.as_bytes()).unwrap();
        prop_assert_eq!(log(&out).unwrap(), format!("{text:?}"));
        prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }

    #[test]
    fn good_and_bad_alike_with_serde(text in r#"[\[\]{},:"\\ 0-9ntruefalse.\-]{0,24}"#) {
        let ours = log(text.as_bytes());
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs);
    }
}
