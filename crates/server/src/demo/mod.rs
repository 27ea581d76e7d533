//! What `postroom demo` adds to a server: sample offices and people, a fortnight of mail, a relay that misbehaves by
//! address, and live mail.

mod history;
mod letters;
mod people;
mod traffic;

pub use history::write_history;
pub use people::{AddPeopleError, DEMO_PASSWORD, SamplePerson, add_people, sample_people};
pub use traffic::live_mail;
