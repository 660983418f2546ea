//! Classic BPF programs, run here over frames from files.
//!
//! libpcap compiles; but its binding runs a program as if a frame were as long as what was captured of it, so that
//! `greater 1000` would refuse every frame cut by a snapshot length. (McCanne and Jacobson, "The BSD Packet Filter";
//! bpf(4).)

/// Instructions to run at most beyond the length of a program. Programs jump forward only, but for `protochain`, which
/// loops over headers: this is enough for a hundred of them.
const FUEL: usize = 1 << 11;

/// A program that libpcap compiled.
#[derive(Clone, Debug)]
pub(super) struct Program(Vec<Instruction>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instruction {
    code: u16,
    if_true: u8,
    if_false: u8,
    k: u32,
}

impl Program {
    /// From what libpcap compiled. `None` if the binding no longer prints instructions as four numbers.
    pub(super) fn new(compiled: &pcap::BpfProgram) -> Option<Self> {
        compiled
            .get_instructions()
            .iter()
            .map(|instruction| Instruction::parse(&instruction.to_string()))
            .collect::<Option<_>>()
            .map(Self)
    }

    /// Whether it takes a frame: `data` was captured, `wire_len` octets were on the wire.
    pub(super) fn accepts(&self, data: &[u8], wire_len: u32) -> bool {
        self.run(data, wire_len).is_some_and(|taken| taken > 0)
    }

    /// How many octets of the frame it takes. `None`, which is 0, when it loads what is not there, divides by zero, or
    /// is no program.
    fn run(&self, data: &[u8], wire_len: u32) -> Option<u32> {
        let mut machine = Machine { a: 0, x: 0, memory: [0; 16], data, wire_len };
        let mut at = 0usize;
        for _ in 0..self.0.len() + FUEL {
            let instruction = *self.0.get(at)?;
            at += 1;
            match instruction.code & 7 {
                5 => at = at.checked_add_signed(machine.jump(instruction)?)?,
                6 if instruction.code & 0x18 == 0x10 => return Some(machine.a),
                6 => return Some(instruction.k),
                _ => machine.step(instruction)?,
            }
        }
        None
    }
}

impl Instruction {
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace();
        let instruction = Self {
            code: numbers.next()?.parse().ok()?,
            if_true: numbers.next()?.parse().ok()?,
            if_false: numbers.next()?.parse().ok()?,
            k: numbers.next()?.parse().ok()?,
        };
        numbers.next().is_none().then_some(instruction)
    }
}

struct Machine<'a> {
    a: u32,
    x: u32,
    memory: [u32; 16],
    data: &'a [u8],
    wire_len: u32,
}

