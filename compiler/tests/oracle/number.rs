//! Texts of random floats.

use buildc_compiler::lang::number;

use crate::peer::Peer;
use crate::random::Random;

/// A float that the language can write: digits, a point and an exponent.
fn literal(random: &mut Random) -> String {
    loop {
        let value = match random.below(3) {
            0 => f64::from_bits(random.next()).abs(),
            1 => (random.next() >> random.below(60)) as f64 / 10_f64.powi(random.below(30) as i32),
            _ => random.below(2_000_000) as f64 / 1000.0,
        };
        if value.is_normal() {
            let text = format!("{value:e}");
            let (mantissa, exponent) = text.split_once('e').unwrap();
            let point = if mantissa.contains('.') { "" } else { "." };
            return format!("{mantissa}{point}e{exponent}");
        }
    }
}

#[test]
fn random_floats_print_alike() {
    let Some(peer) = Peer::find() else { return };
    let mut random = Random(3);
    let literals: Vec<String> = (0..20_000).map(|_| literal(&mut random)).collect();
    let list = literals.join(" ");
    let expression =
        format!("let l = [ {list} ]; in [ (map toString l) (map builtins.toJSON l) (map builtins.toXML l) ]");
    let theirs = peer.json(expression.as_bytes()).unwrap();
    for (at, literal) in literals.iter().enumerate() {
        let value: f64 = literal.parse().unwrap();
        assert_eq!(theirs[0][at].as_str().unwrap(), number::fixed(value), "{literal}");
        assert_eq!(theirs[1][at].as_str().unwrap(), number::json(value), "{literal}");
        let xml = format!("<float value=\"{}\" />", number::general(value));
        assert!(theirs[2][at].as_str().unwrap().contains(&xml), "{literal} {xml}");
    }
}
