//! From rules to classic BPF (kernel: userspace-api/seccomp_filter).

use std::collections::BTreeMap;

use libc::sock_filter;

use super::{Action, Compare, Policy, Rule};

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const JUMP: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const IF_GREATER: u16 = (libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K) as u16;
const IF_GREATER_OR_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// The calls this program may see (`AUDIT_ARCH_*`).
#[cfg(target_arch = "x86_64")]
const NATIVE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const NATIVE: u32 = 0xc000_00b7;

/// Stands for "this rule does not fit" until the rule's length is known.
const NO_FIT: u8 = u8::MAX;

/// Compiles a policy. Calls of another architecture answer ENOSYS, and so do those newer than any that a refusing
/// policy names: it cannot have meant them, and programs fall back when told so.
pub(super) fn compile(policy: &Policy) -> Vec<sock_filter> {
    let mut by_number: BTreeMap<u32, Vec<&Rule>> = BTreeMap::new();
    for rule in &policy.rules {
        by_number.entry(rule.number).or_default().push(rule);
    }
    let unknown = match policy.otherwise {
        Action::Errno(_) => Action::Errno(libc::ENOSYS as u16),
        other => other,
    };
    let mut code = vec![
        op(LOAD, 0, 0, ARCHITECTURE),
        op(IF_EQUAL, 1, 0, NATIVE),
        give(Action::Errno(libc::ENOSYS as u16)),
        op(LOAD, 0, 0, NUMBER),
    ];
    code.extend(search(&ranges(&by_number, policy.otherwise, unknown)));
    code
}

/// Code for all call numbers from `first` up to the next range.
struct Range {
    first: u32,
    code: Vec<sock_filter>,
}

/// The number line cut where the outcome changes.
fn ranges(by_number: &BTreeMap<u32, Vec<&Rule>>, otherwise: Action, unknown: Action) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    let mut add = |first: u32, code: Vec<sock_filter>| {
        if ranges.last().is_none_or(|last| last.code != code) {
            ranges.push(Range { first, code });
        }
    };
    let mut next = 0;
    for (number, rules) in by_number {
        if *number > next {
            add(next, vec![give(otherwise)]);
        }
        add(*number, decide(rules, otherwise));
        next = number.saturating_add(1);
    }
    add(next, vec![give(unknown)]);
    ranges
}

/// A binary search for the range of the number in the accumulator.
fn search(ranges: &[Range]) -> Vec<sock_filter> {
    let (low, high) = ranges.split_at(ranges.len() / 2);
    let Some(pivot) = high.first().filter(|_| !low.is_empty()) else {
        return high.first().map(|range| range.code.clone()).unwrap_or_default();
    };
    let (low, pivot, high) = (search(low), pivot.first, search(high));
    let mut code = match u8::try_from(low.len()) {
        Ok(len) => vec![op(IF_GREATER_OR_EQUAL, len, 0, pivot)],
        // Further than a conditional jump reaches.
        Err(_) => vec![op(IF_GREATER_OR_EQUAL, 0, 1, pivot), op(JUMP, 0, 0, low.len() as u32)],
    };
    code.extend(low);
    code.extend(high);
    code
}

/// The rules of one call, in order.
fn decide(rules: &[&Rule], otherwise: Action) -> Vec<sock_filter> {
    let mut code = Vec::new();
    for rule in rules {
        let mut tests: Vec<sock_filter> =
            rule.conditions.iter().flat_map(|(index, compare)| test(*index, *compare)).collect();
        let len = tests.len();
        for (at, instruction) in tests.iter_mut().enumerate() {
            // Over the rest of the tests and the action. Six arguments of six instructions fit a short jump.
            let over = (len - at) as u8;
            for jump in [&mut instruction.jt, &mut instruction.jf] {
                if *jump == NO_FIT {
                    *jump = over;
                }
            }
        }
        code.extend(tests);
        code.push(give(rule.action));
        if rule.conditions.is_empty() {
            return code;
        }
    }
    code.push(give(otherwise));
    code
}

