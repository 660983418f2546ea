//! The terminal itself: taking it, giving it back whatever happens, keys in and frames out.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::panic;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossterm::event::{
    self, DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, Event, KeyCode,
    KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use signal_hook::consts::{SIGHUP, SIGTERM, SIGTSTP};
use terminal_colorsaurus::{QueryOptions, background_color};

use crate::aborts;
use crate::output::file::{self, Protected, Unplaced};

use super::feed::{Feed, MOST_AT_ONCE};
use super::layout::View;
use super::locale::Word;
use super::model::{Command, Effect, Model, Options};
use super::theme::{Rgb, ThemeName};
use super::{layout, view};

/// Whether the terminal is ours now.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Held while a frame goes out or the terminal is taken or given back: a frame after that would hide what is said then.
static WRITING: Mutex<()> = Mutex::new(());
/// Held while the terminal is taken or asked for its background, and while a panic gives it back and says what
/// happened.
static TAKING: Mutex<()> = Mutex::new(());
/// Whether anything panicked: the terminal is not taken again after that.
static PANICKED: AtomicBool = AtomicBool::new(false);
/// How long to wait for a key when nothing happens.
const IDLE: Duration = Duration::from_millis(25);
/// How long the model may work at a time before keys are looked at.
const WORK: Duration = Duration::from_millis(10);
/// How often the watchdog looks.
const WATCH: Duration = Duration::from_millis(200);
/// How long the view may take to end once it is to.
const PATIENCE: Duration = Duration::from_secs(1);
/// Time limit for the terminal to report its background colour.
const BACKGROUND_WAIT: Duration = Duration::from_millis(150);
/// The longest answer to that, characters.
const MAX_REPLY: usize = 32;
/// The longest text that is put into a clipboard, octets: terminals take no more.
const MAX_COPY: usize = 74_000;

/// How the view talks to the rest of the program.
#[derive(Debug)]
pub struct Controls {
    /// What happens.
    pub feed: Feed,
    /// What is wanted.
    pub commands: Sender<Command>,
    /// Raised when the program is to end.
    pub stop: Arc<AtomicBool>,
    /// What must not be overwritten.
    pub protected: Protected,
    /// Whether to panic at the first frame: for tests of what is left of the terminal then.
    pub panic: bool,
}

/// Shows the view until the user leaves it or a signal ends the program. Returns why the analysis failed, if it did.
///
/// # Errors
///
/// What the terminal refuses. It is given back in any case.
pub fn run(options: Options, controls: &Controls) -> io::Result<Option<String>> {
    let suspend = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&controls.stop))?;
    }
    signal_hook::flag::register(SIGTSTP, Arc::clone(&suspend))?;
    restore_on_panic();
    if options.force_color {
        crossterm::style::force_color_output(true);
    }
    let watched = Watched::new(Arc::clone(&controls.stop))?;
    let background = if options.theme == ThemeName::Mono { None } else { background() };
    let options = Options { theme: options.theme.on(background, options.true_color), ..options };
    let faint = background.is_some_and(|background| options.theme.is_faint_on(background));
    let _guard = Guard;
    let screen = Screen::take(options.mouse)?;
    let mut model = Model::new(options);
    if faint {
        model.message = Some(model.say(Word::Faint).to_owned());
    }
    let reply = Reply::default();
    let mut session = ViewLoop { model, screen, controls, suspend, seen: 0, behind: false, failure: None, reply };
    let left = session.until_quit().map(|()| session.failure.take());
    drop(watched);
    left
}

/// Writes a file, or nothing at all.
fn write_whole(path: &Path, text: &str, protected: &Protected) -> io::Result<()> {
    let (mut file, pending) = file::create(path, protected, None)?;
    file.write_all(text.as_bytes())?;
    pending.map_or(Ok(()), Unplaced::put)
}

/// The background of the terminal, if it answers in time (OSC 11).
fn background() -> Option<Rgb> {
    // While it is asked, the terminal is raw: a panic elsewhere waits with what it has to say.
    let _taking = TAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut query = QueryOptions::default();
    query.timeout = BACKGROUND_WAIT;
    background_color(query).ok().map(|colour| colour.scale_to_8bit())
}

