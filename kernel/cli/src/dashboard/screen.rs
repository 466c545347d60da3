//! The dashboard on a terminal: the loop that feeds the state and draws it. It waits for keys, for what others write, and,
//! while something runs in front of a person, for the next second; between these it does nothing.

use std::{collections::VecDeque, io, time::Duration};

use openkoi_app::{alerts::Looking, app::App, live::LiveHome, pause, thread};
use openkoi_core::document::Tone;
use ratatui::{
    Terminal, TerminalOptions, Viewport,
    backend::CrosstermBackend,
    crossterm::{event, terminal},
    layout::Rect,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{
    act::{Actor, told},
    draw::draw,
    message::{Effect, Listing, Message},
    read::{Reader, failed},
    state::State,
};
use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    interrupt::{Asked, Interrupts},
    output::Times,
    terminal_modes::FullScreen,
};

/// How long what others write is let gather before it is read.
const GATHER: Duration = Duration::from_millis(60);
const SECOND: Duration = Duration::from_secs(1);
/// The size of a terminal that does not say it.
const USUAL: (u16, u16) = (80, 24);

/// Shows the dashboard until the person leaves.
///
/// # Errors
///
/// When the terminal cannot be used.
pub(super) fn run(context: &Context) -> Result<Exit, CommandError> {
    thread::block(async {
        let interrupts = Interrupts::listen()?;
        let full = FullScreen::begin().map_err(unusable)?;
        let ended = Screen::new(context)?.show(&interrupts).await;
        drop(full);
        ended
    })
}

fn unusable(error: io::Error) -> CommandError {
    CommandError::failed(format!("the terminal cannot be used: {error}"))
        .hint("openkoi dashboard --plain")
}

fn area((width, height): (u16, u16)) -> Rect {
    Rect::new(0, 0, width, height)
}

/// Says to other processes whether a person looks at the dashboard. A terminal that does not tell is looked at.
struct Presence<'a> {
    app: &'a App,
    is_away: bool,
    looking: Option<Looking>,
}

impl<'a> Presence<'a> {
    fn begin(app: &'a App) -> Self {
        Self { app, is_away: false, looking: Looking::begin(app) }
    }

    fn note(&mut self, message: &Message) {
        match message {
            Message::Input(event::Event::FocusLost) => self.is_away = true,
            Message::Input(event::Event::FocusGained) => self.is_away = false,
            // A home that was empty may have something to look at now.
            Message::Changed => {}
            _ => return,
        }
        if self.is_away {
            self.looking = None;
        } else if self.looking.is_none() {
            self.looking = Looking::begin(self.app);
        }
    }
}

struct Screen<'a> {
    context: &'a Context,
    terminal: Terminal<CrosstermBackend<io::Stdout>>,
    state: State,
    reader: Reader<'a>,
    actor: Actor<'a>,
}

impl<'a> Screen<'a> {
    fn new(context: &'a Context) -> Result<Self, CommandError> {
        let size = terminal::size().ok().filter(|size| size.0 > 0 && size.1 > 0).unwrap_or(USUAL);
        // The state says how large the screen is, so that what is laid out and what is drawn are of one size.
        let options = TerminalOptions { viewport: Viewport::Fixed(area(size)) };
        let backend = CrosstermBackend::new(io::stdout());
        let terminal = Terminal::with_options(backend, options).map_err(unusable)?;
        let zone = openkoi_app::day::zone_here();
        let times = Times::Clock(zone.clone(), context.app.now_ms());
        let state = State::new(size, times);
        let (reader, actor) = (Reader::new(context, zone), Actor::new(context));
        Ok(Self { context, terminal, state, reader, actor })
    }

    async fn show(&mut self, interrupts: &Interrupts) -> Result<Exit, CommandError> {
        let mut keys = keys();
        let mut live = self.live();
        let mut presence = Presence::begin(&self.context.app);
        let mut effects = self.state.begin();
        loop {
            if let Some(exit) = self.carry_out(effects)? {
                return Ok(exit);
            }
            self.draw()?;
            let message = tokio::select! {
                biased;
                asked = interrupts.arrived() => return Ok(exit_of(asked)),
                event = keys.recv() => match event {
                    Some(event) => Message::Input(event),
                    // Nobody is at the terminal any more.
                    None => return Ok(Exit::Terminated),
                },
                changed = next(&mut live) => match changed {
                    Ok(()) => {
                        pause(GATHER).await;
                        Message::Changed
                    }
                    Err(error) => {
                        live = None;
                        told(&error)
                    }
                },
                () = pause(SECOND), if self.state.is_moving() => {
                    Message::Second(self.context.app.now_ms())
                }
            };
            presence.note(&message);
            effects = self.state.update(message);
        }
    }

    /// Returns what tells of changes. Without it, a person reads again by a key.
    fn live(&mut self) -> Option<LiveHome<'a>> {
        match LiveHome::listen(&self.context.app) {
            Ok(live) => Some(live),
            Err(error) => {
                let text = format!("{error}; F5 reads again");
                self.state.update(Message::Told(Tone::Warning, text));
                None
            }
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Result<Option<Exit>, CommandError> {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            let message = match effect {
                Effect::Quit(exit) => return Ok(Some(exit)),
                Effect::Redraw => {
                    self.fit()?;
                    None
                }
                Effect::List { tab, all } => {
                    let listed = self.reader.list(tab, all);
                    let listing = listed.unwrap_or_else(|error| Listing {
                        document: failed(&error),
                        ..Listing::default()
                    });
                    Some(Message::Listed(tab, listing, self.context.app.now_ms()))
                }
                Effect::Show(topic) => match self.reader.show(&topic) {
                    Ok(Some(shown)) => Some(Message::Shown(shown)),
                    Ok(None) => Some(Message::Over("that is over".to_owned())),
                    Err(error) => Some(told(&error)),
                },
                Effect::Count => match self.reader.waiting() {
                    Ok(number) => Some(Message::Waiting(number)),
                    Err(error) => Some(told(&error)),
                },
                Effect::Do(action) => self.actor.act(action),
            };
            if let Some(message) = message {
                effects.extend(self.state.update(message));
            }
        }
        Ok(None)
    }

    /// Makes the screen as large as the state says, with nothing on it.
    fn fit(&mut self) -> Result<(), CommandError> {
        self.terminal.resize(area(self.state.size)).map_err(unusable)
    }

    fn draw(&mut self) -> Result<(), CommandError> {
        if self.terminal.current_buffer_mut().area != area(self.state.size) {
            self.fit()?;
        }
        let palette = self.context.printer.out().palette;
        let state = &self.state;
        let drawn = self.terminal.draw(|frame| draw(state, palette, frame.buffer_mut()));
        drawn.map(drop).map_err(unusable)
    }
}

/// Returns the keys that are pressed, read by a thread that waits for them. The end of the terminal ends them.
fn keys() -> UnboundedReceiver<event::Event> {
    let (send, receive) = unbounded_channel();
    thread::beside("keys", move || {
        while let Ok(event) = event::read() {
            if send.send(event).is_err() {
                return;
            }
        }
    });
    receive
}

async fn next(live: &mut Option<LiveHome<'_>>) -> Result<(), CommandError> {
    match live {
        Some(live) => Ok(live.next().await?),
        None => std::future::pending().await,
    }
}

fn exit_of(asked: Asked) -> Exit {
    match asked {
        Asked::Terminate => Exit::Terminated,
        Asked::Interrupt | Asked::No => Exit::Interrupted,
    }
}