impl Machine<'_> {
    /// Everything but jumps and returns.
    #[inline]
    fn step(&mut self, Instruction { code, k, .. }: Instruction) -> Option<()> {
        match code {
            0x00 => self.a = k,
            0x20 | 0x28 | 0x30 => self.a = self.load(code, k)?,
            0x40 | 0x48 | 0x50 => self.a = self.load(code, self.x.checked_add(k)?)?,
            0x60 => self.a = *self.memory.get(k as usize)?,
            0x80 => self.a = self.wire_len,
            0x01 => self.x = k,
            0x61 => self.x = *self.memory.get(k as usize)?,
            0x81 => self.x = self.wire_len,
            0xb1 => self.x = u32::from(self.data.get(k as usize)? & 0x0f) << 2,
            0x02 => *self.memory.get_mut(k as usize)? = self.a,
            0x03 => *self.memory.get_mut(k as usize)? = self.x,
            0x07 => self.x = self.a,
            0x87 => self.a = self.x,
            _ if code & 7 == 4 => self.a = self.arithmetic(code, if code & 8 == 0 { k } else { self.x })?,
            _ => return None,
        }
        Some(())
    }

    /// A word, half word or octet of the frame.
    #[inline]
    fn load(&self, code: u16, at: u32) -> Option<u32> {
        let rest = self.data.get(at as usize..)?;
        match code & 0x18 {
            0x00 => rest.first_chunk().map(|word| u32::from_be_bytes(*word)),
            0x08 => rest.first_chunk().map(|half| u16::from_be_bytes(*half).into()),
            _ => rest.first().map(|octet| u32::from(*octet)),
        }
    }

    #[inline]
    fn arithmetic(&self, code: u16, operand: u32) -> Option<u32> {
        Some(match code & 0xf0 {
            0x00 => self.a.wrapping_add(operand),
            0x10 => self.a.wrapping_sub(operand),
            0x20 => self.a.wrapping_mul(operand),
            0x30 => self.a.checked_div(operand)?,
            0x40 => self.a | operand,
            0x50 => self.a & operand,
            0x60 => self.a.checked_shl(operand).unwrap_or(0),
            0x70 => self.a.checked_shr(operand).unwrap_or(0),
            0x80 => self.a.wrapping_neg(),
            0x90 => self.a.checked_rem(operand)?,
            0xa0 => self.a ^ operand,
            _ => return None,
        })
    }

    /// How far to go on.
    #[inline]
    fn jump(&self, Instruction { code, if_true, if_false, k }: Instruction) -> Option<isize> {
        let operand = if code & 8 == 0 { k } else { self.x };
        let holds = match code & 0xf0 {
            0x00 => return isize::try_from(k.cast_signed()).ok(),
            0x10 => self.a == operand,
            0x20 => self.a > operand,
            0x30 => self.a >= operand,
            0x40 => self.a & operand != 0,
            _ => return None,
        };
        Some(if holds { if_true } else { if_false }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(expression: &str) -> pcap::BpfProgram {
        pcap::Capture::dead(pcap::Linktype(1)).unwrap().compile(expression, true).unwrap()
    }

    #[test]
    fn lengths_are_those_on_the_wire() {
        let program = Program::new(&compile("greater 1000")).unwrap();
        assert!(program.accepts(&[0; 60], 1500));
        assert!(!program.accepts(&[0; 60], 999));
    }

    #[test]
    fn agrees_with_libpcap_on_frames_of_every_kind_and_length() {
        let expressions = [
            "tcp",
            "tcp and (port 80 or port 8080)",
            "ip6 protochain 6",
            "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
            "ip[2:2] - ((ip[0] & 0xf) << 2) - ((tcp[12] & 0xf0) >> 2) = 0",
            "vlan and tcp",
            "len % 7 = 3",
            "len / 3 > 9",
            "ether[0] * 2 = ether[1] ^ 5",
            "net 10.0.0.0/8 or host 2001:db8::1",
            "udp[8:4] = 0x12345678",
            "-ip[1] = 3",
        ];
        let mut seed = 1u64;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as u8
        };
        let starts: [&[u8]; 4] = [
            &[2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6],
            &[2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 40, 60, 64],
            &[2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0x81, 0, 0, 1, 8, 0, 0x46, 0, 0, 40, 0, 0, 0, 0, 64, 6],
            &[],
        ];
        for expression in expressions {
            let compiled = compile(expression);
            let program = Program::new(&compiled).unwrap();
            let mut taken = 0;
            for start in starts {
                for length in 0..120 {
                    let frame: Vec<u8> =
                        (0..length).map(|i| start.get(i).copied().unwrap_or_else(&mut random)).collect();
                    let accepted = program.accepts(&frame, frame.len() as u32);
                    assert_eq!(accepted, compiled.filter(&frame), "{expression}: {frame:02x?}");
                    taken += u32::from(accepted);
                }
            }
            assert!(taken < 480, "{expression}");
        }
    }

    /// A frame of headers alone costs no more than a hundred of them.
    #[test]
    fn protochain_ends_in_a_large_frame() {
        let program = Program::new(&compile("ip6 protochain 6")).unwrap();
        let chain = |headers: usize| {
            let mut frame = vec![2; 12];
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 40, 60, 64]);
            frame.extend([1; 32]);
            (0..headers).for_each(|n| frame.extend([if n + 1 == headers { 6 } else { 60 }, 0, 0, 0, 0, 0, 0, 0]));
            frame.extend([0; 20]);
            frame
        };
        assert!(program.accepts(&chain(100), 900));
        assert!(!program.accepts(&chain(8000), 64_100));
    }

    #[test]
    fn what_is_no_program_takes_nothing() {
        for code in 0..=u16::from(u8::MAX) {
            for k in [0, 1, 15, 16, u32::MAX] {
                let program = Program(vec![Instruction { code, if_true: 0, if_false: 255, k }; 4]);
                let _ = program.accepts(&[1; 40], 40);
            }
        }
        let for_ever = Program(vec![Instruction { code: 5, if_true: 0, if_false: 0, k: u32::MAX }]);
        assert!(!for_ever.accepts(&[], 0));
    }
}