/// Keys that are none: what a slow terminal answers to the question for its background after nobody waits any more.
#[derive(Debug, Default)]
struct Reply(usize);

impl Reply {
    /// Whether this key belongs to a late answer: `ESC ] 11;rgb:…` to `BEL` or `ESC \`.
    fn holds(&mut self, key: &KeyEvent) -> bool {
        let with = |modifier| key.modifiers.contains(modifier);
        match key.code {
            KeyCode::Char(']') if with(KeyModifiers::ALT) => self.0 = MAX_REPLY,
            KeyCode::Char('\\') if with(KeyModifiers::ALT) && self.0 > 0 => {
                self.0 = 0;
                return true;
            }
            KeyCode::Char('g') if with(KeyModifiers::CONTROL) && self.0 > 0 => {
                self.0 = 0;
                return true;
            }
            _ => {}
        }
        let holds = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        holds
    }
}

/// A thread that ends the program when the view does not: reading keys from a terminal that is gone never comes back.
struct Watched {
    over: Arc<AtomicBool>,
}

impl Watched {
    fn new(stop: Arc<AtomicBool>) -> io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        // A file of its own: it stays the same terminal, and reports when that is gone.
        let terminal = File::open("/dev/tty").ok().filter(File::is_terminal);
        thread::Builder::new().name("watchdog".to_owned()).spawn(move || watch(&seen, &stop, terminal.as_ref()))?;
        Ok(Self { over })
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

/// Looks until the view is over, or has had its time after it was to end.
fn watch(over: &AtomicBool, stop: &AtomicBool, terminal: Option<&File>) {
    let mut since: Option<Instant> = None;
    while !over.load(Ordering::SeqCst) {
        thread::sleep(WATCH);
        if !terminal.map_or_else(|| io::stdout().is_terminal() || io::stdin().is_terminal(), File::is_terminal) {
            stop.store(true, Ordering::SeqCst);
        }
        if !stop.load(Ordering::SeqCst) {
            since = None;
        } else if since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE && !over.load(Ordering::SeqCst) {
            // On a thread of its own: the view may hold standard output, blocked.
            if thread::Builder::new().spawn(restore).is_err() {
                restore();
            }
            thread::sleep(2 * WATCH);
            std::process::exit(0);
        }
    }
}

/// The terminal in our hands.
struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<TerminalWriter>>>,
    mouse: bool,
}

/// Where frames go: standard output, or the terminal itself where that is something else.
enum TerminalWriter {
    Stdout(io::Stdout),
    Terminal(File),
}

impl TerminalWriter {
    fn open() -> io::Result<Self> {
        if io::stdout().is_terminal() {
            return Ok(Self::Stdout(io::stdout()));
        }
        OpenOptions::new().write(true).open("/dev/tty").map(Self::Terminal)
    }
}

impl AsFd for TerminalWriter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Stdout(stream) => stream.as_fd(),
            Self::Terminal(file) => file.as_fd(),
        }
    }
}

impl Write for TerminalWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stream) => stream.write(bytes),
            Self::Terminal(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stream) => stream.flush(),
            Self::Terminal(file) => file.flush(),
        }
    }
}

impl Screen {
    fn take(mouse: bool) -> io::Result<Self> {
        let _taking = TAKING.lock().unwrap_or_else(PoisonError::into_inner);
        if PANICKED.load(Ordering::SeqCst) {
            return Err(io::Error::other("given back after a panic"));
        }
        let writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = BufWriter::with_capacity(1 << 16, TerminalWriter::open()?);
        aborts::terminal_is_taken(out.get_ref());
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let entered = execute!(out, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide, Clear(ClearType::All));
        let entered = entered.and_then(|()| if mouse { execute!(out, EnableMouseCapture) } else { Ok(()) });
        match entered.and_then(|()| Terminal::new(CrosstermBackend::new(out))) {
            Ok(terminal) => Ok(Self { terminal, mouse }),
            Err(error) => {
                drop(writing);
                restore();
                Err(error)
            }
        }
    }
}

/// Whether the view has the terminal.
pub fn is_shown() -> bool {
    TAKEN.load(Ordering::SeqCst)
}

