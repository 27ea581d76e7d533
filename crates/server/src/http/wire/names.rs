//! Names and addresses to choose from.

use postroom_office::{Source, Suggestion};
use postroom_store::NamesInScope;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::session::Named;

/// What was typed so far.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct TypedQuery {
    /// Each word has to begin a word of the name or the address; nothing narrows nothing.
    pub q: Option<String>,
    /// How many at most: 1 to 50.
    pub limit: Option<u32>,
}

/// Whom one may want to write to: whom one wrote to before, the latest first, then colleagues by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct Addresses {
    /// The addresses, each once.
    pub addresses: Vec<AddressRow>,
}

/// Somebody to write to.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddressRow {
    /// Their name; empty where none is known.
    pub name: String,
    /// Their address.
    pub address: String,
    /// How they are known.
    pub source: AddressSource,
}

/// How somebody is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AddressSource {
    /// A person of one's own office.
    Person,
    /// One wrote to them before.
    Recent,
}

/// The people and offices whose mail one may see, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct Senders {
    /// The people, disabled ones too: their mail is still there.
    pub senders: Vec<Named>,
    /// The offices.
    pub offices: Vec<Named>,
}

impl From<Suggestion> for AddressRow {
    fn from(known: Suggestion) -> Self {
        Self {
            name: known.name,
            address: known.address,
            source: match known.source {
                Source::Person => AddressSource::Person,
                Source::Recent => AddressSource::Recent,
            },
        }
    }
}

impl From<NamesInScope> for Senders {
    fn from(found: NamesInScope) -> Self {
        let named = |id: i64, name: String| Named { id, name };
        Self {
            senders: found
                .senders
                .into_iter()
                .map(|(id, name)| named(id.0, name))
                .collect(),
            offices: found
                .offices
                .into_iter()
                .map(|(id, name)| named(id.0, name))
                .collect(),
        }
    }
}
