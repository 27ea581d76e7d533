//! What a section of the configuration is: a struct, and the description of its keys that the reference, the XML form,
//! the environment and `postroom config show` are made from.

/// What a key holds.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number that is not negative.
    Number,
    /// Text.
    Text,
    /// The name of a file or folder.
    Path,
    /// A length of time such as `90s`.
    Duration,
    /// An address to listen on such as `127.0.0.1:8080`.
    Address,
    /// A network such as `10.0.0.0/8`.
    Network,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// Any number of values of a kind.
    List(&'static Self),
    /// Keys of their own.
    Section(&'static Section),
    /// Any number of sections.
    Sections(&'static Section),
}

impl Kind {
    /// Says in words what is expected, for "… is not …".
    pub(super) fn expected(self) -> String {
        match self {
            Self::Switch => "true or false".to_owned(),
            Self::Number => "a whole number".to_owned(),
            Self::Text => "text in quotes".to_owned(),
            Self::Path => "the name of a file or folder in quotes".to_owned(),
            Self::Duration => "a length of time such as \"90s\", \"5m\" or \"1h 30m\"".to_owned(),
            Self::Address => "an address such as \"127.0.0.1:8080\"".to_owned(),
            Self::Network => "a network such as \"10.0.0.0/8\"".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::List(item) => format!("a list in brackets, each {}", item.expected()),
            Self::Section(_) => "a section with keys of its own".to_owned(),
            Self::Sections(_) => "a list of sections, each begun by its name in double brackets".to_owned(),
        }
    }

    /// The keys below, of a section or of each section of a list.
    pub(super) const fn section(self) -> Option<&'static Section> {
        match self {
            Self::Section(section) | Self::Sections(section) => Some(section),
            Self::Switch
            | Self::Number
            | Self::Text
            | Self::Path
            | Self::Duration
            | Self::Address
            | Self::Network
            | Self::Choice(_)
            | Self::List(_) => None,
        }
    }
}

/// What else there is to know about a key.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    /// Whether a reload applies a change; else it holds from the next start.
    pub is_live: bool,
    /// Whether the value is never shown.
    pub is_secret: bool,
}

impl Marks {
    /// Holds from the next start, may be shown.
    pub(super) const NONE: Self = Self {
        is_live: false,
        is_secret: false,
    };

    /// A reload applies it.
    pub(super) const fn live(self) -> Self {
        Self {
            is_live: true,
            is_secret: self.is_secret,
        }
    }

    /// It holds from the next start.
    pub(super) const fn restart(self) -> Self {
        Self {
            is_live: false,
            is_secret: self.is_secret,
        }
    }

    /// It is never shown.
    pub(super) const fn secret(self) -> Self {
        Self {
            is_live: self.is_live,
            is_secret: true,
        }
    }
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// Its name in TOML.
    pub name: &'static str,
    /// What it means, a sentence a line.
    pub about: &'static [&'static str],
    /// What it holds.
    pub kind: Kind,
    /// What else there is to know.
    pub marks: Marks,
}

/// A section's description.
#[derive(Debug)]
pub struct Section {
    /// What it is for.
    pub about: &'static [&'static str],
    /// Its keys in the order of the reference.
    pub keys: &'static [Key],
}

impl Section {
    /// Finds a key by its name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// A type that a key can hold.
pub(super) trait Keyed {
    /// What the configuration says about it.
    const KIND: Kind;
}

/// Says for types which kind of value they are.
macro_rules! kinds {
    ($($kind:expr => $($type:ty),+;)*) => { $($(
        impl Keyed for $type {
            const KIND: Kind = $kind;
        }
    )+)* };
}

kinds! {
    Kind::Switch => bool;
    Kind::Number => u16, u32, u64;
    Kind::Text => String;
    Kind::Path => std::path::PathBuf;
    Kind::Duration => super::HumanDuration;
    Kind::Address => std::net::SocketAddr;
    Kind::Network => super::Network;
}

impl<T: Keyed> Keyed for Vec<T> {
    const KIND: Kind = match T::KIND {
        Kind::Section(section) => Kind::Sections(section),
        Kind::Switch
        | Kind::Number
        | Kind::Text
        | Kind::Path
        | Kind::Duration
        | Kind::Address
        | Kind::Network
        | Kind::Choice(_)
        | Kind::List(_)
        | Kind::Sections(_) => Kind::List(&T::KIND),
    };
}

impl<T: Keyed> Keyed for Option<T> {
    const KIND: Kind = T::KIND;
}

/// Declares a section: the struct, its defaults, and its description, so that the documentation of a field is the
/// reference of its key. Before each key: `[live]` or `[restart]`, and `secret` where it must not be shown.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $(#[serde($($serde:tt)+)])?
                [$($mark:ident)+] $key:ident: $type:ty = $default:expr,
            )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, PartialEq, serde::Deserialize, serde::Serialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                $(#[serde($($serde)+)])?
                pub $key: $type,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }

        impl $name {
            /// What the reference says about this section.
            pub const SECTION: $crate::config::Section = $crate::config::Section {
                about: &[$($about),+],
                keys: &[$(
                    $crate::config::Key {
                        name: stringify!($key),
                        about: &[$($doc),+],
                        kind: <$type as $crate::config::section::Keyed>::KIND,
                        marks: $crate::config::section::Marks::NONE$(.$mark())+,
                    },
                )*],
            };
        }

        impl $crate::config::section::Keyed for $name {
            const KIND: $crate::config::section::Kind = $crate::config::section::Kind::Section(&Self::SECTION);
        }

        impl std::fmt::Debug for $name {
            /// Never a secret: this text ends in logs.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut shown = f.debug_struct(stringify!($name));
                $(
                    if $crate::config::section::Marks::NONE$(.$mark())+.is_secret {
                        shown.field(stringify!($key), &"(hidden)");
                    } else {
                        shown.field(stringify!($key), &self.$key);
                    }
                )*
                shown.finish()
            }
        }
    };
}

/// Declares a choice of words.
macro_rules! choice {
    (
        $(#[doc = $about:literal])+
        pub enum $name:ident {
            $($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
        pub enum $name {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $variant,)+
        }

        impl $crate::config::section::Keyed for $name {
            const KIND: $crate::config::section::Kind = $crate::config::section::Kind::Choice(&[$($word),+]);
        }
    };
}

pub(super) use {choice, section};