/// Gives the terminal back when dropped.
struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, if it is ours. Errors are ignored: nobody could read them.
pub fn restore() {
    let _writing = soon(&WRITING);
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    if let Ok(mut out) = TerminalWriter::open() {
        let _ = execute!(out, DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    }
    let _ = disable_raw_mode();
    aborts::terminal_is_given_back();
}

/// Waits a moment for `lock`; not for ever, as its holder may be blocked, or be this very thread in a panic.
fn soon(lock: &'static Mutex<()>) -> Option<MutexGuard<'static, ()>> {
    for _ in 0..20 {
        match lock.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(10)),
        }
    }
    None
}

/// A panic anywhere first gives the terminal back, so that its message can be read.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // Nobody takes the terminal between the two, nor afterwards: the message would be lost with its screen.
            let _taking = soon(&TAKING);
            PANICKED.store(true, Ordering::SeqCst);
            restore();
            previous(info);
        }));
    });
}

/// A running view.
struct ViewLoop<'a> {
    model: Model,
    screen: Screen,
    controls: &'a Controls,
    suspend: Arc<AtomicBool>,
    /// Generation of the feed that was taken last.
    seen: u64,
    /// Whether there was more than could be taken without letting keys wait.
    behind: bool,
    failure: Option<String>,
    reply: Reply,
}

