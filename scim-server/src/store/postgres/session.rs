//! One connection for one piece of work: statements that wait for each other's results no more than they must.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Object};
use futures_util::future::{FutureExt as _, MaybeDone, maybe_done};
use futures_util::stream::TryStreamExt as _;
use tokio::runtime::Handle;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::super::StoreError;
use super::super::sql::{Parameter, Statement};
use super::error::{Fate, failed, fate, is_taken, unavailable};

/// How much longer than the database may work on a statement its answer is waited for.
const GRACE: Duration = Duration::from_secs(5);

/// The values of a statement's parameters.
pub(super) type Params = Vec<Box<dyn ToSql + Sync + Send>>;

/// The values of parameters, in order.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        vec![$(Box::new($value) as Box<dyn tokio_postgres::types::ToSql + Sync + Send>),*]
    };
}
pub(super) use params;

/// Something to be asked of the database.
pub(super) struct Request {
    sql: Cow<'static, str>,
    /// None for what is not prepared: what begins, ends and divides transactions.
    params: Option<Params>,
    /// The types of the parameters of what is not prepared to be asked again.
    types: Option<Vec<Type>>,
    /// What it means if it is refused because a key is taken.
    taken: Option<StoreError>,
}

impl Request {
    /// A statement with parameters.
    pub(super) fn new(sql: impl Into<Cow<'static, str>>, params: Params) -> Self {
        Self { sql: sql.into(), params: Some(params), types: None, taken: None }
    }

    /// A statement that is not kept for the next time: there are as many as clients have questions.
    pub(super) fn once(statement: Statement) -> Self {
        let mut types = Vec::with_capacity(statement.parameters.len());
        let mut params = Params::with_capacity(statement.parameters.len());
        for parameter in statement.parameters {
            match parameter {
                Parameter::Text(text) => {
                    types.push(Type::TEXT);
                    params.push(Box::new(text));
                }
                Parameter::Integer(number) => {
                    types.push(Type::INT8);
                    params.push(Box::new(number));
                }
            }
        }
        Self { sql: statement.text.into(), params: Some(params), types: Some(types), taken: None }
    }

    /// One that begins, ends or divides a transaction.
    pub(super) fn control(sql: impl Into<Cow<'static, str>>) -> Self {
        Self { sql: sql.into(), params: None, types: None, taken: None }
    }

    /// Says what it means if a key is taken.
    pub(super) fn or_taken(mut self, taken: StoreError) -> Self {
        self.taken = Some(taken);
        self
    }
}

/// A connection, with what is to be sent along with the next question.
pub(super) struct Session {
    /// None once it has been given up.
    client: Option<Object>,
    runtime: Handle,
    patience: Duration,
    queue: RefCell<Vec<Request>>,
    fate: Cell<Fate>,
    is_open: Cell<bool>,
    is_committing: Cell<bool>,
    changes: Cell<u64>,
}

impl Session {
    pub(super) fn new(client: Object, runtime: Handle, statement_timeout: Duration) -> Self {
        Self {
            client: Some(client),
            runtime,
            patience: statement_timeout.saturating_add(GRACE),
            queue: RefCell::default(),
            fate: Cell::new(Fate::Fine),
            is_open: Cell::new(false),
            is_committing: Cell::new(false),
            changes: Cell::new(0),
        }
    }

    /// What has become of the transaction.
    pub(super) fn fate(&self) -> Fate {
        self.fate.get()
    }

