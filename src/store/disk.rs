//! The lasting tier: Parquet files on local disk, in a Hive layout that DuckDB, Polars and pandas open directly.
//!
//! `provider=…/interval=…/symbol=…/currency=…/variant=…/<first>-<last>-<checksum>.parquet`, beside them the ledger. A
//! file is written under a temporary name, synced, renamed, and its folder synced; the ledger that names it comes after.

use super::fragment::{Fragment, FragmentId, Times, id_of};
use super::ledger_file::{self, FragmentFile, LedgerFile};
use super::{BoxFuture, Entry, Store, StoreError, seal};
use crate::lasting;
use finex_core::calendar::Grid;
use finex_core::envelope::Envelope;
use finex_core::series::{FragmentKey, Scope, Series, encode_part};
use finex_core::status::CacheLevel;
use finex_providers::{Provider, Registry};
use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Behind the names of files whose basis is no longer current.
pub(super) const SUPERSEDED: &str = ".superseded";
/// Where a fragment's file is.
#[derive(Debug, Clone, PartialEq)]
pub struct FileRef {
    pub path: PathBuf,
    pub checksum: String,
    pub bytes: u64,
}

#[derive(Clone)]
pub struct Disk(Arc<Inner>);

struct Inner {
    root: PathBuf,
    registry: Registry,
    files: Mutex<HashMap<FragmentId, (FragmentKey, FileRef)>>,
    /// What is kept without being read, the oldest first, with its size.
    aside: Mutex<VecDeque<(PathBuf, u64)>>,
    /// Of all files, read or not.
    bytes: AtomicU64,
    _lock: File,
}

impl Disk {
    /// Opens a folder for this process alone; leftovers of interrupted writes are swept.
    pub fn open(root: &Path, registry: Registry) -> io::Result<Disk> {
        fs::create_dir_all(root).map_err(lasting::named(root))?;
        let lock = lock_of(root)?;
        lock.try_lock().map_err(|_| {
            let text = format!("{} is in use by another finex: give this one its own --data-dir", root.display());
            io::Error::new(io::ErrorKind::AddrInUse, text)
        })?;
        Ok(Disk(Arc::new(Inner {
            root: root.to_owned(),
            registry,
            files: Mutex::default(),
            aside: Mutex::default(),
            bytes: AtomicU64::new(0),
            _lock: lock,
        })))
    }

    /// Bytes and number of fragment files.
    pub fn usage(&self) -> (u64, u64) {
        (self.0.bytes.load(Ordering::Relaxed), self.files().len() as u64)
    }

    fn files(&self) -> MutexGuard<'_, HashMap<FragmentId, (FragmentKey, FileRef)>> {
        self.0.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn file(&self, id: FragmentId) -> Option<FileRef> {
        self.files().get(&id).map(|(_, file)| file.clone())
    }

    pub(super) fn provider(&self, series: &Series) -> Result<(Arc<dyn Provider>, Grid), StoreError> {
        let provider = self.0.registry.get(&series.provider).cloned();
        let provider =
            provider.ok_or_else(|| StoreError::Malformed(format!("no provider named {}", series.provider)))?;
        let grid = provider.grid(series);
        Ok((provider, grid))
    }

