use std::fmt::Write as _;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::super::pages::{Pictures, cleaner};
use super::*;

/// As long as a bound other than time is what a test is about.
fn far() -> Deadline {
    Deadline::new(Duration::from_secs(3600), CancellationToken::new())
}

fn outcome(html: &str) -> Result<String, Unshown> {
    sanitise(&cleaner(Pictures::Inside), html, &far())
}

fn numbered(n: usize, one: impl Fn(usize) -> String) -> String {
    (0..n).map(one).collect()
}

#[test]
fn page_that_is_nested_deeper_than_browsers_nest_is_not_shown() {
    for (name, html) in [
        ("div, 97 KiB", "<div>".repeat(20_000)),
        ("div, 1 MB", "<div>".repeat(200_000)),
        ("table", "<table><tr><td>".repeat(10_000)),
        ("list", "<ul><li>".repeat(10_000)),
        ("template", "<template>".repeat(10_000)),
        // In SVG, <style> holds elements: whoever takes it for text does not see them.
        ("svg", format!("<svg><style>{}", "<g>".repeat(10_000))),
        // The end tags stand in comments.
        ("comments", "<div><!--</div>-->".repeat(5_000)),
        // So do these, in an attribute.
        ("attributes", "<div a='</div>'>".repeat(5_000)),
        (
            "unclosed formatting elements",
            numbered(10_000, |n| format!("<font size={n}>")) + &"<p>x".repeat(10_000),
        ),
    ] {
        assert_eq!(outcome(&html), Err(Unshown::TooDeep), "{name}");
    }
}

#[test]
fn page_of_too_many_elements_is_not_shown() {
    let fonts = numbered(300, |n| format!("<font size={n}>"));
    let long = format!("<font face=\"{}\">", "x".repeat(100_000));
    for (name, html) in [
        ("elements", "<b></b>".repeat(210_000)),
        ("line breaks", "<br>".repeat(210_000)),
        ("comments", "<!---->".repeat(210_000)),
        ("cells", format!("<table>{}", "<td>".repeat(210_000))),
        (
            "unclosed formatting elements that each paragraph repeats",
            format!("<p>{fonts}x</p>") + &"<p>x</p>".repeat(10_000),
        ),
        (
            "a long attribute that each paragraph repeats",
            format!("<p>{long}x</p>") + &"<p>x</p>".repeat(1_000),
        ),
        (
            "formatting elements that are closed with their paragraph",
            numbered(5_000, |n| format!("<p><font size={n}>x</p>")),
        ),
    ] {
        assert_eq!(outcome(&html), Err(Unshown::TooMany), "{name}");
    }
}

#[test]
fn large_page_is_not_shown() {
    assert_eq!(outcome(&"x".repeat(HTML_BYTES_MAX + 1)), Err(Unshown::TooLarge));
    assert!(outcome(&"x".repeat(HTML_BYTES_MAX)).is_ok());
}

#[test]
fn page_that_takes_long_is_not_shown() {
    let soon = Deadline::new(Duration::from_millis(200), CancellationToken::new());
    // Each attribute of a tag is compared with all before it.
    let attributes = format!("<p {}>", numbered(100_000, |n| format!("a{n} ")));
    assert!(attributes.len() < HTML_BYTES_MAX);
    let cleaner = cleaner(Pictures::Inside);
    assert_eq!(sanitise(&cleaner, &attributes, &soon), Err(Unshown::TooSlow));
    let late = Deadline::new(Duration::ZERO, CancellationToken::new());
    assert_eq!(sanitise(&cleaner, "<p>x", &late), Err(Unshown::TooSlow));
}

#[test]
fn page_that_nobody_waits_for_is_not_prepared() {
    let left = CancellationToken::new();
    let deadline = Deadline::new(Duration::from_secs(3600), left.clone());
    left.cancel();
    let outcome = sanitise(&cleaner(Pictures::Inside), "<p>x", &deadline);
    assert_eq!(outcome, Err(Unshown::Cancelled));
}

#[test]
fn newsletters_are_shown_as_they_would_be_without_bounds() {
    for (name, html) in [
        ("newsletter", newsletter()),
        ("word processor", word_processor()),
        ("report", report()),
        ("large report", large_report()),
        ("pictures", pictures()),
        ("old mail program", old_mail_program()),
        ("thread", thread()),
    ] {
        let cleaner = cleaner(Pictures::Remote);
        let unbounded = cleaner.clean(&html).to_string();
        assert!(unbounded.len() > html.len() / 4, "{name} loses what it shows");
        assert_eq!(
            sanitise(&cleaner, &html, &far()).as_deref(),
            Ok(unbounded.as_str()),
            "{name}"
        );
    }
}

