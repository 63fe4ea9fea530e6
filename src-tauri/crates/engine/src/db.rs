//! The one thread that owns the database; everybody else sends it work.

use std::{sync::mpsc, thread};

use hausrecht_store::{Store, Tables};
use tokio::sync::oneshot;

use crate::{Result, wire::Error};

type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// Sends work to the database's thread.
#[derive(Clone, Debug)]
pub(crate) struct Db {
    jobs: mpsc::Sender<Job>,
}

impl Db {
    /// Starts the thread; it ends when the last `Db` is dropped.
    pub(crate) fn start(mut store: Store) -> std::io::Result<Self> {
        let (jobs, incoming) = mpsc::channel::<Job>();
        thread::Builder::new().name("database".into()).spawn(move || {
            for job in incoming {
                // A defect in one job must not end the recording of everything else; its transaction rolls back.
                if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&mut store))).is_err() {
                    tracing::error!("a job of the database's thread panicked");
                }
            }
        })?;
        Ok(Self { jobs })
    }

    /// Does `work` on the database's thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.send(move |store| {
            // Whoever asked may have given up; the work is done all the same.
            let _ = reply.send(work(store));
        })?;
        answer.await.map_err(|_| stopped())?
    }

    /// Reads within one snapshot.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tables<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(|store| store.read(work)).await
    }

    /// Writes in one transaction, durable on return.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tables<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(|store| store.write(work)).await
    }

    /// The same from a thread that may wait.
    pub(crate) fn write_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tables<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = mpsc::channel();
        self.send(move |store| {
            let _ = reply.send(store.write(work));
        })?;
        answer.recv().map_err(|_| stopped())?
    }

    fn send(&self, job: impl FnOnce(&mut Store) + Send + 'static) -> Result<()> {
        self.jobs.send(Box::new(job)).map_err(|_| stopped())
    }
}

fn stopped() -> Error {
    Error::internal("the database's thread has ended")
}
