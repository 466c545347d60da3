//! Markdown for a terminal, block by block as it arrives. Code stays as it is, so that it can be copied.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::{Palette, Style, sanitise};

/// Text of a model on its way to the screen. Without colours it passes through as it is.
#[derive(Debug, Default)]
pub(crate) struct MarkdownStream {
    palette: Palette,
    /// The end that is not shown yet: a block that goes on, or a line of code.
    pending: String,
    /// The mark that ends the code that is open.
    fence: Option<String>,
}

impl MarkdownStream {
    pub(crate) fn new(palette: Palette) -> Self {
        Self { palette, ..Self::default() }
    }

    /// Takes a piece of text, and returns what can be shown now, sanitised.
    pub(crate) fn push(&mut self, text: &str) -> String {
        if !self.palette.is_on() {
            return sanitise(text).into_owned();
        }
        self.pending.push_str(text);
        let mut shown = String::new();
        let mut block = String::new();
        let pending = std::mem::take(&mut self.pending);
        for line in pending.split_inclusive('\n') {
            if line.ends_with('\n') {
                shown.push_str(&self.take(line, &mut block));
            } else {
                block.push_str(line);
            }
        }
        self.pending = block;
        shown
    }

    /// Returns what is left. The text that comes next is another one.
    pub(crate) fn finish(&mut self) -> String {
        let rest = std::mem::take(&mut self.pending);
        match self.fence.take() {
            Some(_) => sanitise(&rest).into_owned(),
            None => self.block(&rest),
        }
    }

    /// Takes a whole line. `block` are the lines before it that belong together.
    fn take(&mut self, line: &str, block: &mut String) -> String {
        let bare = line.trim();
        if let Some(fence) = &self.fence {
            let ends = bare.starts_with(fence.as_str())
                && bare.trim_start_matches(fence.as_str()).is_empty();
            let style = if ends { Style::Faint } else { Style::Plain };
            if ends {
                self.fence = None;
            }
            let text = sanitise(line.trim_end_matches('\n')).into_owned();
            return format!("{}\n", self.palette.paint(style, &text));
        }
        let mark: String = bare.chars().take_while(|c| matches!(c, '`' | '~')).collect();
        if mark.len() >= 3 && !bare[mark.len()..].contains('`') {
            let before = self.block(&std::mem::take(block));
            self.fence = Some(mark);
            let text = sanitise(line.trim_end_matches('\n')).into_owned();
            return format!("{before}{}\n", self.palette.paint(Style::Faint, &text));
        }
        block.push_str(line);
        if bare.is_empty() {
            return format!("{}\n", self.block(&std::mem::take(block)));
        }
        String::new()
    }

    fn block(&self, text: &str) -> String {
        render(text, self.palette)
    }
}

/// Returns a whole text for a terminal, sanitised.
pub(crate) fn of_text(text: &str, palette: Palette) -> String {
    let mut stream = MarkdownStream::new(palette);
    let mut shown = stream.push(text);
    shown.push_str(&stream.finish());
    shown
}

/// Returns one block with its inline marks.
fn render(text: &str, palette: Palette) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    let mut page =
        Rendering { palette, text: String::new(), styles: Vec::new(), lists: Vec::new() };
    Parser::new(text).for_each(|event| page.take(event));
    let mut shown = page.text.trim_end_matches('\n').to_owned();
    shown.push('\n');
    shown
}

struct Rendering {
    palette: Palette,
    text: String,
    styles: Vec<Style>,
    /// The next number of each list that is open; nothing for one without numbers.
    lists: Vec<Option<u64>>,
}

