//! The letters of `history`.

use super::ZeekWords;
use super::side::{Counter, INLINE_LETTERS, MAX_LETTERS, ORIGINATOR, Overflow, Seen};

impl ZeekWords {
    pub(super) fn letters(&self) -> impl Iterator<Item = u8> + '_ {
        let more: &[u8] = self.rare.as_ref().map_or(&[], |rare| &rare.letters);
        self.letters.iter().take(self.letter_count as usize).chain(more).copied()
    }

    /// Letters that come at most once per direction.
    pub(super) fn log_once(&mut self, sender: usize, letter: u8) {
        let mark = match letter {
            b'D' => Seen::LOGGED_DATA,
            b'A' => Seen::LOGGED_ACK,
            b'I' => Seen::LOGGED_FIN_RST,
            _ => Seen::LOGGED_MULTIPLE,
        };
        if self.sides[sender].mark(mark) {
            self.log(sender, letter);
        }
    }

    /// Letters that come at counts of 1, 10, 100, …
    pub(super) fn count(&mut self, sender: usize, counter: Counter) {
        let count = &mut self.rare_mut().counts[sender][counter as usize];
        *count = count.saturating_add(1);
        if is_power_of_ten(*count) {
            self.log(sender, counter.letter());
        }
    }

    pub(super) fn log(&mut self, sender: usize, letter: u8) {
        self.push(if sender == ORIGINATOR { letter } else { letter.to_ascii_lowercase() });
    }

    pub(super) fn push(&mut self, letter: u8) {
        if let Some(free) = self.letters.get_mut(self.letter_count as usize) {
            *free = letter;
            self.letter_count += 1;
            return;
        }
        let rare = self.rare_mut();
        if rare.letters.len() + INLINE_LETTERS < MAX_LETTERS {
            rare.letters.push(letter);
        } else {
            rare.lost_letters = rare.lost_letters.saturating_add(1);
        }
    }

    pub(super) fn rare_mut(&mut self) -> &mut Overflow {
        self.rare.get_or_insert_default()
    }
}

const fn is_power_of_ten(mut n: u32) -> bool {
    while n > 1 && n.is_multiple_of(10) {
        n /= 10;
    }
    n == 1
}