impl ViewLoop<'_> {
    fn until_quit(&mut self) -> io::Result<()> {
        let frame_time = Duration::from_secs(1) / u32::from(self.model.options.fps.max(1));
        let mut last_frame: Option<Instant> = None;
        let mut dirty = true;
        let mut urgent = true;
        loop {
            dirty |= self.look_at_feed();
            let due = last_frame.is_none_or(|then| then.elapsed() >= frame_time);
            if dirty && (urgent || due) {
                self.draw()?;
                last_frame = Some(Instant::now());
                (dirty, urgent) = (false, false);
            }
            if self.model.is_working() {
                let begun = Instant::now();
                while self.model.work() && begun.elapsed() < WORK {}
                dirty = true;
            }
            let left = last_frame.map_or(IDLE, |then| frame_time.saturating_sub(then.elapsed()));
            let wait = match (self.model.is_working() || self.behind, dirty) {
                (true, _) => Duration::ZERO,
                (false, true) => left,
                (false, false) => IDLE,
            };
            // The whole queue of keys makes one frame.
            let mut timeout = wait;
            while event::poll(timeout)? {
                timeout = Duration::ZERO;
                (dirty, urgent) = (true, true);
                if self.event(&event::read()?)? {
                    return Ok(());
                }
            }
            if self.suspend.swap(false, Ordering::SeqCst) {
                self.suspend()?;
                (dirty, urgent) = (true, true);
            }
            // A panic of the analysis has given the terminal back already.
            if self.controls.stop.load(Ordering::SeqCst) || !TAKEN.load(Ordering::SeqCst) {
                return Ok(());
            }
        }
    }

    /// Takes what is new; whether there was anything to draw anew.
    fn look_at_feed(&mut self) -> bool {
        let generation = self.controls.feed.generation();
        if generation == self.seen && !self.behind {
            return false;
        }
        self.seen = generation;
        self.model.see_waiting(self.controls.feed.waiting());
        self.behind = !self.model.is_paused();
        if self.behind {
            let begun = Instant::now();
            while self.behind && begun.elapsed() < WORK {
                let mut batch = self.controls.feed.take_at_most(MOST_AT_ONCE);
                self.behind = batch.mark.is_some() || batch.more;
                if let Some(why) = batch.failure.take() {
                    self.model.failure = Some(why.clone());
                    self.failure = Some(why);
                }
                self.model.apply(batch);
                self.controls.feed.shows(self.model.octets());
            }
        }
        true
    }

    fn draw(&mut self) -> io::Result<()> {
        assert!(!self.controls.panic, "a panic was asked for");
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        if !TAKEN.load(Ordering::SeqCst) {
            return Ok(());
        }
        let model = &mut self.model;
        self.screen.terminal.draw(|frame| view::draw(model, frame))?;
        Ok(())
    }

    /// One event of the terminal; whether it ends the view.
    fn event(&mut self, event: &Event) -> io::Result<bool> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release && self.reply.holds(key) => {}
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                let effect = self.model.key(key);
                let quit = self.effect(effect)?;
                // A key shows what it does even while the display stands still.
                self.seen = self.seen.wrapping_sub(1);
                return Ok(quit);
            }
            // What is pasted is text: where none is asked for it does nothing.
            Event::Paste(text) if self.model.takes_text() => {
                for c in text.chars().filter(|c| !c.is_control()) {
                    let effect = self.model.key(&KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
                    if self.effect(effect)? {
                        return Ok(true);
                    }
                }
            }
            Event::Mouse(mouse) => match mouse.kind {
                MouseEventKind::ScrollDown => self.model.scroll(3),
                MouseEventKind::ScrollUp => self.model.scroll(-3),
                MouseEventKind::Down(MouseButton::Left) => self.click(mouse.column, mouse.row),
                _ => {}
            },
            _ => {}
        }
        Ok(false)
    }

    fn click(&mut self, column: u16, row: u16) {
        let Ok(size) = self.screen.terminal.size() else { return };
        let Some(at) = layout::layout(size.width, size.height, self.model.wish) else { return };
        let first = at.main.y + 1;
        if row == at.main.y && at.main.width > column && self.model.wish.view == View::Flows {
            if let Some(column) = layout::column_at(at.main.width, column - at.main.x) {
                self.model.click_heading(column);
            }
            return;
        }
        if (first..at.main.bottom()).contains(&row) {
            self.model.click(usize::from(row - first));
        }
    }

    fn effect(&mut self, effect: Option<Effect>) -> io::Result<bool> {
        match effect {
            None => {}
            Some(Effect::Quit) => return Ok(true),
            Some(Effect::Suspend) => self.suspend()?,
            Some(Effect::Repaint) => self.retake()?,
            Some(Effect::Copy(text)) => self.copy(&text)?,
            Some(Effect::Write(path, text)) => {
                let said = match write_whole(&path, &text, &self.controls.protected) {
                    Ok(()) => format!("{} {}", path.display(), self.model.say(Word::Written)),
                    Err(error) => format!("{}: {error}", path.display()),
                };
                self.model.message = Some(said);
            }
            // If the analysis is gone, nothing can be done for it.
            Some(Effect::Analysis(command)) => drop(self.controls.commands.send(command)),
        }
        Ok(false)
    }

    /// OSC 52: the terminal's clipboard, which works over ssh as well.
    fn copy(&mut self, text: &str) -> io::Result<()> {
        let text = text.get(..MAX_COPY).unwrap_or(text);
        let writer = self.screen.terminal.backend_mut();
        write!(writer, "\x1b]52;c;{}\x07", STANDARD.encode(text))?;
        Write::flush(writer)
    }

    /// Gives the terminal back and stops; when the program goes on, takes it again.
    fn suspend(&mut self) -> io::Result<()> {
        restore();
        signal_hook::low_level::emulate_default_handler(SIGTSTP)?;
        self.suspend.store(false, Ordering::SeqCst);
        self.retake()
    }

    fn retake(&mut self) -> io::Result<()> {
        restore();
        self.screen = Screen::take(self.screen.mouse)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_is_no_typing() {
        let mut reply = Reply::default();
        let key = |c: char, modifiers| KeyEvent::new(KeyCode::Char(c), modifiers);
        let plain = |c| key(c, KeyModifiers::NONE);
        assert!(!reply.holds(&plain('q')));
        assert!(reply.holds(&key(']', KeyModifiers::ALT)));
        assert!("11;rgb:ffff/ffff/ffff".chars().all(|c| reply.holds(&plain(c))));
        assert!(reply.holds(&key('\\', KeyModifiers::ALT)));
        assert!(!reply.holds(&plain('q')));
        // An answer that never ends takes only so much.
        assert!(reply.holds(&key(']', KeyModifiers::ALT)));
        assert_eq!((0..100).filter(|_| reply.holds(&plain('q'))).count(), MAX_REPLY - 1);
    }
}
