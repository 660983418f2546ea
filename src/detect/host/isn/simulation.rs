//! Simulated hosts: random ones are never found, weak ones nearly always, with the right grade.

use super::*;
use crate::detect::registry::Selection;
use crate::time::MILLISECOND;

/// xorshift64*: the simulations are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn number(&mut self) -> u32 {
        (self.roll() >> 32) as u32
    }

    fn below(&mut self, n: u32) -> u32 {
        self.number() % n
    }
}

/// Lets a host answer `n` connections at random times with the numbers that `next(time, dice)` gives; its row, and the rules
/// that fired.
fn host(n: usize, dice: &mut Dice, mut next: impl FnMut(i64, &mut Dice) -> u32) -> (Grade, Vec<&'static str>) {
    let mut isns = Isns::new(16, 4096);
    let mut desk = Desk::new(&Selection::default());
    let mut found = Vec::new();
    let mut time = 1_000 * SECOND;
    let by = Endpoint { ip: "192.0.2.80".parse().unwrap(), port: 443 };
    for k in 0..n {
        time += i64::from(5 + dice.below(400)) * MILLISECOND + i64::from(dice.below(1_000_000));
        let peer = Endpoint { ip: "198.51.100.9".parse().unwrap(), port: 32_768 + k as u16 };
        let look = super::super::testing::attempt(0, "192.0.2.80", 1, "192.0.2.81", 2).look;
        let seen = Seen {
            time: Timestamp(time),
            frame: k as u64 + 1,
            by,
            peer,
            role: Role::Server,
            isn: SeqNumber(next(time, dice)),
            answers: Some(SeqNumber(dice.number())),
            look,
        };
        isns.see(&seen, &mut desk, &mut |anomaly| found.push(anomaly.id));
    }
    isns.finish(Timestamp(time), &mut desk, &mut |anomaly| found.push(anomaly.id));
    let grade = isns.reports().first().map_or(Grade::NotEnough, |row| row.grade);
    (grade, found)
}

/// Of 400 hosts with this generator and 16 samples each, at least 99 % get one of these grades, and a finding.
fn check(seed: u64, wanted: &[Grade], mut generator: impl FnMut(&mut Dice) -> Box<dyn FnMut(i64, &mut Dice) -> u32>) {
    let mut dice = Dice(seed);
    let mut wrong = Vec::new();
    for _ in 0..400 {
        let next = generator(&mut dice);
        let (grade, found) = host(16, &mut dice, next);
        if !wanted.contains(&grade) || found.is_empty() {
            wrong.push((grade, found));
        }
    }
    assert!(wrong.len() <= 4, "{} of 400 wrong: {:?}", wrong.len(), &wrong[..wrong.len().min(8)]);
}

#[test]
fn ten_thousand_random_hosts_and_no_finding() {
    let mut dice = Dice(0x1234_5678_9abc_def1);
    for _ in 0..10_000 {
        let n = 3 + dice.below(60) as usize;
        let (grade, found) = host(n, &mut dice, |_, dice| dice.number());
        assert!(found.is_empty(), "{found:?}");
        assert!(matches!(grade, Grade::Random | Grade::NotEnough), "{grade:?}");
    }
}

#[test]
fn a_constant_is_found() {
    check(1, &[Grade::Constant], |dice| {
        let n = dice.number();
        Box::new(move |_, _| n)
    });
}

#[test]
fn fixed_steps_are_found() {
    for step in [64_000, 125_000, 1, 10, 250_007] {
        check(u64::from(step) + 2, &[Grade::FixedStep, Grade::SmallIncrements], |dice| {
            let mut n = dice.number();
            Box::new(move |_, _| {
                n = n.wrapping_add(step);
                n
            })
        });
    }
}

#[test]
fn a_large_fixed_step_is_one() {
    check(3, &[Grade::FixedStep], |dice| {
        let mut n = dice.number();
        Box::new(move |_, _| {
            n = n.wrapping_add(64_000);
            n
        })
    });
}

#[test]
fn a_clock_is_found() {
    for rate in [250_000.0, 1_000_000.0, 15_625_000.0, 77_777.0] {
        check(rate as u64, &[Grade::TimeLinear], |dice| {
            let n = dice.number();
            Box::new(move |time, _| n.wrapping_add((time as f64 / 1e9 * rate).rem_euclid(4_294_967_296.0) as u32))
        });
    }
}

#[test]
fn small_increments_are_found() {
    for most in [256, 8_000, 60_000] {
        check(u64::from(most), &[Grade::SmallIncrements], |dice| {
            let mut n = dice.number();
            Box::new(move |_, dice| {
                n = n.wrapping_add(1 + dice.below(most));
                n
            })
        });
    }
}

#[test]
fn sixteen_random_bits_are_weak() {
    check(7, &[Grade::Weak], |dice| {
        let high = dice.number() & 0xffff_0000;
        Box::new(move |_, dice| high | dice.below(1 << 16))
    });
    check(8, &[Grade::Weak], |dice| {
        let low = dice.number() & 0xffff;
        Box::new(move |_, dice| low | dice.below(1 << 16) << 16)
    });
}

#[test]
fn a_congruential_generator_is_weak() {
    for (a, c) in [(1_664_525, 1_013_904_223), (1_103_515_245, 12_345), (22_695_477, 1)] {
        check(u64::from(a), &[Grade::Weak], |dice| {
            let mut n = dice.number();
            Box::new(move |_, _| {
                n = n.wrapping_mul(a).wrapping_add(c);
                n
            })
        });
    }
}

#[test]
fn near_misses_stay_silent() {
    let mut dice = Dice(99);
    // Six even numbers; twenty with one bit stuck.
    for _ in 0..500 {
        assert!(host(6, &mut dice, |_, dice| dice.number() & !1).1.is_empty());
        assert!(host(20, &mut dice, |_, dice| dice.number() | 1 << 31).1.is_empty());
    }
}

#[test]
fn one_stuck_bit_is_found_in_time() {
    let mut dice = Dice(5);
    let (_, found) = host(48, &mut dice, |_, dice| dice.number() | 1 << 31);
    assert!(found.contains(&"isn-stuck-bits") || found.contains(&"isn-time-linear"), "{found:?}");
}