/// Tables in tables, conditional comments, a style sheet, a hidden preheader.
fn newsletter() -> String {
    let mut html = "<!doctype html><html xmlns:v=\"urn:schemas-microsoft-com:vml\"><head><meta charset=\"utf-8\"><title>Autumn news</title>\
        <style>@media (max-width:600px){.col{width:100%!important}} a>b{color:#c00}</style>\
        <!--[if mso]><xml><o:OfficeDocumentSettings><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml><![endif]--></head>\
        <body style=\"margin:0\"><div style=\"display:none\">What is new this autumn&nbsp;&zwnj;&#847;</div>"
        .to_owned();
    html += &"<table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" role=\"presentation\"><tbody><tr><td align=\"center\">".repeat(20);
    for n in 0..80 {
        write!(
            html,
            "<!--[if mso]><table width=\"600\"><tr><td><![endif]--><table class=\"col\" width=\"600\" bgcolor=\"#f4f4f4\"><tr>\r\n\
             <td style=\"padding:0 20px;font-family:Arial,sans-serif\"><a href=\"https://news.example.com/c?id={n}&amp;u=42\" target=\"_blank\">\
             <img src=\"https://news.example.com/i/{n}.png\" width=\"560\" alt=\"Café &amp; more\" style=\"display:block\"></a>\
             <h2>Offer {n} &ndash; &euro;&nbsp;{n},99</h2><p>Grüße aus Köln &mdash; <b>jetzt <i>neu</b></i>!<br/>Mehr&hellip;</p></td></tr></table>\
             <!--[if mso]></td></tr></table><![endif]-->"
        )
        .unwrap();
    }
    html += &"</td></tr></tbody></table>".repeat(20);
    html + "<img src=\"https://news.example.com/open.gif\" width=\"1\" height=\"1\"></body></html>"
}

/// What a word processor makes of a letter.
fn word_processor() -> String {
    let mut html = "<html xmlns:o=\"urn:schemas-microsoft-com:office:office\"><head><meta name=Generator content=\"Word 15\">\
        <!--[if !mso]><style>v\\:* {behavior:url(#default#VML);}</style><![endif]--><style><!-- p.MsoNormal {margin:0cm} --></style></head>\
        <body lang=DE link=\"#0563C1\"><div class=WordSection1>"
        .to_owned();
    for n in 0..300 {
        write!(
            html,
            "<p class=MsoNormal style='mso-margin-top-alt:auto'><b><span lang=EN-US style='font-size:11.0pt;color:#1F497D'>Line {n}\
             <o:p></o:p></span></b></p><![if !supportLists]><span>&middot;&nbsp;&nbsp;</span><![endif]><p class=MsoNormal><o:p>&nbsp;</o:p></p>"
        )
        .unwrap();
    }
    html + "</div></body></html>"
}

/// A report of a thousand rows.
fn report() -> String {
    let mut html =
        "<table border=1 cellpadding=3><thead><tr><th>Case<th>Client<th>Due<th>Sum</thead>".to_owned();
    for n in 0..1_000 {
        writeln!(
            html,
            "<tr><td><a href=\"https://crm.example.com/case/{n}\">{n}</a></td><td>Client &lt;{n}&gt;</td>\
             <td nowrap>2026-11-{:02}</td><td align=right><font color=\"#333333\">{n}.00</font></td></tr>",
            n % 30 + 1
        )
        .unwrap();
    }
    html + "</table>"
}

/// A report of two thousand rows with fifteen columns.
fn large_report() -> String {
    let mut html = "<table><tbody>".to_owned();
    for row in 0..2_000 {
        html += "<tr>";
        for column in 0..15 {
            write!(html, "<td style=\"padding:2px\"><span>{row}.{column}</span></td>").unwrap();
        }
        html += "</tr>\r\n";
    }
    html + "</tbody></table>"
}

/// A page that brings its pictures along, of 1 MB each.
fn pictures() -> String {
    let picture = format!(
        "<p>See <img alt=\"photo\" src=\"data:image/jpeg;base64,{}\"></p>",
        "QUJD".repeat(250_000)
    );
    picture.repeat(7)
}

/// Tags that nobody closes.
fn old_mail_program() -> String {
    let mut html = "<HTML><BODY BGCOLOR=#ffffff><CENTER><FONT FACE=\"Arial\" SIZE=2>News".to_owned();
    for n in 0..300 {
        write!(
            html,
            "<P><FONT SIZE=2 COLOR=navy>Paragraph {n}<UL><LI>one<LI>two & three</UL><BR>"
        )
        .unwrap();
    }
    html
}

/// Sixty answers, each with the one before it, and a picture inside.
fn thread() -> String {
    let quote = "<div class=\"quote\"><div dir=\"ltr\">On Monday somebody wrote:<br></div><blockquote style=\"margin:0 0 0 .8ex\"><div dir=\"ltr\">";
    let end = "</div></blockquote></div>";
    format!(
        "<div dir=\"ltr\">Thanks!<br><img src=\"data:image/png;base64,{}\" alt=\"logo\"></div>{}The first{}",
        "iVBORw0KGgo".repeat(6_000),
        quote.repeat(60),
        end.repeat(60)
    )
}
