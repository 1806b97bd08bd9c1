//! Digits of a float by Grisu2 (Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers", 2010), in
//! the variant of nlohmann's JSON library.
//!
//! Grisu2 always reads back but is not always shortest. Nix prints JSON with it, so its rare longer answers are wanted
//! here and a shortest-digits library is not.

/// Significands of 10^k for k = -300, -292, ..., 324, rounded to 64 bits with the highest set.
#[rustfmt::skip]
const POWERS: [u64; 79] = [
    0xab70_fe17_c79a_c6ca, 0xff77_b1fc_bebc_dc4f, 0xbe56_91ef_416b_d60c, 0x8dd0_1fad_907f_fc3c,
    0xd351_5c28_3155_9a83, 0x9d71_ac8f_ada6_c9b5, 0xea9c_2277_23ee_8bcb, 0xaecc_4991_4078_536d,
    0x823c_1279_5db6_ce57, 0xc210_9436_4dfb_5637, 0x9096_ea6f_3848_984f, 0xd774_85cb_2582_3ac7,
    0xa086_cfcd_97bf_97f4, 0xef34_0a98_172a_ace5, 0xb238_67fb_2a35_b28e, 0x84c8_d4df_d2c6_3f3b,
    0xc5dd_4427_1ad3_cdba, 0x936b_9fce_bb25_c996, 0xdbac_6c24_7d62_a584, 0xa3ab_6658_0d5f_daf6,
    0xf3e2_f893_dec3_f126, 0xb5b5_ada8_aaff_80b8, 0x8762_5f05_6c7c_4a8b, 0xc9bc_ff60_34c1_3053,
    0x964e_858c_91ba_2655, 0xdff9_7724_7029_7ebd, 0xa6df_bd9f_b8e5_b88f, 0xf8a9_5fcf_8874_7d94,
    0xb944_7093_8fa8_9bcf, 0x8a08_f0f8_bf0f_156b, 0xcdb0_2555_6531_31b6, 0x993f_e2c6_d07b_7fac,
    0xe45c_10c4_2a2b_3b06, 0xaa24_2499_6973_92d3, 0xfd87_b5f2_8300_ca0e, 0xbce5_0864_9211_1aeb,
    0x8cbc_cc09_6f50_88cc, 0xd1b7_1758_e219_652c, 0x9c40_0000_0000_0000, 0xe8d4_a510_0000_0000,
    0xad78_ebc5_ac62_0000, 0x813f_3978_f894_0984, 0xc097_ce7b_c907_15b3, 0x8f7e_32ce_7bea_5c70,
    0xd5d2_38a4_abe9_8068, 0x9f4f_2726_179a_2245, 0xed63_a231_d4c4_fb27, 0xb0de_6538_8cc8_ada8,
    0x83c7_088e_1aab_65db, 0xc45d_1df9_4271_1d9a, 0x924d_692c_a61b_e758, 0xda01_ee64_1a70_8dea,
    0xa26d_a399_9aef_774a, 0xf209_787b_b47d_6b85, 0xb454_e4a1_79dd_1877, 0x865b_8692_5b9b_c5c2,
    0xc835_53c5_c896_5d3d, 0x952a_b45c_fa97_a0b3, 0xde46_9fbd_99a0_5fe3, 0xa59b_c234_db39_8c25,
    0xf6c6_9a72_a398_9f5c, 0xb7dc_bf53_54e9_bece, 0x88fc_f317_f222_41e2, 0xcc20_ce9b_d35c_78a5,
    0x9816_5af3_7b21_53df, 0xe2a0_b5dc_971f_303a, 0xa8d9_d153_5ce3_b396, 0xfb9b_7cd9_a4a7_443c,
    0xbb76_4c4c_a7a4_4410, 0x8bab_8eef_b640_9c1a, 0xd01f_ef10_a657_842c, 0x9b10_a4e5_e991_3129,
    0xe710_9bfb_a19c_0c9d, 0xac28_20d9_623b_f429, 0x8044_4b5e_7aa7_cf85, 0xbf21_e440_03ac_dd2d,
    0x8e67_9c2f_5e44_ff8f, 0xd433_179d_9c8c_b841, 0x9e19_db92_b4e3_1ba9,
];

/// Decimal exponent of the first entry of [`POWERS`], and the distance of two.
const FIRST_POWER: i32 = -300;
const POWER_STEP: i32 = 8;

/// The scaled upper boundary gets a binary exponent of at least this.
const ALPHA: i32 = -60;

