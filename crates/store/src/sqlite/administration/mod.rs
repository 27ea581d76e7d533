//! Changes of offices and people.

mod log;
mod offices;
mod proxies;
mod tokens;
mod users;

use async_trait::async_trait;
use postroom_domain::{KeyId, OfficeId, ProxyId, Timestamp, UserId};

use super::SqliteStore;
use crate::StoreError;
use crate::contract::{
    Administration, Branches, By, KeyHash, NewApiKey, NewOffice, NewProxy, NewToken, NewUser, Office,
    OfficeChange, OpenKeys, Proxy, ProxyTerms, SetUp, User, UserChange,
};

#[async_trait]
impl Administration for SqliteStore {
    async fn add_office(&self, office: NewOffice, by: &By) -> Result<Office, StoreError> {
        let by = by.clone();
        self.people_write(move |conn| offices::add(conn, &office, &by))
            .await
    }

    async fn change_office(
        &self,
        id: OfficeId,
        version: i64,
        change: OfficeChange,
        by: &By,
    ) -> Result<Office, StoreError> {
        let by = by.clone();
        self.people_write(move |conn| offices::change(conn, id, version, &change, &by))
            .await
    }

    async fn remove_office(&self, id: OfficeId, version: i64, by: &By) -> Result<(), StoreError> {
        let by = by.clone();
        self.people_write(move |conn| offices::remove(conn, id, version, &by))
            .await
    }

    async fn add_user(&self, user: NewUser, branches: Branches, by: &By) -> Result<User, StoreError> {
        let by = by.clone();
        let user = NewUser {
            login: user.login.to_lowercase(),
            email: user.email.to_lowercase(),
            ..user
        };
        self.people_write(move |conn| users::add(conn, &user, &branches, &by))
            .await
    }

    async fn change_user(
        &self,
        id: UserId,
        version: i64,
        change: UserChange,
        by: &By,
    ) -> Result<User, StoreError> {
        let by = by.clone();
        self.people_write(move |conn| users::change(conn, id, version, &change, &by))
            .await
    }

    async fn change_password(
        &self,
        id: UserId,
        password_hash: String,
        keys: OpenKeys,
        by: &By,
    ) -> Result<(), StoreError> {
        let by = by.clone();
        self.people_write(move |conn| users::change_password(conn, id, &password_hash, keys, &by))
            .await
    }

    async fn proxies(&self, assistant: Option<UserId>) -> Result<Vec<Proxy>, StoreError> {
        self.readers
            .run(move |conn| Ok(proxies::list(conn, assistant)?))
            .await
    }

    async fn add_proxy(&self, proxy: NewProxy, by: &By) -> Result<Proxy, StoreError> {
        let by = by.clone();
        self.people_write(move |conn| proxies::add(conn, &proxy, &by))
            .await
    }

    async fn change_proxy(
        &self,
        id: ProxyId,
        version: i64,
        terms: ProxyTerms,
        by: &By,
    ) -> Result<Proxy, StoreError> {
        let by = by.clone();
        self.people_write(move |conn| proxies::change(conn, id, version, terms, &by))
            .await
    }

    async fn remove_proxy(&self, id: ProxyId, by: &By) -> Result<bool, StoreError> {
        let by = by.clone();
        self.people_write(move |conn| proxies::remove(conn, id, &by))
            .await
    }

    async fn add_key(&self, key: NewApiKey, by: &By) -> Result<KeyId, StoreError> {
        let by = by.clone();
        self.people_write(move |conn| users::add_key(conn, &key, &by))
            .await
    }

    async fn end_key(&self, id: KeyId, by: &By) -> Result<bool, StoreError> {
        let by = by.clone();
        self.people_write(move |conn| users::end_key(conn, id, &by)).await
    }

    async fn keep_token(&self, token: NewToken, by: &By) -> Result<(), StoreError> {
        let by = by.clone();
        self.people_write(move |conn| tokens::keep(conn, &token, &by))
            .await
    }

    async fn token_works(&self, hash: &KeyHash, now: Timestamp) -> Result<bool, StoreError> {
        let hash = *hash;
        self.readers
            .run(move |conn| Ok(tokens::works(conn, &hash, now)?))
            .await
    }

    async fn use_token(
        &self,
        hash: &KeyHash,
        password_hash: String,
        keys: OpenKeys,
        at: Timestamp,
    ) -> Result<User, StoreError> {
        let hash = *hash;
        self.people_write(move |conn| tokens::redeem(conn, &hash, &password_hash, keys, at))
            .await
    }

    async fn set_up(&self, setup: SetUp, by: &By) -> Result<User, StoreError> {
        let by = by.clone();
        self.people_write(move |conn| tokens::set_up(conn, &setup, &by))
            .await
    }
}
