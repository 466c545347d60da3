//! HTML as readable text, in Markdown.
//!
//! The tokenizer follows the standard; what is made of its tags here is forgiving: end tags that are missing or
//! in the wrong place end what they can. Time and memory stay in proportion to the page whatever it nests.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

use crate::{address, table::Table, writer::Writer};

/// A main part with less text than this is not taken for the page.
const MIN_MAIN: usize = 200;
const MAX_INDENT: usize = 8;

/// A page that has been read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Its title.
    pub title: Option<String>,
    /// Its text.
    pub text: String,
}

/// Renders the page at `url`.
pub(crate) fn render(html: &str, url: &str) -> Page {
    let mut emitter = DefaultEmitter::<()>::default();
    emitter.naively_switch_states(true);
    let mut renderer = Renderer::new(url);
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Token::StartTag(tag) => renderer.start(&tag),
            Token::EndTag(tag) => renderer.end(&String::from_utf8_lossy(&tag.name)),
            Token::String(text) => renderer.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    renderer.finish()
}

struct Renderer<'a> {
    url: &'a str,
    out: Writer,
    title: String,
    in_title: bool,
    /// The element whose contents are passed over, and how many of its kind are open.
    skipped: Option<(String, usize)>,
    link: Option<(usize, String)>,
    code: Option<usize>,
    pre: Option<Pre>,
    /// For each open list the number of its last item, if items are numbered.
    lists: Vec<Option<usize>>,
    table: Option<Table>,
    tables: usize,
    cell: Option<usize>,
    quotes: Vec<usize>,
    main: Option<(usize, Option<usize>)>,
}

struct Pre {
    at_start: bool,
    mark: usize,
}

impl<'a> Renderer<'a> {
    fn new(url: &'a str) -> Self {
        Self {
            url,
            out: Writer::default(),
            title: String::new(),
            in_title: false,
            skipped: None,
            link: None,
            code: None,
            pre: None,
            lists: Vec::new(),
            table: None,
            tables: 0,
            cell: None,
            quotes: Vec::new(),
            main: None,
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_title {
            self.title.push_str(text);
        } else if self.skipped.is_some() {
        } else if let Some(pre) = &mut self.pre {
            let text = if std::mem::take(&mut pre.at_start) {
                text.strip_prefix('\n').unwrap_or(text)
            } else {
                text
            };
            self.out.verbatim(text);
        } else {
            self.out.words(text);
        }
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        if let Some((skipped, depth)) = &mut self.skipped {
            *depth += usize::from(*skipped == name && !tag.self_closing);
            return;
        }
        if is_skipped(&name, tag) {
            if !tag.self_closing {
                self.skipped = Some((name, 1));
            }
            return;
        }
        self.start_element(&name, tag);
    }

    fn start_element(&mut self, name: &str, tag: &StartTag<()>) {
        match name {
            "title" => self.in_title = self.title.is_empty(),
            "main" if self.main.is_none() => {
                self.out.block();
                self.main = Some((self.out.position(), None));
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.heading(name),
            "br" => self.out.line(),
            "hr" => self.paragraph("---"),
            "ul" | "menu" => self.list(None),
            "ol" => self.list(Some(
                attribute(tag, "start")
                    .and_then(|n| n.parse().ok())
                    .map_or(0, |n: usize| n.saturating_sub(1)),
            )),
            "li" => self.item(),
            "dd" => {
                self.out.line();
                self.out.sign("  ");
            }
            "pre" => self.start_pre(),
            "code" | "kbd" | "samp" | "tt" if self.pre.is_none() && self.code.is_none() => {
                self.code = Some(self.out.mark());
            }
            "a" => self.start_link(tag),
            "img" => self.image(tag),
            "blockquote" => self.start_quote(),
            "table" => self.start_table(),
            "tr" => self.row(),
            "td" | "th" => self.start_cell(),
            other if is_block(other) => self.out.block(),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if let Some((skipped, depth)) = &mut self.skipped {
            *depth -= usize::from(skipped == name);
            if *depth == 0 {
                self.skipped = None;
            }
            return;
        }
        match name {
            "title" => self.in_title = false,
            "main" => self.end_main(),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.out.release();
                self.out.block();
            }
            "ul" | "ol" | "menu" => self.end_list(),
            "pre" => self.end_pre(),
            "code" | "kbd" | "samp" | "tt" => self.end_code(),
            "a" => self.end_link(),
            "blockquote" => self.end_quote(),
            "table" => self.end_table(),
            "td" | "th" => self.end_cell(),
            "li" | "dd" | "dt" => {
                self.out.release();
                self.out.line();
            }
            other if is_block(other) => self.out.block(),
            _ => {}
        }
    }

    fn paragraph(&mut self, text: &str) {
        self.out.block();
        self.out.verbatim(text);
        self.out.block();
    }

    fn heading(&mut self, name: &str) {
        let level = name[1..].parse().unwrap_or(1);
        self.out.block();
        self.out.sign(&format!("{} ", "#".repeat(level)));
    }

    fn list(&mut self, number: Option<usize>) {
        if self.lists.is_empty() {
            self.out.block()
        } else {
            self.out.line()
        }
        self.lists.push(number);
    }

    fn end_list(&mut self) {
        self.lists.pop();
        if self.lists.is_empty() { self.out.block() } else { self.out.line() }
    }

    fn item(&mut self) {
        let depth = self.lists.len().saturating_sub(1).min(MAX_INDENT);
        let sign = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{number}. ")
            }
            _ => "- ".to_owned(),
        };
        self.out.line();
        self.out.sign(&format!("{}{sign}", "  ".repeat(depth)));
    }

