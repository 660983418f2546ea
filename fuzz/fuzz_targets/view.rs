//! The terminal view: keys and sizes of any kind between the packets of a conversation.
#![no_main]

use arbitrary::{Result, Unstructured};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use libfuzzer_sys::fuzz_target;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use synscope::output::tui::{Feed, Model, Options, Position, Tap, view};
use synscope::time::Timestamp;

const KEYS: [KeyCode; 12] = [
    KeyCode::Enter,
    KeyCode::Esc,
    KeyCode::Tab,
    KeyCode::Backspace,
    KeyCode::Up,
    KeyCode::Down,
    KeyCode::Left,
    KeyCode::Right,
    KeyCode::PageDown,
    KeyCode::PageUp,
    KeyCode::Home,
    KeyCode::End,
];

fuzz_target!(|data: &[u8]| {
    let _ = look(&mut Unstructured::new(data));
});

fn look(u: &mut Unstructured<'_>) -> Result<()> {
    let octets = u.int_in_range(0..=u.len())?;
    let keys = u.bytes(octets)?;
    let packets = synscope_fuzz::conversation(u)?;
    let mut keys = Unstructured::new(keys);
    let mut engine = synscope_fuzz::engine(8);
    let feed = Feed::new(8);
    let mut tap = Tap(feed.clone());
    let mut model = Model::new(Options { max_flows: 8, ..Options::default() });
    let mut now = Timestamp(0);
    for (n, packet) in packets.iter().enumerate() {
        now = now.max(packet.time);
        engine.frame(&synscope_fuzz::frame(packet, n as u64 + 1), &mut tap);
        if n % 8 == 7 {
            feed.totals(engine.totals(), now);
            model.apply(feed.take());
            press(&mut model, &mut keys)?;
        }
    }
    engine.finish(&mut tap);
    feed.totals(engine.totals(), now);
    feed.position(Position { read: Some(1.0), seekable: true, ended: true, ..Position::default() });
    model.apply(feed.take());
    while !keys.is_empty() {
        press(&mut model, &mut keys)?;
    }
    Ok(())
}

/// Some keys, then a screen of some size.
fn press(model: &mut Model, keys: &mut Unstructured<'_>) -> Result<()> {
    for _ in 0..keys.int_in_range(0..=8u8)? {
        let code = match keys.arbitrary::<bool>()? {
            true => *keys.choose(&KEYS)?,
            false => KeyCode::Char(char::from(keys.int_in_range(b' '..=b'~')?)),
        };
        let modifiers = if keys.ratio(1, 16)? { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
        model.key(&KeyEvent::new(code, modifiers));
        for _ in 0..4 {
            model.work();
        }
    }
    let (width, height) = (keys.int_in_range(0..=160u16)?, keys.int_in_range(0..=50u16)?);
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let Ok(_) = terminal.draw(|frame| view::draw(model, frame));
    Ok(())
}
