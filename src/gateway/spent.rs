//! What was spent of the providers' allowances outlives the process: they count on while it is away. So does what was
//! found out of the length of their calls.

use super::Gateway;
use super::bisect::Page;
use crate::fetch::limiter::{Kept, Limiter};
use crate::lasting;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io};

const NAME: &str = ".allowances.json";
/// What is spent within this before a crash is not known afterwards.
const EVERY: Duration = Duration::from_secs(1);

/// By provider.
type Spent = BTreeMap<String, Known>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    #[serde(flatten)]
    allowances: Kept,
    /// By interval.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pages: BTreeMap<String, Page>,
}

/// Where it is written down, and what was last.
#[derive(Clone)]
pub struct SpentFile {
    folder: PathBuf,
    written: Arc<Mutex<Spent>>,
}

impl SpentFile {
    pub fn new(folder: PathBuf) -> SpentFile {
        SpentFile { folder, written: Arc::default() }
    }

    /// Nothing where there is none; what cannot be read is passed by: the provider's own headers will tell.
    fn read(&self) -> Spent {
        let path = self.folder.join(NAME);
        let read = lasting::plain(&path).and_then(|()| fs::read(&path));
        let spent = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::from));
        spent.unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::error!(file = %path.display(), %error, "what was spent of allowances cannot be read");
            }
            Spent::new()
        })
    }

    async fn write(&self, spent: Spent) {
        let is_known = *self.written.lock().unwrap_or_else(PoisonError::into_inner) == spent;
        let Some(bytes) = serde_json::to_vec(&spent).ok().filter(|_| !is_known) else { return };
        let folder = self.folder.clone();
        let write = move || lasting::write(&folder, NAME, &bytes, true).map(drop);
        match tokio::task::spawn_blocking(write).await.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(()) => *self.written.lock().unwrap_or_else(PoisonError::into_inner) = spent,
            Err(error) => tracing::error!(%error, "what was spent of allowances cannot be written"),
        }
    }
}

impl Gateway {
    /// Takes over what was spent before a restart.
    pub fn restore_spent(&self) {
        let Some(file) = &self.spent else { return };
        let spent = file.read();
        for fetcher in self.fetchers.values() {
            let id = &fetcher.provider.manifest().id;
            if let Some(known) = spent.get(id) {
                fetcher.limiter.restore(&known.allowances);
                self.learned.restore(id, &known.pages);
            }
        }
    }

    /// Writes down what is spent by now, if it is more than when it was last written.
    pub async fn keep_spent(&self) {
        if let Some(file) = self.spent.clone() {
            file.write(self.spent_by_now()).await;
        }
    }

    fn spent_by_now(&self) -> Spent {
        let known = |id: &str, limiter: &Limiter| Known { allowances: limiter.kept(), pages: self.learned.of(id) };
        self.fetchers.iter().map(|(id, fetcher)| (id.clone(), known(id, &fetcher.limiter))).collect()
    }

    /// Writes it down now and then, as long as there is a gateway.
    pub fn watch_spending(&self) {
        let (gateway, Some(file)) = (self.me.clone(), self.spent.clone()) else { return };
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                // A gateway that is let go must not be kept by this.
                let Some(spent) = gateway.upgrade().map(|gateway| gateway.spent_by_now()) else { return };
                file.write(spent).await;
            }
        });
    }
}
