//! The lexical grammar of TOML 1.0, in the shape that gives toml11's messages.

use super::scan::Scan::{self, Alt, Byte, Exactly, Many, Maybe, Named, OneOf, Range, Seq, Word};

const DIGIT: Scan = Named("digit [0-9]", &Range(b'0', b'9'));
const ALPHA: Scan = Named("alpha [a-zA-Z]", &Alt(&[Range(b'a', b'z'), Range(b'A', b'Z')]));
const HEX_DIGIT: Scan =
    Named("hex [0-9a-fA-F]", &Alt(&[Range(b'0', b'9'), Range(b'a', b'f'), Range(b'A', b'F')]));
const CONTINUATION: Scan = Range(0x80, 0xbf);
const NON_ASCII: Scan = Named(
    "non-ascii utf-8 bytes",
    &Alt(&[
        Seq(&[Range(0xc2, 0xdf), CONTINUATION]),
        Seq(&[
            Alt(&[
                Seq(&[Byte(0xe0), Range(0xa0, 0xbf)]),
                Seq(&[Range(0xe1, 0xec), CONTINUATION]),
                Seq(&[Byte(0xed), Range(0x80, 0x9f)]),
                Seq(&[Range(0xee, 0xef), CONTINUATION]),
            ]),
            CONTINUATION,
        ]),
        Seq(&[
            Alt(&[
                Seq(&[Byte(0xf0), Range(0x90, 0xbf)]),
                Seq(&[Range(0xf1, 0xf3), CONTINUATION]),
                Seq(&[Byte(0xf4), Range(0x80, 0x8f)]),
            ]),
            CONTINUATION,
            CONTINUATION,
        ]),
    ]),
);

const BLANK: Scan = OneOf(" \t");
/// Blanks, perhaps none.
pub(super) const BLANKS: Scan = Many(0, &BLANK);
pub(super) const NEWLINE: Scan = Alt(&[Byte(b'\n'), Word("\r\n")]);
/// A comment without its line end.
pub(super) const COMMENT: Scan =
    Seq(&[Byte(b'#'), Many(0, &Alt(&[Byte(b'\t'), Range(0x20, 0x7e), NON_ASCII]))]);
pub(super) const COMMENT_LINE: Scan = Seq(&[COMMENT, NEWLINE]);
pub(super) const EMPTY_LINE: Scan = Seq(&[BLANKS, NEWLINE]);
pub(super) const TABLE_BEGIN: Scan = Seq(&[BLANKS, Byte(b'[')]);

pub(super) const BOOLEAN: Scan = Alt(&[Word("true"), Word("false")]);

const SIGN: Scan = OneOf("+-");
pub(super) const DECIMAL: Scan = Seq(&[
    Maybe(&SIGN),
    Alt(&[Seq(&[Range(b'1', b'9'), Many(1, &Alt(&[DIGIT, Seq(&[Byte(b'_'), DIGIT])]))]), DIGIT]),
]);
pub(super) const HEXADECIMAL: Scan =
    Seq(&[Word("0x"), HEX_DIGIT, Many(0, &Alt(&[HEX_DIGIT, Seq(&[Byte(b'_'), HEX_DIGIT])]))]);
const OCTAL_DIGIT: Scan = Range(b'0', b'7');
pub(super) const OCTAL: Scan =
    Seq(&[Word("0o"), OCTAL_DIGIT, Many(0, &Alt(&[OCTAL_DIGIT, Seq(&[Byte(b'_'), OCTAL_DIGIT])]))]);
const BINARY_DIGIT: Scan = OneOf("01");
pub(super) const BINARY: Scan =
    Seq(&[Word("0b"), BINARY_DIGIT, Many(0, &Alt(&[BINARY_DIGIT, Seq(&[Byte(b'_'), BINARY_DIGIT])]))]);
pub(super) const INTEGER: Scan = Alt(&[HEXADECIMAL, OCTAL, BINARY, DECIMAL]);

const DIGITS: Scan = Seq(&[DIGIT, Many(0, &Alt(&[DIGIT, Seq(&[Byte(b'_'), DIGIT])]))]);
const FRACTION: Scan = Seq(&[Byte(b'.'), DIGITS]);
const EXPONENT: Scan = Seq(&[OneOf("eE"), Maybe(&SIGN), DIGITS]);
pub(super) const FLOAT: Scan = Alt(&[
    Seq(&[DECIMAL, Alt(&[EXPONENT, Seq(&[FRACTION, Maybe(&EXPONENT)])])]),
    Seq(&[Maybe(&SIGN), Alt(&[Word("inf"), Word("nan")])]),
]);

