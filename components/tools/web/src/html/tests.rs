use super::*;

fn text(html: &str) -> String {
    render(html, "https://example.com/docs/page").text
}

#[test]
fn headings_paragraphs_and_breaks_are_kept() {
    assert_eq!(
        text("<h1> A\n title </h1><p>One <b>bold</b>\n word.<p>Two<br>lines<hr><h2>Next</h2>x"),
        "# A title\n\nOne bold word.\n\nTwo\nlines\n\n---\n\n## Next\n\nx"
    );
}

#[test]
fn lists_are_nested_and_numbered() {
    assert_eq!(
        text("<ul><li>a<li>b<ol start=3><li>c</li><li><p>d</p></li></ol></li></ul>after"),
        "- a\n- b\n  3. c\n  4. d\n\nafter"
    );
}

#[test]
fn links_lead_somewhere_or_are_plain() {
    assert_eq!(
        text(
            r##"See <a href="../x?y=1">the <i>docs</i></a>, <a href="#top">up</a> and <a href=javascript:x>run</a>."##
        ),
        "See [the docs](https://example.com/x?y=1), up and run."
    );
    assert_eq!(
        text("<a href=/x><div>One</div><div>Two</div></a>"),
        "One\n\nTwo (https://example.com/x)"
    );
    assert_eq!(
        text("<a href=/1>a<a href=/2>b</a>"),
        "[a](https://example.com/1)[b](https://example.com/2)"
    );
}

#[test]
fn code_keeps_its_white_space() {
    assert_eq!(
        text(
            "<p>Use <code>a  b</code>:</p><pre>\n<code>fn x() {\n    <span>y</span>\n}\n</code></pre>done"
        ),
        "Use `a b`:\n\n```\nfn x() {\n    y\n}\n```\n\ndone"
    );
}

#[test]
fn a_table_of_data_is_a_table() {
    assert_eq!(
        text(
            "<table><caption>Cap</caption><tr><th>Name<th>Size</tr><tr><td>a|b<td><a href=/s>1\nMB</a></table>end"
        ),
        "Cap\n\n| Name | Size |\n|---|---|\n| a\\|b | [1 MB](https://example.com/s) |\n\nend"
    );
}

#[test]
fn a_table_that_arranges_a_page_is_text() {
    assert_eq!(
        text("<table><tr><td><p>One</p><p>Two</p></td><td>Side</td></tr></table>"),
        "One\n\nTwo\n\nSide"
    );
    assert_eq!(text("<table><tr><td>x<table><tr><td>in<td>ner</table></table>"), "x\nin ner");
}

#[test]
fn quotes_are_marked_on_every_line() {
    assert_eq!(text("a<blockquote><p>b</p><p>c</p></blockquote>d"), "a\n\n> b\n> \n> c\n\nd");
}

#[test]
fn what_is_not_for_reading_is_left_out() {
    assert_eq!(
        text(
            "<style>p{}</style><script>if (a<b) x('</p>')</script><p>text<svg><title>no</title></svg> on</p>\
              <div hidden>secret<div>deep</div></div><select><option>1</select><img src=x alt='A cat'><!-- c -->"
        ),
        "text on\n\n[image: A cat]"
    );
}

#[test]
fn the_title_is_the_page_s_own() {
    let page = render("<head><title> A &mdash;\n B </title></head><body>x", "https://example.com");

    assert_eq!(page.title.as_deref(), Some("A — B"));
    assert_eq!(page.text, "x");
}

#[test]
fn the_main_part_is_the_page_if_it_says_enough() {
    let long = "word ".repeat(60);
    let with_main = format!("<nav>menu</nav><main><p>{long}</p></main><footer>imprint</footer>");

    assert_eq!(text(&with_main), long.trim());
    assert_eq!(text("<nav>menu</nav><main>short</main>foot"), "menu\n\nshort\n\nfoot");
}

#[test]
fn no_page_takes_long() {
    for tag in [
        "<blockquote>",
        "<table><tr><td>",
        "<ul><li>",
        "<a href=x>",
        "<pre>",
        "<code>",
        "<div>",
        "<svg>",
    ] {
        let page = format!("{}x", tag.repeat(50_000));

        assert!(text(&page).len() < 3_000_000, "{tag}");
    }
}

#[test]
fn an_item_that_says_nothing_does_not_swallow_the_next() {
    assert_eq!(text("<ul><li></li><li>a</li></ul><h2></h2><p>b"), "-\n- a\n\n##\n\nb");
}
