//! Simulated hosts: random ones are never found, weak ones nearly always, with the right grade.

use super::*;
use crate::detect::Selection;
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

/// Lets a host answer `n` connections at random times with the numbers that `next(time, number answered, dice)` gives;
/// its row, and the rules that fired.
fn row(n: usize, dice: &mut Dice, mut next: impl FnMut(i64, u32, &mut Dice) -> u32) -> (IsnReport, Vec<&'static str>) {
    let mut isns = Isns::new(&Settings { isn_cohorts: 16, isn_samples: 4096, ..Settings::default() });
    let mut reporter = Reporter::new(&Selection::default());
    let mut found = Vec::new();
    let mut time = 1_000 * SECOND;
    let by = Endpoint { ip: "192.0.2.80".parse().unwrap(), port: 443 };
    for k in 0..n {
        time += i64::from(5 + dice.below(400)) * MILLISECOND + i64::from(dice.below(1_000_000));
        let peer = Endpoint { ip: "198.51.100.9".parse().unwrap(), port: 32_768 + k as u16 };
        let look = super::super::testing::attempt(0, "192.0.2.80", 1, "192.0.2.81", 2).look;
        let answered = dice.number();
        let seen = Seen {
            time: Timestamp(time),
            frame: k as u64 + 1,
            by,
            peer,
            role: Role::Server,
            isn: SeqNumber(next(time, answered, dice)),
            answers: Some(SeqNumber(answered)),
            look,
            probe: false,
        };
        isns.see(&seen, &mut reporter, &mut |anomaly| found.push(anomaly.id));
    }
    isns.finish(Timestamp(time), &mut reporter, &mut |anomaly| found.push(anomaly.id));
    (isns.reports().remove(0), found)
}

/// The grade, and the rules that fired.
fn host(n: usize, dice: &mut Dice, mut next: impl FnMut(i64, &mut Dice) -> u32) -> (Grade, Vec<&'static str>) {
    let (row, found) = row(n, dice, |time, _, dice| next(time, dice));
    (row.grade, found)
}

/// Of 200 hosts with this generator and 40 samples each, at least 99 % get one of these grades, a finding, and bits to
/// guess between these.
fn check_bits(
    seed: u64,
    wanted: &[Grade],
    (least, most): (f64, f64),
    mut generator: impl FnMut(&mut Dice) -> Box<dyn FnMut(i64, u32, &mut Dice) -> u32>,
) {
    let mut dice = Dice(seed);
    let mut wrong = Vec::new();
    for _ in 0..200 {
        let next = generator(&mut dice);
        let (row, found) = row(40, &mut dice, next);
        let near = (least..=most).contains(&row.residual_bits);
        if !wanted.contains(&row.grade) || found.is_empty() || !near {
            wrong.push((row.grade, row.residual_bits, row.what, found));
        }
    }
    assert!(wrong.len() <= 2, "{} of 200 wrong: {:?}", wrong.len(), &wrong[..wrong.len().min(6)]);
}

#[test]
fn few_values_leave_as_many_guesses() {
    for many in [2_u32, 3, 7] {
        check_bits(u64::from(many), &[Grade::Weak], (0.0, f64::from(many).log2() + 1.0), |dice| {
            let values: Vec<u32> = (0..many).map(|_| dice.number()).collect();
            let mut turn = 0;
            Box::new(move |_, _, _| {
                turn += 1;
                values[turn % values.len()]
            })
        });
    }
    check_bits(55, &[Grade::Weak], (2.5, 6.0), |dice| {
        let values: Vec<u32> = (0..16).map(|_| dice.number()).collect();
        Box::new(move |_, _, dice| values[dice.below(16) as usize])
    });
}

#[test]
fn counters_that_take_turns_are_reported_apart() {
    for many in [2_usize, 3, 5] {
        check_bits(
            many as u64 + 70,
            &[Grade::Weak, Grade::SmallIncrements],
            (0.0, (many as f64).log2() + 1.0),
            |dice| {
                let mut counters: Vec<u32> = (0..many).map(|k| dice.number() >> 4 | (k as u32) << 29).collect();
                let steps: Vec<u32> = (0..many).map(|k| 31_000 + 11_000 * k as u32).collect();
                let mut turn = 0;
                Box::new(move |_, _, _| {
                    turn = (turn + 1) % many;
                    counters[turn] = counters[turn].wrapping_add(steps[turn]);
                    counters[turn]
                })
            },
        );
    }
}

#[test]
fn slow_clocks_leave_next_to_nothing() {
    for rate in [10.0, 100.0, 1_000.0] {
        let grades = [Grade::TimeLinear, Grade::SmallIncrements, Grade::Weak];
        check_bits(rate as u64, &grades, (0.0, 9.0), |dice| {
            let n = dice.number();
            Box::new(move |time, _, _| n.wrapping_add((time as f64 / 1e9 * rate) as u32))
        });
    }
}

#[test]
fn what_mirrors_the_number_answered_leaves_nothing() {
    check_bits(91, &[Grade::Weak], (0.0, 0.0), |dice| {
        let mask = dice.number();
        Box::new(move |_, answered, _| answered ^ mask)
    });
    check_bits(92, &[Grade::Weak], (0.0, 0.0), |dice| {
        let more = dice.number();
        Box::new(move |_, answered, _| answered.wrapping_add(more))
    });
}

#[test]
fn counters_in_the_other_byte_order_are_counters() {
    check_bits(93, &[Grade::SmallIncrements], (0.0, 8.0), |dice| {
        let mut n = dice.number();
        Box::new(move |_, _, dice| {
            n = n.wrapping_add(1 + dice.below(200));
            n.swap_bytes()
        })
    });
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
