//! Postroom: what people meet: people, rights, settings, alerts.