    /// Whether the transaction may have been committed although that failed.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.is_committing.get() && self.fate.get() == Fate::Lost
    }

    /// How many statements that change something have been asked for so far.
    pub(super) fn changes(&self) -> u64 {
        self.changes.get()
    }

    /// Begins a transaction along with the first question in it.
    pub(super) fn begin(&self, sql: &'static str) {
        self.fate.set(Fate::Fine);
        self.is_open.set(true);
        self.is_committing.set(false);
        self.later(Request::control(sql));
    }

    /// Asks for something whose result is not needed, along with the next question.
    pub(super) fn later(&self, request: Request) {
        self.queue.borrow_mut().push(request);
    }

    /// The same for what changes something.
    pub(super) fn change(&self, request: Request) {
        self.changes.set(self.changes.get().saturating_add(1));
        self.later(request);
    }

    /// Asks for rows.
    pub(super) fn rows(
        &self,
        sql: impl Into<Cow<'static, str>>,
        params: Params,
    ) -> Result<Vec<Row>, StoreError> {
        let answers = self.exchange(vec![Request::new(sql, params)])?;
        Ok(answers.into_iter().next_back().unwrap_or_default())
    }

    /// Has done all that was left for later.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        if self.queue.borrow().is_empty() { Ok(()) } else { self.exchange(Vec::new()).map(drop) }
    }

    /// Ends the transaction. Once this has returned, all of it is durable.
    pub(super) fn commit(&self) -> Result<(), StoreError> {
        self.later(Request::control("COMMIT"));
        self.is_committing.set(true);
        self.flush()?;
        self.is_open.set(false);
        Ok(())
    }

    /// Takes back what was done since a savepoint.
    pub(super) fn undo(&self, sql: &'static str) -> Result<(), StoreError> {
        self.queue.borrow_mut().clear();
        self.fate.set(Fate::Fine);
        self.exchange(vec![Request::control(sql)]).map(drop)
    }

    /// Asks several things at once, after all that was left for later, and gives the answers to these.
    pub(super) fn exchange(&self, requests: Vec<Request>) -> Result<Vec<Vec<Row>>, StoreError> {
        let asked = requests.len();
        let mut all = self.queue.take();
        all.extend(requests);
        let Some(client) = &self.client else { return Err(StoreError::internal("the connection is gone")) };
        if self.fate.get() != Fate::Fine {
            return Err(StoreError::internal("the transaction has failed"));
        }
        let work = tokio::time::timeout(self.patience, pipeline(client, all));
        let outcome = self.runtime.block_on(work).unwrap_or_else(|_| {
            self.fate.set(Fate::Lost);
            Err(Failure { error: unavailable("the database did not answer in time"), fate: Fate::Lost })
        });
        match outcome {
            Ok(mut answers) => {
                let surplus = answers.len().saturating_sub(asked);
                answers.drain(..surplus);
                Ok(answers)
            }
            Err(Failure { error, fate }) => {
                self.fate.set(fate);
                Err(error)
            }
        }
    }

    /// Ends what is open and lets others have the connection.
    pub(super) fn close(mut self) {
        let is_usable = self.fate.get() != Fate::Lost;
        self.queue.get_mut().clear();
        let Some(client) = self.client.take() else { return };
        let is_ended = !self.is_open.get()
            // Sent at once, and answered before what the next user of the connection sends.
            || client.batch_execute("ROLLBACK").now_or_never().is_none_or(|done| done.is_ok());
        if !(is_usable && is_ended) {
            drop(Object::take(client));
        }
    }
}

impl Drop for Session {
    /// Whoever has not closed it, because of a panic, may have left anything behind.
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}

struct Failure {
    error: StoreError,
    fate: Fate,
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let fate = fate(&error);
        Self { error: failed(error), fate }
    }
}

type Answer = Result<Vec<Row>, tokio_postgres::Error>;

/// Sends all requests before it waits for the first answer.
async fn pipeline(client: &ClientWrapper, requests: Vec<Request>) -> Result<Vec<Vec<Row>>, Failure> {
    let mut running = Vec::with_capacity(requests.len());
    let mut meanings = Vec::with_capacity(requests.len());
    for Request { sql, params, types, taken } in requests {
        meanings.push(taken);
        let answer: Pin<Box<dyn Future<Output = Answer> + Send + '_>> = match (params, types) {
            (None, _) => Box::pin(async move { client.batch_execute(&sql).await.map(|()| Vec::new()) }),
            (Some(params), Some(types)) => Box::pin(async move {
                client.query_typed_raw(&sql, params.into_iter().zip(types)).await?.try_collect().await
            }),
            (Some(params), None) => {
                // Only the first time on each connection does this ask the database.
                let statement = client.prepare_cached(&sql).await?;
                Box::pin(async move { client.query_raw(&statement, params).await?.try_collect().await })
            }
        };
        running.push(maybe_done(answer));
    }
    // The first poll sends; in this order.
    poll_fn(|context| {
        for answer in &mut running {
            let _ = answer.poll_unpin(context);
        }
        Poll::Ready(())
    })
    .await;
    let mut answers = Vec::with_capacity(running.len());
    for (mut answer, taken) in running.into_iter().zip(meanings) {
        if let MaybeDone::Future(_) = &answer {
            (&mut answer).await;
        }
        match (Pin::new(&mut answer).take_output(), taken) {
            (Some(Ok(rows)), _) => answers.push(rows),
            (Some(Err(error)), Some(meaning)) if is_taken(&error) => {
                return Err(Failure { error: meaning, fate: Fate::Failed });
            }
            (Some(Err(error)), _) => return Err(error.into()),
            (None, _) => {}
        }
    }
    Ok(answers)
}
