//! Keeping fragments: memory before disk, one small trait for every tier.
//!
//! A failing tier is never an error for a client: it is logged, counted and passed by. What a tier gives back proves
//! itself first; what fails its proof is dropped, and its coverage with it.

pub mod catalog;
pub mod cell;
pub mod compact;
pub mod disk;
pub mod fragment;
pub mod habit;
pub mod ledger_file;
pub mod memory;
mod recheck;
pub mod restore;
pub mod seal;
pub mod snapshot;
pub mod tiers;

use finex_core::envelope::Envelope;
use finex_core::series::FragmentKey;
use finex_core::status::CacheLevel;
use finex_core::time::Ts;
use fragment::Fragment;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A fragment in a tier.
#[derive(Debug, Clone)]
pub struct Entry {
    pub fragment: Arc<Fragment>,
    /// What the provider said beside these bars, as far as it is dated.
    pub notes: Arc<Envelope>,
    /// After this it is not given back; final bars have no such time.
    pub expires: Option<Ts>,
    /// Grows with every put under the same key; the larger one stands.
    pub generation: u64,
}

impl Entry {
    /// Final bars.
    pub fn lasting(fragment: Arc<Fragment>, notes: Arc<Envelope>) -> Entry {
        Entry { fragment, notes, expires: None, generation: 0 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Frame(#[from] crate::frame::FrameError),
    #[error("{0}")]
    Codec(#[from] finex_providers::Undecodable),
    /// The bytes are not those that were written under this key.
    #[error("the checksum of {0} does not fit its bytes")]
    Checksum(String),
    #[error("{0}")]
    Malformed(String),
    #[error("the disk failed repeatedly and is left alone for a moment")]
    LeftAlone,
}

impl StoreError {
    /// Does it tell that a tier is unwell? Not where it is full, or may only be read.
    pub fn is_trouble(&self) -> bool {
        use std::io::ErrorKind::{NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let passes = [NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull];
        matches!(self, StoreError::Io(error) if !passes.contains(&error.kind()))
    }
}

/// A place where fragments are kept by key.
pub trait Store: Send + Sync {
    fn level(&self) -> CacheLevel;

    fn get<'a>(&'a self, key: &'a FragmentKey) -> BoxFuture<'a, Result<Option<Entry>, StoreError>>;

    /// Keeps an entry unless a later generation is already there.
    fn put<'a>(&'a self, entry: Entry) -> BoxFuture<'a, Result<(), StoreError>>;

    fn delete<'a>(&'a self, key: &'a FragmentKey) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// Keys whose text begins with `prefix`, in the order of that text.
    fn scan_prefix<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<FragmentKey>, StoreError>>;

    fn get_multiple<'a>(&'a self, keys: &'a [FragmentKey]) -> BoxFuture<'a, Result<Vec<Option<Entry>>, StoreError>> {
        Box::pin(async move {
            let mut out = Vec::with_capacity(keys.len());
            for key in keys {
                out.push(self.get(key).await?);
            }
            Ok(out)
        })
    }

    fn put_multiple<'a>(&'a self, entries: Vec<Entry>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            for entry in entries {
                self.put(entry).await?;
            }
            Ok(())
        })
    }
}
