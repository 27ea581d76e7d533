//! The words of notices: templates of this crate, with a bound on their work and nothing to load.

use std::net::IpAddr;

use minijinja::{AutoEscape, Environment, Value, context};
use postroom_domain::Timestamp;
use postroom_store::Alert;

use super::letter::Letter;
use super::{NoticeSettings, shown};
use crate::notifier::password_page;

/// Steps that one template may take; ours take some hundred.
const FUEL: u64 = 20_000;

/// Why the words could not be put together.
#[derive(Debug, thiserror::Error)]
#[error("a template of the server cannot be used")]
pub struct TemplateError(#[from] minijinja::Error);

/// Whom a notice is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addressee<'a> {
    pub(super) name: &'a str,
    pub(super) login: &'a str,
    pub(super) office: &'a str,
}

/// The templates by name, each with its `.txt` and `.html`.
#[derive(Debug)]
pub(super) struct Templates(Environment<'static>);

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/", $name)))),*]
    };
}

const SOURCES: [(&str, &str); 11] = templates![
    "layout.html",
    "account_created.txt",
    "account_created.html",
    "password_reset.txt",
    "password_reset.html",
    "sign_in_failed.txt",
    "sign_in_failed.html",
    "sign_in_changed.txt",
    "sign_in_changed.html",
    "alert.txt",
    "alert.html",
];

impl Templates {
    pub(super) fn new() -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            if name.ends_with(".html") {
                AutoEscape::Html
            } else {
                AutoEscape::None
            }
        });
        for (name, source) in SOURCES {
            environment.add_template(name, source)?;
        }
        Ok(Self(environment))
    }

    pub(super) fn account_created(
        &self,
        settings: &NoticeSettings,
        to: &Addressee<'_>,
        token: &str,
        ends_at: Timestamp,
    ) -> Result<Letter, TemplateError> {
        let subject = format!("Your {} account", settings.brand);
        let values = context! {
            brand => &settings.brand, subject => &subject, name => to.name, login => to.login,
            office => to.office, link => password_page(&settings.base_url, token), ends_at => shown(ends_at),
        };
        self.letter("account_created", subject, &values)
    }

    pub(super) fn password_reset(
        &self,
        settings: &NoticeSettings,
        to: &Addressee<'_>,
        token: &str,
        ends_at: Timestamp,
    ) -> Result<Letter, TemplateError> {
        let subject = format!("Set a new {} password", settings.brand);
        let values = context! {
            brand => &settings.brand, subject => &subject, name => to.name, login => to.login,
            link => password_page(&settings.base_url, token), ends_at => shown(ends_at),
        };
        self.letter("password_reset", subject, &values)
    }

    pub(super) fn sign_in_failed(
        &self,
        settings: &NoticeSettings,
        to: &Addressee<'_>,
        peer: IpAddr,
        at: Timestamp,
    ) -> Result<Letter, TemplateError> {
        let subject = format!("Somebody tried to sign in to {} as you", settings.brand);
        let values = context! {
            brand => &settings.brand, subject => &subject, name => to.name, login => to.login,
            peer => peer.to_canonical().to_string(), at => shown(at),
        };
        self.letter("sign_in_failed", subject, &values)
    }

    pub(super) fn sign_in_changed(
        &self,
        settings: &NoticeSettings,
        to: &Addressee<'_>,
        at: Timestamp,
    ) -> Result<Letter, TemplateError> {
        let subject = format!("Your {} sign-in details were changed", settings.brand);
        let values = context! {
            brand => &settings.brand, subject => &subject, name => to.name, login => to.login, at => shown(at),
        };
        self.letter("sign_in_changed", subject, &values)
    }

    pub(super) fn alert(&self, settings: &NoticeSettings, alert: &Alert) -> Result<Letter, TemplateError> {
        let values = context! {
            brand => &settings.brand, subject => &alert.title, text => &alert.text, advice => &alert.advice,
            at => shown(alert.last_at), link => format!("{}/", settings.base_url),
        };
        self.letter("alert", alert.title.clone(), &values)
    }

    fn letter(&self, name: &str, subject: String, values: &Value) -> Result<Letter, TemplateError> {
        let render = |ending: &str| {
            self.0
                .get_template(&format!("{name}.{ending}"))
                .and_then(|template| template.render(values))
        };
        Ok(Letter {
            text: render("txt")?,
            html: render("html")?,
            subject,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use postroom_domain::UserId;
    use postroom_domain::alert::{AlertKind, Link};
    use postroom_store::{AlertId, AlertState};

    use super::*;

    fn settings() -> NoticeSettings {
        NoticeSettings {
            brand: "Postroom".to_owned(),
            from: "postroom@example.test".parse().unwrap(),
            base_url: "https://mail.example.test".to_owned(),
        }
    }

    const fn clerk(name: &str) -> Addressee<'_> {
        Addressee {
            name,
            login: "case",
            office: "System Office",
        }
    }

    #[test]
    fn every_notice_has_both_bodies_and_says_when() {
        let templates = Templates::new().unwrap();
        let at = Timestamp::from_micros(1_795_000_000_000_000);
        let (settings, to) = (settings(), clerk("Case Clerk"));
        for letter in [
            templates.account_created(&settings, &to, "tok", at).unwrap(),
            templates.password_reset(&settings, &to, "tok", at).unwrap(),
        ] {
            // A slash is written as a reference in HTML, which a reader takes for a slash.
            for body in [letter.text.clone(), letter.html.replace("&#x2f;", "/")] {
                assert!(
                    body.contains("https://mail.example.test/password?token=tok"),
                    "{body}"
                );
                assert!(body.contains("2026-11-18 11:06 UTC"), "{body}");
            }
            assert!(!format!("{letter:?}").contains("tok"));
        }
        let letter = templates.sign_in_changed(&settings, &to, at).unwrap();
        for body in [letter.text, letter.html] {
            assert!(
                body.contains("case") && body.contains("2026-11-18 11:06 UTC"),
                "{body}"
            );
            assert!(!body.contains("token="), "{body}");
        }
        let peer = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
        let letter = templates.sign_in_failed(&settings, &to, peer, at).unwrap();
        assert!(letter.text.contains("203.0.113.9") && letter.html.contains("203.0.113.9"));
    }

    #[test]
    fn html_of_a_notice_escapes_what_people_and_relays_wrote() {
        let templates = Templates::new().unwrap();
        let alert = Alert {
            id: AlertId(1),
            person: UserId(3),
            kind: AlertKind::Undeliverable,
            title: "You have undeliverable e-mail".to_owned(),
            text: "550 <script>alert(1)</script>".to_owned(),
            advice: "{{ 7 * 7 }}".to_owned(),
            link: Link::Limits,
            count: 1,
            first_at: Timestamp::from_micros(0),
            last_at: Timestamp::from_micros(0),
            state: AlertState::Unread,
        };
        let letter = templates.alert(&settings(), &alert).unwrap();
        assert!(!letter.html.contains("<script>"), "{}", letter.html);
        assert!(letter.html.contains("{{ 7 * 7 }}"), "a value is never a template");
        assert!(letter.text.contains("550 <script>"), "a text body is as it is");
        let letter = templates
            .sign_in_failed(
                &settings(),
                &clerk("<b>"),
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                alert.last_at,
            )
            .unwrap();
        assert!(letter.html.contains("&lt;b&gt;"), "{}", letter.html);
    }
}