/// Goes on behind itself when the comparison holds; arguments are 64 bits, the accumulator is 32.
fn test(index: u8, compare: Compare) -> Vec<sock_filter> {
    let low = ARGUMENTS + 8 * u32::from(index);
    let (low, high) = if cfg!(target_endian = "little") { (low, low + 4) } else { (low + 4, low) };
    let halves = |value: u64| ((value >> 32) as u32, value as u32);
    let ordered = |value: u64, jump: u16| {
        let (upper, lower) = halves(value);
        vec![
            op(LOAD, 0, 0, high),
            op(IF_GREATER, 3, 0, upper),
            op(IF_EQUAL, 0, NO_FIT, upper),
            op(LOAD, 0, 0, low),
            op(jump, 0, NO_FIT, lower),
        ]
    };
    let reversed = |value: u64, jump: u16| {
        let (upper, lower) = halves(value);
        vec![
            op(LOAD, 0, 0, high),
            op(IF_GREATER, NO_FIT, 0, upper),
            op(IF_EQUAL, 0, 2, upper),
            op(LOAD, 0, 0, low),
            op(jump, NO_FIT, 0, lower),
        ]
    };
    match compare {
        Compare::Equal(value) => {
            let (upper, lower) = halves(value);
            vec![
                op(LOAD, 0, 0, high),
                op(IF_EQUAL, 0, NO_FIT, upper),
                op(LOAD, 0, 0, low),
                op(IF_EQUAL, 0, NO_FIT, lower),
            ]
        }
        Compare::NotEqual(value) => {
            let (upper, lower) = halves(value);
            vec![
                op(LOAD, 0, 0, high),
                op(IF_EQUAL, 0, 2, upper),
                op(LOAD, 0, 0, low),
                op(IF_EQUAL, NO_FIT, 0, lower),
            ]
        }
        Compare::Masked(mask, value) => {
            let ((mask_upper, mask_lower), (upper, lower)) = (halves(mask), halves(value));
            vec![
                op(LOAD, 0, 0, high),
                op(AND, 0, 0, mask_upper),
                op(IF_EQUAL, 0, NO_FIT, upper),
                op(LOAD, 0, 0, low),
                op(AND, 0, 0, mask_lower),
                op(IF_EQUAL, 0, NO_FIT, lower),
            ]
        }
        Compare::Greater(value) => ordered(value, IF_GREATER),
        Compare::GreaterOrEqual(value) => ordered(value, IF_GREATER_OR_EQUAL),
        Compare::Less(value) => reversed(value, IF_GREATER_OR_EQUAL),
        Compare::LessOrEqual(value) => reversed(value, IF_GREATER),
    }
}

fn give(action: Action) -> sock_filter {
    let value = match action {
        Action::Allow => libc::SECCOMP_RET_ALLOW,
        Action::Errno(errno) => libc::SECCOMP_RET_ERRNO | u32::from(errno),
        Action::Log => libc::SECCOMP_RET_LOG,
        Action::Trace(message) => libc::SECCOMP_RET_TRACE | u32::from(message),
        Action::Trap => libc::SECCOMP_RET_TRAP,
        Action::KillThread => libc::SECCOMP_RET_KILL_THREAD,
        Action::KillProcess => libc::SECCOMP_RET_KILL_PROCESS,
    };
    op(RETURN, 0, 0, value)
}

fn op(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a program as the kernel does.
    fn run(code: &[sock_filter], number: u32, arguments: [u64; 6]) -> u32 {
        let mut data = Vec::new();
        data.extend(number.to_ne_bytes());
        data.extend(NATIVE.to_ne_bytes());
        data.extend([0; 8]);
        arguments.iter().for_each(|argument| data.extend(argument.to_ne_bytes()));
        let (mut at, mut accumulator) = (0usize, 0u32);
        loop {
            let op = code[at];
            at += 1;
            let branch = |taken: bool| usize::from(if taken { op.jt } else { op.jf });
            match op.code {
                LOAD => {
                    let from = op.k as usize;
                    accumulator = u32::from_ne_bytes(data[from..from + 4].try_into().expect("four bytes"));
                }
                AND => accumulator &= op.k,
                JUMP => at += op.k as usize,
                IF_EQUAL => at += branch(accumulator == op.k),
                IF_GREATER => at += branch(accumulator > op.k),
                IF_GREATER_OR_EQUAL => at += branch(accumulator >= op.k),
                RETURN => return op.k,
                other => panic!("unknown instruction {other}"),
            }
        }
    }

    fn holds(compare: Compare, argument: u64) -> bool {
        let rule = Rule { number: 7, conditions: vec![(2, compare)], action: Action::Allow };
        let code = compile(&Policy { rules: vec![rule], otherwise: Action::Errno(1) });
        run(&code, 7, [0, 0, argument, 0, 0, 0]) == libc::SECCOMP_RET_ALLOW
    }

    #[test]
    fn comparisons_are_of_64_bits() {
        let values = [0, 1, 2, u64::from(u32::MAX), 1 << 32, (1 << 32) + 1, (2 << 32) + 1, u64::MAX];
        for a in values {
            for b in values {
                assert_eq!(holds(Compare::Equal(b), a), a == b);
                assert_eq!(holds(Compare::NotEqual(b), a), a != b);
                assert_eq!(holds(Compare::Greater(b), a), a > b);
                assert_eq!(holds(Compare::GreaterOrEqual(b), a), a >= b);
                assert_eq!(holds(Compare::Less(b), a), a < b);
                assert_eq!(holds(Compare::LessOrEqual(b), a), a <= b);
                assert_eq!(holds(Compare::Masked(0x1_0000_0003, b), a), a & 0x1_0000_0003 == b);
            }
        }
    }

    #[test]
    fn every_number_finds_its_rule() {
        let rules = (0..900).filter(|number| number % 3 != 1).map(|number| {
            let action = if number % 3 == 0 { Action::Allow } else { Action::Errno(number as u16) };
            Rule { number, conditions: Vec::new(), action }
        });
        let code = compile(&Policy { rules: rules.collect(), otherwise: Action::Errno(1) });
        for number in 0..900 {
            let expected = match number % 3 {
                0 => libc::SECCOMP_RET_ALLOW,
                1 => libc::SECCOMP_RET_ERRNO | 1,
                _ => libc::SECCOMP_RET_ERRNO | number,
            };
            assert_eq!(run(&code, number, [0; 6]), expected, "call {number}");
        }
        assert_eq!(run(&code, 5_000, [0; 6]), libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32);
    }
}