    /// The folder of a series. No part of it is unencoded, and a part that is too long for a name is hashed.
    pub fn folder(&self, series: &Series) -> PathBuf {
        let scope = match &series.scope {
            Scope::Shared => None,
            Scope::Tenant(id) => Some(("@scope".to_owned(), id.clone())),
        };
        let variant = series.variant.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).chain(scope);
        let variant: Vec<String> = variant.map(|(name, value)| format!("{name}={value}")).collect();
        let parts = [
            ("provider", series.provider.to_string()),
            ("interval", series.interval.to_string()),
            ("symbol", series.symbol.to_string()),
            ("currency", series.currency.to_string()),
            ("variant", variant.join(",")),
        ];
        parts
            .iter()
            .fold(self.0.root.clone(), |path, (name, value)| path.join(format!("{name}={}", folder_part(value))))
    }

    /// A folder as it stands below the root.
    pub(super) fn home(&self, folder: &Path) -> String {
        folder.strip_prefix(&self.0.root).unwrap_or(folder).to_string_lossy().into_owned()
    }

    pub(super) fn root(&self) -> &Path {
        &self.0.root
    }

    /// From now on a file that was found is one of ours.
    pub(super) fn adopt(&self, key: &FragmentKey, file: &FragmentFile, path: PathBuf) {
        let reference = FileRef { path, checksum: file.checksum.clone(), bytes: file.bytes };
        self.0.bytes.fetch_add(file.bytes, Ordering::Relaxed);
        self.files().insert(id_of(key), (key.clone(), reference));
    }

    fn write_fragment(&self, fragment: &Fragment, notes: &Envelope) -> Result<FileRef, StoreError> {
        let (provider, _) = self.provider(&fragment.key.series)?;
        let sealed = seal::seal(fragment, notes, provider.as_ref())?;
        let key = &fragment.key;
        let name = format!("{}-{}-{}.parquet", key.first / 1_000, key.last / 1_000, sealed.checksum);
        let folder = self.folder(&key.series);
        let path = self.write(&folder, &name, &sealed.bytes)?;
        let file = FileRef { path, checksum: sealed.checksum, bytes: sealed.bytes.len() as u64 };
        let replaced = self.files().insert(fragment.id, (key.clone(), file.clone()));
        self.0.bytes.fetch_add(file.bytes, Ordering::Relaxed);
        if let Some((_, old)) = replaced {
            self.0.bytes.fetch_sub(old.bytes, Ordering::Relaxed);
            // What was corrected is kept for a while: nobody else has it any more.
            if old.path != file.path {
                self.set_aside(&old.path, "a file that was replaced");
            }
        }
        Ok(file)
    }

    fn write(&self, folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        lasting::create_folders(folder, &self.0.root)?;
        lasting::write(folder, name, bytes, false)
    }

    /// Writes the ledger of a series, after the fragments that it names.
    pub fn write_ledger(&self, series: &Series, ledger: &LedgerFile) -> Result<(), StoreError> {
        let folder = self.folder(series);
        let ledger = LedgerFile { home: self.home(&folder), ..ledger.clone() };
        self.write(&folder, ledger_file::NAME, &ledger.seal()?)?;
        Ok(())
    }

    fn read_fragment(&self, key: &FragmentKey) -> Result<Option<(Fragment, Envelope)>, StoreError> {
        let Some(file) = self.file(id_of(key)) else { return Ok(None) };
        let (provider, grid) = self.provider(&key.series)?;
        let bytes = match fs::read(&file.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        seal::unseal(key, &file.checksum, &bytes, grid, provider.as_ref()).map(Some)
    }

    pub(super) fn remove_fragment(&self, key: &FragmentKey) -> Result<bool, StoreError> {
        let Some((_, file)) = self.files().remove(&id_of(key)) else { return Ok(false) };
        self.0.bytes.fetch_sub(file.bytes, Ordering::Relaxed);
        match fs::remove_file(&file.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(true),
        }
    }

    /// Renames a fragment's file, so that it is kept without being read: history that was overwritten cannot be had back.
    pub async fn supersede(&self, key: &FragmentKey) -> Result<(), StoreError> {
        let Some((_, file)) = self.files().remove(&id_of(key)) else { return Ok(()) };
        self.0.bytes.fetch_sub(file.bytes, Ordering::Relaxed);
        self.blocking(move |disk| {
            disk.set_aside(&file.path, "a file of an older basis");
            Ok(())
        })
        .await
    }

    /// Takes a file out of service; where that fails, it says so.
    pub(super) fn set_aside(&self, path: &Path, what: &str) {
        match rename_aside(path) {
            Ok((path, bytes)) => self.keep_aside(path, bytes),
            Err(error) => tracing::error!(file = %path.display(), %error, "{what} stays"),
        }
    }

    pub(super) fn keep_aside(&self, path: PathBuf, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.0.aside.lock().unwrap_or_else(PoisonError::into_inner).push_back((path, bytes));
    }

    /// Gives up what was set aside first; says how many bytes that makes room for.
    pub async fn drop_aside(&self) -> Option<u64> {
        let (path, bytes) = self.0.aside.lock().unwrap_or_else(PoisonError::into_inner).pop_front()?;
        self.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
        let removed = self.blocking(move |_| Ok(fs::remove_file(&path)?)).await;
        Some(if removed.is_ok() { bytes } else { 0 })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let disk = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&disk)).await;
        done.map_err(|_| StoreError::Malformed("the file made its reader panic".into()))?
    }

    pub async fn save_ledger(&self, series: Arc<Series>, ledger: LedgerFile) -> Result<(), StoreError> {
        self.blocking(move |disk| disk.write_ledger(&series, &ledger)).await
    }
}

