//! Colours: the decision to use them, and their meaning. The text has to say the same as its
//! colour.

use openkoi_app::environment::Environment;

use crate::env::{CLICOLOR, CLICOLOR_FORCE, NO_COLOR, TERM};

/// The value of `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColourChoice {
    /// Colour on a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Colour always.
    Always,
    /// Colour never.
    Never,
}

/// The meaning of a piece of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Ordinary text.
    #[default]
    Plain,
    /// The name of something.
    Strong,
    /// Text of less interest.
    Faint,
    /// Text that is stressed.
    Emphasis,
    /// Code within text.
    Code,
    /// Something that went well.
    Good,
    /// Something to look at.
    Caution,
    /// Something that went wrong.
    Bad,
}

/// The colours of one stream: on or off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Palette(bool);

impl Palette {
    /// The palette without colours.
    pub const PLAIN: Self = Self(false);
    /// The palette with colours, wherever the output goes.
    #[cfg(test)]
    pub(crate) const ALWAYS: Self = Self(true);

    /// Returns the palette of a stream. The flag goes before the environment, and the environment
    /// before the kind of stream.
    pub fn decide(choice: ColourChoice, environment: &Environment, terminal: bool) -> Self {
        let set = |variable| environment.text(variable);
        Self(match choice {
            ColourChoice::Always => true,
            ColourChoice::Never => false,
            ColourChoice::Auto if set(&NO_COLOR).is_some() => false,
            ColourChoice::Auto if set(&CLICOLOR_FORCE).is_some_and(|value| value != "0") => true,
            ColourChoice::Auto if set(&CLICOLOR) == Some("0") => false,
            ColourChoice::Auto if set(&TERM) == Some("dumb") => false,
            ColourChoice::Auto => terminal,
        })
    }

    /// Returns true if the palette has colours.
    pub fn is_on(self) -> bool {
        self.0
    }

    /// Returns `text` with the escape codes of `style`.
    pub fn paint(self, style: Style, text: &str) -> String {
        let mut painted = String::new();
        self.paint_onto(style, text, &mut painted);
        painted
    }

    /// Writes `text` in its colour behind another text.
    pub(super) fn paint_onto(self, style: Style, text: &str, onto: &mut String) {
        let code = match style {
            Style::Plain => return onto.push_str(text),
            _ if !self.0 || text.is_empty() => return onto.push_str(text),
            Style::Strong => "1",
            Style::Faint => "2",
            Style::Emphasis => "3",
            Style::Code => "36",
            Style::Good => "32",
            Style::Caution => "33",
            Style::Bad => "31",
        };
        for part in ["\x1b[", code, "m", text, "\x1b[0m"] {
            onto.push_str(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn decide<const N: usize>(variables: [(&str, &str); N], terminal: bool) -> bool {
        let environment = Environment::of(variables, Path::new("/"));
        Palette::decide(ColourChoice::Auto, &environment, terminal).is_on()
    }

    #[test]
    fn colour_is_for_terminals_unless_the_environment_says_otherwise() {
        assert!(decide([], true));
        assert!(!decide([], false));
        assert!(!decide([("NO_COLOR", "1")], true));
        assert!(decide([("NO_COLOR", "")], true));
        assert!(!decide([("CLICOLOR", "0")], true));
        assert!(decide([("CLICOLOR_FORCE", "1")], false));
        assert!(!decide([("CLICOLOR_FORCE", "0")], false));
        assert!(!decide([("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false));
        assert!(!decide([("TERM", "dumb")], true));
    }

    #[test]
    fn the_flag_beats_the_environment() {
        let environment = Environment::of([("NO_COLOR", "1")], Path::new("/"));

        assert!(Palette::decide(ColourChoice::Always, &environment, false).is_on());
        assert!(
            !Palette::decide(ColourChoice::Never, &Environment::of([], Path::new("/")), true)
                .is_on()
        );
    }

    #[test]
    fn without_colour_nothing_is_added() {
        assert_eq!(Palette::PLAIN.paint(Style::Bad, "error"), "error");
        assert_eq!(Palette(true).paint(Style::Bad, "error"), "\x1b[31merror\x1b[0m");
    }

    #[test]
    fn each_style_has_a_colour_of_its_own_and_plain_and_empty_text_have_none() {
        use Style::{Bad, Caution, Code, Emphasis, Faint, Good, Strong};
        let painted = [Strong, Faint, Emphasis, Code, Good, Caution, Bad]
            .map(|style| Palette(true).paint(style, "x"));

        assert_eq!(
            painted,
            ["1", "2", "3", "36", "32", "33", "31"].map(|code| format!("\x1b[{code}mx\x1b[0m"))
        );
        assert_eq!(Palette(true).paint(Style::Plain, "x"), "x");
        assert_eq!(Palette(true).paint(Style::Bad, ""), "");
    }
}