impl Rendering {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.put(&text),
            Event::Code(code) => {
                let code = sanitise(&code).into_owned();
                self.text.push_str(&self.palette.paint(Style::Code, &code));
            }
            Event::SoftBreak | Event::HardBreak => self.line(),
            Event::Rule => self.text.push_str("────────\n"),
            _ => {}
        }
    }

    fn put(&mut self, text: &str) {
        let style = self.styles.last().copied().unwrap_or_default();
        let indent = format!("\n{}", self.indent());
        let text = sanitise(text).replace('\n', &indent);
        self.text.push_str(&self.palette.paint(style, &text));
    }

    fn indent(&self) -> String {
        "  ".repeat(self.lists.len())
    }

    fn line(&mut self) {
        self.text.push('\n');
        let indent = self.indent();
        self.text.push_str(&indent);
    }

    /// Begins a line, unless one has just begun.
    fn fresh(&mut self) {
        let blank = self.text.rsplit('\n').next().is_some_and(|last| last.trim().is_empty());
        if blank {
            self.text.truncate(self.text.trim_end_matches(' ').len());
        } else {
            self.text.push('\n');
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } | Tag::Strong => self.styles.push(Style::Strong),
            Tag::Emphasis => self.styles.push(Style::Emphasis),
            Tag::BlockQuote(_) => {
                self.text.push_str(&self.palette.paint(Style::Faint, "│ "));
                self.styles.push(Style::Faint);
            }
            Tag::List(first) => {
                self.fresh();
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::CodeBlock(CodeBlockKind::Indented) => self.text.push_str("    "),
            _ => {}
        }
    }

    fn item(&mut self) {
        self.fresh();
        let depth = self.lists.len().saturating_sub(1);
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => "• ".to_owned(),
        };
        self.text.push_str(&format!("{}{mark}", "  ".repeat(depth)));
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong | TagEnd::Emphasis => drop(self.styles.pop()),
            TagEnd::Heading(_) | TagEnd::BlockQuote(_) => {
                self.styles.pop();
                self.fresh();
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.fresh();
            }
            TagEnd::Paragraph | TagEnd::CodeBlock | TagEnd::HtmlBlock => self.fresh(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        of_text(text, Palette::ALWAYS)
    }

    #[test]
    fn headings_emphasis_and_code_are_painted_without_their_marks() {
        let table = [
            ("# Title", "\x1b[1mTitle\x1b[0m\n"),
            ("a **b** c", "a \x1b[1mb\x1b[0m c\n"),
            ("a *b* c", "a \x1b[3mb\x1b[0m c\n"),
            ("run `ls -l`", "run \x1b[36mls -l\x1b[0m\n"),
            ("> said", "\x1b[2m│ \x1b[0m\x1b[2msaid\x1b[0m\n"),
            ("one\ntwo", "one\ntwo\n"),
            ("one\n\ntwo", "one\n\ntwo\n"),
            ("---", "────────\n"),
            ("a_b_c and 2 * 3 * 4", "a_b_c and 2 * 3 * 4\n"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lists_keep_their_depth_and_numbers() {
        assert_eq!(shown("- a\n- b\n  - c\n- d"), "• a\n• b\n  • c\n• d\n");
        assert_eq!(shown("3. a\n4. b"), "3. a\n4. b\n");
        assert_eq!(shown("text\n- a\n- b"), "text\n• a\n• b\n");
    }

    #[test]
    fn code_is_left_as_it_is_between_its_fences() {
        let text = "see:\n```rust\nfn main() {\n\n    *x = **y;\n}\n```\ndone\n";

        let fence = |text: &str| format!("\x1b[2m{text}\x1b[0m");
        let (open, close) = (fence("```rust"), fence("```"));
        let code = "fn main() {\n\n    *x = **y;\n}";
        assert_eq!(shown(text), format!("see:\n{open}\n{code}\n{close}\ndone\n"));
    }

    #[test]
    fn without_colours_the_text_is_as_it_was_written() {
        let text = "# Title\n\n- **a**\n```\nx\n```\nhalf";

        assert_eq!(of_text(text, Palette::PLAIN), text);
    }

    #[test]
    fn nothing_drives_the_terminal() {
        for text in ["a\x1b[2J", "`\x1b[2J`", "```\n\x1b[2J\n```\n", "# \x1b[2J", "<b \x1b[2J>"] {
            let escapes = shown(text).matches("\x1b[2J").count();
            assert_eq!(escapes, 0, "{text:?}");
        }
    }

    #[test]
    fn code_comes_line_by_line_and_text_block_by_block() {
        let mut stream = MarkdownStream::new(Palette::ALWAYS);

        assert_eq!(stream.push("a **b"), "");
        assert_eq!(stream.push("** c\n"), "");
        assert_eq!(stream.push("\n```\nx"), "a \x1b[1mb\x1b[0m c\n\n\x1b[2m```\x1b[0m\n");
        assert_eq!(stream.push("y\nz"), "xy\n");
        assert_eq!(stream.finish(), "z");
        assert_eq!(stream.push("new\n\n"), "new\n\n");
    }

    proptest::proptest! {
        #[test]
        fn the_pieces_in_which_a_text_arrives_make_no_difference(
            text in "[a`*#\\- \n>]{0,40}", at in 0usize..40,
        ) {
            let at = at.min(text.len());
            let mut stream = MarkdownStream::new(Palette::ALWAYS);
            let mut pieces = stream.push(&text[..at]);
            pieces.push_str(&stream.push(&text[at..]));
            pieces.push_str(&stream.finish());
            proptest::prop_assert_eq!(pieces, shown(&text));
        }
    }
}