    fn start_pre(&mut self) {
        if self.pre.is_none() {
            self.out.block();
            let mark = self.out.mark();
            self.pre = Some(Pre { at_start: true, mark });
        }
    }

    fn end_pre(&mut self) {
        let Some(pre) = self.pre.take() else { return };
        let text = self.out.take(pre.mark);
        let fence = if text.contains("```") { "````" } else { "```" };
        self.paragraph(&format!("{fence}\n{}\n{fence}", text.trim_end()));
    }

    fn end_code(&mut self) {
        let Some(mark) = self.code.take() else { return };
        let text = self.out.take(mark);
        if !text.is_empty() {
            let quote = if text.contains('`') { "``" } else { "`" };
            self.out.verbatim(&format!("{quote}{text}{quote}"));
        }
    }

    fn start_link(&mut self, tag: &StartTag<()>) {
        self.end_link();
        let target = attribute(tag, "href").and_then(|href| address::join(self.url, &href));
        if let Some(target) = target.filter(|_| self.pre.is_none() && self.code.is_none()) {
            self.link = Some((self.out.mark(), target));
        }
    }

    /// A link around whole paragraphs is put after them.
    fn end_link(&mut self) {
        let Some((mark, target)) = self.link.take() else { return };
        let text = self.out.take(mark);
        match text.trim() {
            "" => {}
            line if !line.contains('\n') => self.out.verbatim(&format!("[{line}]({target})")),
            _ => self.out.verbatim(&format!("{text} ({target})")),
        }
    }

    fn image(&mut self, tag: &StartTag<()>) {
        let text = attribute(tag, "alt").unwrap_or_default();
        if !text.trim().is_empty() {
            self.out.words(&format!("[image: {}]", text.trim()));
        }
    }

    fn start_quote(&mut self) {
        self.out.block();
        if self.quotes.len() < MAX_INDENT {
            self.quotes.push(self.out.mark());
        }
    }

    fn end_quote(&mut self) {
        let Some(mark) = self.quotes.pop() else { return };
        let text = self.out.take(mark);
        let quoted: Vec<String> = text.trim_end().lines().map(|line| format!("> {line}")).collect();
        self.paragraph(&quoted.join("\n"));
    }

    /// A table in a table is taken for the arrangement of its cell.
    fn start_table(&mut self) {
        self.tables += 1;
        if self.tables == 1 {
            self.out.block();
            self.table = Some(Table::default());
        }
    }

    fn row(&mut self) {
        if self.tables == 1 {
            self.end_cell();
            if let Some(table) = &mut self.table {
                table.row();
            }
        } else {
            self.out.line();
        }
    }

    fn start_cell(&mut self) {
        if self.tables == 1 {
            self.end_cell();
            self.cell = Some(self.out.mark_apart());
        } else {
            self.out.words(" ");
        }
    }

    fn end_cell(&mut self) {
        if self.tables != 1 {
            return;
        }
        self.end_link();
        self.end_code();
        if let (Some(mark), Some(table)) = (self.cell.take(), &mut self.table) {
            table.cell(self.out.take(mark));
        }
    }

    fn end_table(&mut self) {
        if self.tables == 1 {
            self.end_cell();
            let text = self.table.take().map(Table::render).unwrap_or_default();
            if !text.is_empty() {
                self.paragraph(&text);
            }
            self.out.block();
        }
        self.tables = self.tables.saturating_sub(1);
    }

    fn end_main(&mut self) {
        let position = self.out.position();
        if let Some((_, end @ None)) = &mut self.main {
            *end = Some(position);
        }
        self.out.block();
    }

    fn finish(mut self) -> Page {
        self.end_pre();
        self.tables = self.tables.min(1);
        self.end_table();
        self.end_link();
        self.end_code();
        while !self.quotes.is_empty() {
            self.end_quote();
        }
        let main = self.main;
        let text = self.out.finish();
        let title = self.title.split_whitespace().collect::<Vec<_>>().join(" ");
        Page {
            title: (!title.is_empty()).then_some(title),
            text: main_part(&text, main).trim().to_owned(),
        }
    }
}

/// Where a page says what it is about, the rest is its frame.
fn main_part(text: &str, main: Option<(usize, Option<usize>)>) -> &str {
    let part = main.and_then(|(start, end)| text.get(start..end.unwrap_or(text.len())));
    part.filter(|part| part.len() >= MIN_MAIN).unwrap_or(text)
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn is_skipped(name: &str, tag: &StartTag<()>) -> bool {
    const SKIPPED: [&str; 13] = [
        "audio", "button", "canvas", "datalist", "iframe", "math", "noscript", "object", "script",
        "select", "style", "svg", "template",
    ];
    SKIPPED.contains(&name) || name == "textarea" || is_hidden(name, tag)
}

/// Elements that never end would hide the rest of the page.
fn is_hidden(name: &str, tag: &StartTag<()>) -> bool {
    const VOID: [&str; 9] = ["br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"];
    let optional_end =
        matches!(name, "body" | "dd" | "dt" | "html" | "li" | "p" | "td" | "th" | "tr");
    let hidden = attribute(tag, "hidden").is_some()
        || attribute(tag, "aria-hidden").as_deref() == Some("true");
    hidden && !optional_end && !VOID.contains(&name)
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "body"
            | "caption"
            | "details"
            | "dialog"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "header"
            | "head"
            | "hgroup"
            | "main"
            | "nav"
            | "p"
            | "section"
            | "summary"
            | "tbody"
            | "thead"
            | "tfoot"
    )
}

#[cfg(test)]
mod tests;
