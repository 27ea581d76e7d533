//! The list and content, each read in one snapshot on a connection of the pool.

use async_trait::async_trait;
use postroom_domain::{MessageId, Scope, Timestamp};
use rusqlite::Connection;

use super::ahead::Ahead;
use super::open::SqliteStore;
use super::{content_read, counts, detail, page, rows};
use crate::StoreError;
use crate::contract::{Attempt, Content, ContentStore, Counts, Detail, Filter, List, Page, PageRequest, Row};

/// Most ids that rows are asked for at once.
const IDS_MAX: usize = 200;

impl SqliteStore {
    /// What reads rows ahead.
    pub(super) fn ahead(&self) -> Ahead {
        Ahead::of(self.readers.clone())
    }

    /// Reads in one transaction, so that counts, indexes and rows agree.
    pub(super) async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.readers
            .run(move |conn| {
                let snapshot = conn.unchecked_transaction()?;
                let answer = read(&snapshot)?;
                snapshot.commit()?;
                Ok(answer)
            })
            .await
    }
}

#[async_trait]
impl List for SqliteStore {
    async fn page(&self, request: &PageRequest) -> Result<Page, StoreError> {
        let request = request.clone();
        let time = self.read_time;
        let ahead = self.ahead();
        self.read(move |conn| page::page(conn, &request, time, &ahead))
            .await
    }

    async fn counts(&self, scope: &Scope, filter: &Filter) -> Result<Counts, StoreError> {
        let (scope, filter) = (scope.clone(), filter.clone());
        let time = self.read_time;
        self.read(move |conn| counts::counts(conn, &scope, &filter, time))
            .await
    }

    async fn rows(&self, scope: &Scope, ids: &[MessageId]) -> Result<Vec<Row>, StoreError> {
        if ids.len() > IDS_MAX {
            return Err(StoreError::TooMuch("more than 200 rows asked for"));
        }
        let (scope, ids) = (scope.clone(), ids.to_vec());
        let ahead = self.ahead();
        self.read(move |conn| rows::rows_in_scope(conn, &scope, &ids, &ahead))
            .await
    }

    async fn detail(&self, scope: &Scope, id: MessageId) -> Result<Option<Detail>, StoreError> {
        let scope = scope.clone();
        self.read(move |conn| detail::detail(conn, &scope, id)).await
    }

    async fn attempts(&self, scope: &Scope, id: MessageId) -> Result<Option<Vec<Attempt>>, StoreError> {
        let scope = scope.clone();
        self.read(move |conn| detail::attempts(conn, &scope, id)).await
    }
}

#[async_trait]
impl ContentStore for SqliteStore {
    async fn content(
        &self,
        scope: &Scope,
        id: MessageId,
        now: Timestamp,
    ) -> Result<Option<Content>, StoreError> {
        let read = {
            let scope = scope.clone();
            move |conn: &Connection| {
                let snapshot = conn.unchecked_transaction()?;
                let found = content_read::content(&snapshot, &scope, id)?;
                snapshot.commit()?;
                Ok(found)
            }
        };
        match self.readers.run(read.clone()).await {
            // What a connection remembers of the file may be what is damaged: a new one reads it once more.
            Err(StoreError::Damaged(..)) => {}
            read => return read,
        }
        let again = self.readers.run_anew(read).await;
        if let Err(StoreError::Damaged(id, damage)) = &again {
            self.note_damage(vec![(*id, *damage)], now).await;
        }
        again
    }
}