/// The open times of a fragment, from what the ledger says of it.
pub fn times_of(key: &FragmentKey, file: &FragmentFile, grid: Grid) -> Times {
    match &file.times {
        Some(times) => Times::Listed(times.as_slice().into()),
        None => Times::Regular { grid, first: grid.index(key.first), rows: file.rows },
    }
}

impl Store for Disk {
    fn level(&self) -> CacheLevel {
        CacheLevel::L3Database
    }

    fn get<'a>(&'a self, key: &'a FragmentKey) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        let key = key.clone();
        Box::pin(async move {
            let read = self.blocking(move |disk| disk.read_fragment(&key)).await?;
            Ok(read.map(|(fragment, notes)| Entry::lasting(Arc::new(fragment), Arc::new(notes))))
        })
    }

    /// Files hold final bars only: an entry that expires is not written.
    fn put<'a>(&'a self, entry: Entry) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if entry.expires.is_some() {
                return Ok(());
            }
            self.blocking(move |disk| disk.write_fragment(&entry.fragment, &entry.notes).map(drop)).await
        })
    }

    fn delete<'a>(&'a self, key: &'a FragmentKey) -> BoxFuture<'a, Result<bool, StoreError>> {
        let key = key.clone();
        Box::pin(async move { self.blocking(move |disk| disk.remove_fragment(&key)).await })
    }

    fn scan_prefix<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<FragmentKey>, StoreError>> {
        let held = self.files();
        let mut keys: Vec<(String, FragmentKey)> = held
            .values()
            .map(|(key, _)| (key.to_string(), key.clone()))
            .filter(|(text, _)| text.starts_with(prefix))
            .collect();
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        Box::pin(async move { Ok(keys.into_iter().map(|(_, key)| key).collect()) })
    }
}

/// The file that keeps two gateways from one folder. What cannot be written can still be read from.
fn lock_of(root: &Path) -> io::Result<File> {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let path = root.join(".lock");
    lasting::plain(&path)?;
    match File::options().write(true).create(true).truncate(false).open(&path) {
        Err(error) if matches!(error.kind(), ReadOnlyFilesystem | PermissionDenied) => {
            tracing::error!(file = %path.display(), %error, "what is held is served, and nothing can be kept");
            File::open(&path).or_else(|_| File::open(root)).map_err(lasting::named(&path))
        }
        opened => opened.map_err(lasting::named(&path)),
    }
}

fn folder_part(value: &str) -> String {
    const LONGEST: usize = 100;
    let name = encode_part(value);
    if name.len() <= LONGEST && !name.starts_with('.') {
        return name;
    }
    let start: String = name.trim_start_matches('.').chars().take(40).collect();
    format!("{start}~{}", &blake3::hash(value.as_bytes()).to_hex()[..32])
}

/// Renames a file that is out of service; from now on its time counts.
fn rename_aside(path: &Path) -> io::Result<(PathBuf, u64)> {
    let mut name = path.to_owned().into_os_string();
    name.push(SUPERSEDED);
    let now = Duration::from_millis(u64::try_from(crate::observe::system_clock()()).unwrap_or(0));
    let file = File::options().append(true).open(path)?;
    file.set_modified(std::time::UNIX_EPOCH + now)?;
    fs::rename(path, &name)?;
    Ok((name.into(), file.metadata()?.len()))
}