/// A number `f * 2^e`.
#[derive(Clone, Copy)]
struct Binary {
    f: u64,
    e: i32,
}

impl Binary {
    /// The upper 64 bits of the product, rounded half up.
    fn times(self, other: Binary) -> Binary {
        let product = u128::from(self.f) * u128::from(other.f) + (1 << 63);
        Binary { f: u64::try_from(product >> 64).unwrap_or(u64::MAX), e: self.e + other.e + 64 }
    }

    fn normalised(self) -> Binary {
        let shift = self.f.leading_zeros();
        Binary { f: self.f << shift, e: self.e - shift.cast_signed() }
    }

    fn with_exponent(self, e: i32) -> Binary {
        Binary { f: self.f << (self.e - e), e }
    }
}

/// The decimal digits of a positive finite float and the power of ten of the last one.
pub(super) fn digits(value: f64) -> (Vec<u8>, i32) {
    let (low, middle, high) = boundaries(value);
    let (power, k) = cached_power(high.e);
    let (low, middle, high) = (low.times(power), middle.times(power), high.times(power));
    generate(Binary { f: low.f + 1, e: low.e }, middle, Binary { f: high.f - 1, e: high.e }, -k)
}

/// The float and the middles between it and its neighbours, all but the float with one exponent.
fn boundaries(value: f64) -> (Binary, Binary, Binary) {
    const HIDDEN: u64 = 1 << 52;
    let bits = value.to_bits();
    let exponent = i32::try_from(bits >> 52 & 0x7ff).unwrap_or(0);
    let fraction = bits & (HIDDEN - 1);
    let v = if exponent == 0 {
        Binary { f: fraction, e: 1 - 1075 }
    } else {
        Binary { f: fraction + HIDDEN, e: exponent - 1075 }
    };
    let lower_is_closer = fraction == 0 && exponent > 1;
    let high = Binary { f: 2 * v.f + 1, e: v.e - 1 }.normalised();
    let low = if lower_is_closer {
        Binary { f: 4 * v.f - 1, e: v.e - 2 }
    } else {
        Binary { f: 2 * v.f - 1, e: v.e - 1 }
    };
    (low.with_exponent(high.e), v.normalised(), high)
}

/// A power of ten that brings the binary exponent `e` between -60 and -32, and its decimal exponent.
fn cached_power(e: i32) -> (Binary, i32) {
    let f = ALPHA - e - 1;
    let k = f * 78913 / (1 << 18) + i32::from(f > 0);
    let index = (k - FIRST_POWER + POWER_STEP - 1) / POWER_STEP;
    let exponent = FIRST_POWER + index * POWER_STEP;
    let significand = POWERS[usize::try_from(index).unwrap_or(0)];
    (Binary { f: significand, e: ((exponent * 217_706) >> 16) - 63 }, exponent)
}

/// Generates as few digits as leave the number between `low` and `high`.
fn generate(low: Binary, middle: Binary, high: Binary, mut exponent: i32) -> (Vec<u8>, i32) {
    let (mut delta, mut distance) = (high.f - low.f, high.f - middle.f);
    let shift = high.e.unsigned_abs();
    let one = 1_u64 << shift;
    let (mut whole, mut rest) = (high.f >> shift, high.f & (one - 1));
    let mut digits = Vec::with_capacity(17);
    let mut left = whole.checked_ilog10().map_or(1, |log| log + 1).cast_signed();
    let mut power = 10_u64.pow(left.cast_unsigned() - 1);
    while left > 0 {
        digits.push(digit(whole / power));
        whole %= power;
        left -= 1;
        let remainder = (whole << shift) + rest;
        if remainder <= delta {
            exponent += left;
            round(&mut digits, distance, delta, remainder, power << shift);
            return (digits, exponent);
        }
        power /= 10;
    }
    loop {
        rest *= 10;
        digits.push(digit(rest >> shift));
        rest &= one - 1;
        exponent -= 1;
        delta *= 10;
        distance *= 10;
        if rest <= delta {
            break;
        }
    }
    round(&mut digits, distance, delta, rest, one);
    (digits, exponent)
}

fn digit(value: u64) -> u8 {
    b'0' + value.to_le_bytes()[0]
}

/// Moves the last digit towards the float while that stays inside the boundaries.
fn round(digits: &mut [u8], distance: u64, delta: u64, mut rest: u64, unit: u64) {
    let Some(last) = digits.last_mut() else { return };
    while rest < distance
        && delta - rest >= unit
        && (rest + unit < distance || distance - rest > rest + unit - distance)
    {
        *last -= 1;
        rest += unit;
    }
}
