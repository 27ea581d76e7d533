use super::*;

fn far() -> Deadline {
    Deadline::new(Duration::from_secs(3600), CancellationToken::new())
}

fn shown(html: &str, pictures: Pictures) -> String {
    html_page(html, pictures, &far()).unwrap()
}

/// A message with a text and HTML.
fn both(text: &str, html: &str) -> String {
    format!(
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n\
         --b\r\nContent-Type: text/html\r\n\r\n{html}\r\n--b--\r\n"
    )
}

fn page(message: &str, body: BodyKind) -> String {
    page_of(
        message.as_bytes(),
        body,
        Pictures::Inside,
        &CancellationToken::new(),
    )
    .expect("a message that can be parsed")
    .expect("a body")
}

#[test]
fn html_loses_what_acts_and_what_phones_home() {
    let page = shown(
        "<p onclick=x style=\"color:red\">hi</p><script>alert(1)</script><img src=\"https://t.example/p.gif\">\
         <img src=\"data:image/png;base64,AA==\"><a href=\"javascript:x\">a</a><a href=\"data:text/html,x\">b</a>\
         <div style=\"background:url(https://t.example)\">c</div><form><input></form><iframe src=x></iframe>",
        Pictures::Inside,
    );
    for gone in [
        "script",
        "onclick",
        "t.example",
        "javascript",
        "data:text",
        "<form",
        "<iframe",
    ] {
        assert!(!page.contains(gone), "{gone} in {page}");
    }
    assert!(page.contains("color:red") && page.contains("data:image/png"));
}

#[test]
fn remote_pictures_show_where_they_were_asked_for_and_nothing_else_does() {
    let html = "<img src=\"https://t.example/p.gif\" srcset=\"https://t.example/2.gif 2x\"><img src=\"javascript:x\">\
         <img src=\"//t.example/3.gif\"><p style=\"background:url(https://t.example/4.gif)\">hi</p><script src=\"https://t.example/s.js\"></script>";
    let page = shown(html, Pictures::Remote);
    assert!(page.contains("src=\"https://t.example/p.gif\""), "{page}");
    for gone in ["2.gif", "javascript", "3.gif", "4.gif", "s.js"] {
        assert!(!page.contains(gone), "{gone} in {page}");
    }
}

#[test]
fn plain_text_stays_text() {
    let page = text_page("<script>\nline two", Cut::Whole, None);
    assert!(page.contains("&lt;script&gt;\nline"), "{page}");
}

#[test]
fn html_that_is_not_shown_gives_way_to_the_text_of_the_message_and_says_why() {
    let bomb = both("a < b", &"<div>".repeat(20_000));
    let page = page(&bomb, BodyKind::Html);
    assert!(
        page.contains("nested too deeply") && page.contains("The plain text is shown instead"),
        "{page}"
    );
    assert!(page.contains("<pre>a &lt; b"), "{page}");
}

#[test]
fn html_without_a_text_gives_way_to_what_it_says() {
    let html = format!("{}Dear <b>Case</b>", "<div>".repeat(20_000));
    let page = page(&format!("Content-Type: text/html\r\n\r\n{html}"), BodyKind::Html);
    assert!(
        page.contains("The plain text is shown instead") && page.contains("<pre>Dear Case"),
        "{page}"
    );
    assert!(!page.contains("<div"), "{page}");
}

#[test]
fn large_html_gives_way_to_the_text() {
    let html = format!("<p>{}</p>", "word ".repeat(1_800_000));
    let large = format!("Content-Type: text/html\r\n\r\n{html}");
    let page = page(&large, BodyKind::Html);
    assert!(
        page.contains("too large") && page.contains("word word"),
        "{}",
        page.len()
    );
    assert!(page.contains("Only the first MiB is shown"), "{}", page.len());
}

#[test]
fn of_a_long_text_or_source_the_beginning_is_shown() {
    let text = "é".repeat(TEXT_BYTES_MAX / 2 - 1);
    let whole = format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}");
    assert!(!page(&whole, BodyKind::Text).contains("first MiB"));
    // Its source has a header besides.
    assert!(page(&whole, BodyKind::Source).contains("first MiB"));
    let long = format!("{whole}xééé");
    let page = page(&long, BodyKind::Text);
    assert!(
        page.contains("first MiB") && page.ends_with("</pre></body></html>"),
        "{}",
        page.len()
    );
    assert!(page.len() < 3 * TEXT_BYTES_MAX, "{}", page.len());
}

#[test]
fn ordinary_html_is_shown_without_a_line_above_it() {
    let page = page(&both("text", "<p>hello <b>there</b></p>"), BodyKind::Html);
    assert!(page.contains("<body><p>hello <b>there</b></p>"), "{page}");
}
