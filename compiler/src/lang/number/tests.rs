//! Vectors of Nix 2.34.8, and reading back.

use proptest::prelude::*;

use super::*;

#[test]
fn texts_of_nix() {
    // value, toString, printed and toXML, toJSON
    let table = [
        (1e6, "1000000.000000", "1e+06", "1000000.0"),
        (0.1, "0.100000", "0.1", "0.1"),
        (1.0, "1.000000", "1", "1.0"),
        (0.0, "0.000000", "0", "0.0"),
        (-0.0, "-0.000000", "-0", "-0.0"),
        (123_456.0, "123456.000000", "123456", "123456.0"),
        (1_234_567.0, "1234567.000000", "1.23457e+06", "1234567.0"),
        (0.0001, "0.000100", "0.0001", "0.0001"),
        (0.000_01, "0.000010", "1e-05", "1e-05"),
        (1.5e-7, "0.000000", "1.5e-07", "1.5e-07"),
        (999_999.5, "999999.500000", "1e+06", "999999.5"),
        (123_456_789.123, "123456789.123000", "1.23457e+08", "123456789.123"),
        (1e14, "100000000000000.000000", "1e+14", "100000000000000.0"),
        (1e15, "1000000000000000.000000", "1e+15", "1e+15"),
        (1.25e16, "12500000000000000.000000", "1.25e+16", "1.25e+16"),
        (f64::INFINITY, "inf", "inf", "null"),
        (f64::NEG_INFINITY, "-inf", "-inf", "null"),
        (-f64::NAN, "-nan", "-nan", "null"),
    ];
    for (value, text, printed, in_json) in table {
        assert_eq!(fixed(value), text);
        assert_eq!(general(value), printed);
        assert_eq!(json(value), in_json);
    }
    assert_eq!(json(1e300), "1e+300");
    assert_eq!(json(f64::MAX), "1.7976931348623157e+308");
    assert_eq!(json(5e-324), "5e-324");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn json_reads_back(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        prop_assert_eq!(json(value).parse::<f64>().unwrap().to_bits(), bits);
    }
}