const TWO_DIGITS: Scan = Exactly(2, &DIGIT);
pub(super) const DATE: Scan = Seq(&[Exactly(4, &DIGIT), Byte(b'-'), TWO_DIGITS, Byte(b'-'), TWO_DIGITS]);
pub(super) const TIME: Scan = Seq(&[
    TWO_DIGITS,
    Byte(b':'),
    TWO_DIGITS,
    Byte(b':'),
    TWO_DIGITS,
    Maybe(&Seq(&[Byte(b'.'), Many(1, &DIGIT)])),
]);
pub(super) const OFFSET: Scan = Alt(&[OneOf("zZ"), Seq(&[SIGN, TWO_DIGITS, Byte(b':'), TWO_DIGITS])]);
pub(super) const DATE_DELIMITER: Scan = OneOf("Tt ");
pub(super) const LOCAL_DATE_TIME: Scan = Seq(&[DATE, DATE_DELIMITER, TIME]);
pub(super) const OFFSET_DATE_TIME: Scan = Seq(&[DATE, DATE_DELIMITER, Seq(&[TIME, OFFSET])]);

const ESCAPED: Scan = Seq(&[
    Byte(b'\\'),
    Alt(&[
        OneOf("\"\\bfnrt"),
        Seq(&[Byte(b'u'), Exactly(4, &HEX_DIGIT)]),
        Seq(&[Byte(b'U'), Exactly(8, &HEX_DIGIT)]),
    ]),
]);
const BASIC_CHARACTER: Scan =
    Alt(&[Alt(&[BLANK, Byte(0x21), Range(0x23, 0x5b), Range(0x5d, 0x7e), NON_ASCII]), ESCAPED]);
pub(super) const BASIC_STRING: Scan = Seq(&[Byte(b'"'), Many(0, &BASIC_CHARACTER), Byte(b'"')]);
/// A backslash, a line end and the blanks and line ends after it.
pub(super) const ESCAPED_NEWLINE: Scan =
    Seq(&[Byte(b'\\'), BLANKS, NEWLINE, Many(0, &Alt(&[BLANK, NEWLINE]))]);
const LINES_CONTENT: Scan = Alt(&[BASIC_CHARACTER, NEWLINE, ESCAPED_NEWLINE]);
const DOUBLE_QUOTES: Scan = Alt(&[Word("\"\""), Byte(b'"')]);
pub(super) const BASIC_LINES: Scan = Seq(&[
    Word("\"\"\""),
    Maybe(&NEWLINE),
    Many(0, &LINES_CONTENT),
    Many(0, &Seq(&[DOUBLE_QUOTES, Many(1, &LINES_CONTENT)])),
    Word("\"\"\""),
    Maybe(&DOUBLE_QUOTES),
]);
const LITERAL_CHARACTER: Scan = Alt(&[Byte(b'\t'), Range(0x20, 0x26), Range(0x28, 0x7e), NON_ASCII]);
pub(super) const LITERAL_STRING: Scan = Seq(&[Byte(b'\''), Many(0, &LITERAL_CHARACTER), Byte(b'\'')]);
const LITERAL_CONTENT: Scan = Alt(&[LITERAL_CHARACTER, NEWLINE]);
const SINGLE_QUOTES: Scan = Alt(&[Word("''"), Byte(b'\'')]);
pub(super) const LITERAL_LINES: Scan = Seq(&[
    Word("'''"),
    Maybe(&NEWLINE),
    Many(0, &LITERAL_CONTENT),
    Many(0, &Seq(&[SINGLE_QUOTES, Many(1, &LITERAL_CONTENT)])),
    Word("'''"),
    Maybe(&SINGLE_QUOTES),
]);

pub(super) const BARE_KEY: Scan = Many(1, &Alt(&[ALPHA, DIGIT, Byte(b'-'), Byte(b'_')]));
const SIMPLE_KEY: Scan = Alt(&[BARE_KEY, Alt(&[BASIC_STRING, LITERAL_STRING])]);
pub(super) const DOT: Scan = Seq(&[BLANKS, Byte(b'.'), BLANKS]);
const KEY: Scan = Named(
    "basic key([a-zA-Z0-9_-]) or quoted key(\" or ')",
    &Alt(&[Seq(&[SIMPLE_KEY, Many(1, &Seq(&[DOT, SIMPLE_KEY]))]), SIMPLE_KEY]),
);
pub(super) const EQUALS: Scan = Seq(&[BLANKS, Byte(b'='), BLANKS]);
pub(super) const TABLE_HEADER: Scan = Seq(&[Byte(b'['), BLANKS, KEY, BLANKS, Byte(b']')]);
pub(super) const ARRAY_HEADER: Scan = Seq(&[Word("[["), BLANKS, KEY, BLANKS, Word("]]")]);
