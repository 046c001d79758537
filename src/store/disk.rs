//! The lasting tier: Parquet files on local disk, in a Hive layout that DuckDB, Polars and pandas open directly.
//!
//! `provider=…/interval=…/symbol=…/currency=…/variant=…/<first>-<last>-<checksum>.parquet`, beside them the ledger. A
//! file is written under a temporary name, synced, renamed, and its folder synced; the ledger that names it comes after.

use super::fragment::{Fragment, FragmentId, Times, id_of};
use super::ledger_file::{self, FragmentFile, LedgerFile};
use super::{BoxFuture, Entry, Store, StoreError, seal};
use finex_core::calendar::Grid;
use finex_core::series::{FragmentKey, Scope, Series, Version, encode_part};
use finex_core::status::CacheLevel;
use finex_providers::{Provider, Registry};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Behind the names of files whose basis is no longer current.
const SUPERSEDED: &str = ".superseded";
/// How long they are kept.
const RETENTION: Duration = Duration::from_secs(90 * 86_400);

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
    bytes: AtomicU64,
    temporary: AtomicU64,
    _lock: File,
}

/// A series as it was found on disk.
pub struct Found {
    pub series: Series,
    pub ledger: LedgerFile,
    pub fragments: Vec<(FragmentKey, FragmentFile)>,
}

impl Disk {
    /// Opens a folder for this process alone; leftovers of interrupted writes are swept.
    pub fn open(root: &Path, registry: Registry) -> io::Result<Disk> {
        fs::create_dir_all(root)?;
        let lock = File::create(root.join(".lock"))?;
        lock.try_lock().map_err(|_| {
            let text = format!("{} is in use by another finex: give this one its own --data-dir", root.display());
            io::Error::new(io::ErrorKind::AddrInUse, text)
        })?;
        Ok(Disk(Arc::new(Inner {
            root: root.to_owned(),
            registry,
            files: Mutex::default(),
            bytes: AtomicU64::new(0),
            temporary: AtomicU64::new(0),
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

    fn provider(&self, series: &Series) -> Result<(Arc<dyn Provider>, Grid), StoreError> {
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

    fn write_fragment(&self, fragment: &Fragment) -> Result<FileRef, StoreError> {
        let (provider, _) = self.provider(&fragment.key.series)?;
        let sealed = seal::seal(fragment, provider.as_ref())?;
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
                set_aside(&old.path)?;
            }
        }
        Ok(file)
    }

    /// Temporary name, sync, rename, sync of the folder: after a power cut a file is whole or not there.
    fn write(&self, folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        create_folders(folder, &self.0.root)?;
        let n = self.0.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!(".{}-{n}.tmp", std::process::id()));
        let path = folder.join(name);
        let written = (|| {
            let mut file = File::create_new(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(folder)?.sync_all()
        })();
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written.map(|()| path)
    }

    /// Writes the ledger of a series, after the fragments that it names.
    pub fn write_ledger(&self, series: &Series, ledger: &LedgerFile) -> Result<(), StoreError> {
        self.write(&self.folder(series), ledger_file::NAME, &ledger.seal()?)?;
        Ok(())
    }

    fn read_fragment(&self, key: &FragmentKey) -> Result<Option<Fragment>, StoreError> {
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
        self.blocking(move |_| set_aside(&file.path)).await
    }

    /// Everything on disk: ledgers where they are readable, else what the footers of the files say.
    pub fn load(&self) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for folder in leaves(&self.0.root, 5)? {
            sweep(&folder)?;
            match self.load_folder(&folder) {
                Ok(series) => found.extend(series),
                Err(error) => tracing::error!(folder = %folder.display(), %error, "series on disk is unreadable"),
            }
        }
        Ok(found)
    }

    fn load_folder(&self, folder: &Path) -> Result<Option<Found>, StoreError> {
        let mut on_disk: HashMap<String, PathBuf> = HashMap::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let checksum = path.file_stem().and_then(|s| s.to_str()).and_then(|s| s.rsplit_once('-')).map(|(_, c)| c);
            if let (Some("parquet"), Some(checksum)) = (path.extension().and_then(|e| e.to_str()), checksum) {
                on_disk.insert(checksum.to_owned(), path);
            }
        }
        let mut ledger = match fs::read(folder.join(ledger_file::NAME)).map(|bytes| LedgerFile::unseal(&bytes)) {
            Ok(Ok(ledger)) if ledger.layout == Version::LAYOUT => ledger,
            Ok(Err(error)) => {
                tracing::error!(folder = %folder.display(), %error, "ledger passed by; the fragments tell what they are");
                LedgerFile { layout: Version::LAYOUT, ..LedgerFile::default() }
            }
            _ => LedgerFile { layout: Version::LAYOUT, ..LedgerFile::default() },
        };
        let mut found = Vec::new();
        for listed in &ledger.fragments {
            let Ok(key) = listed.key.parse::<FragmentKey>() else { continue };
            if let Some(path) = on_disk.remove(&listed.checksum) {
                found.push((key, listed.clone(), path));
            }
        }
        for (checksum, path) in on_disk {
            match self.read_stray(&path, &checksum) {
                Ok((key, file)) => found.push((key, file, path)),
                Err(error) => tracing::error!(file = %path.display(), %error, "stray file left alone"),
            }
        }
        // One basis at a time: what is of an older one was about to be set aside.
        let newest = found.iter().map(|(key, ..)| key.version.basis).max().unwrap_or(0);
        if newest > ledger.basis {
            ledger = LedgerFile { layout: Version::LAYOUT, basis: newest, ..LedgerFile::default() };
        }
        let mut fragments = Vec::new();
        for (key, file, path) in found {
            if key.version.basis == ledger.basis {
                self.adopt(&key, &file, path);
                fragments.push((key, file));
            } else if let Err(error) = set_aside(&path) {
                tracing::error!(file = %path.display(), %error, "a file of an older basis stays");
            }
        }
        let series = fragments.first().map(|(key, _)| key.series.clone());
        Ok(series.map(|series| Found { series, ledger, fragments }))
    }

    fn adopt(&self, key: &FragmentKey, file: &FragmentFile, path: PathBuf) {
        let reference = FileRef { path, checksum: file.checksum.clone(), bytes: file.bytes };
        self.0.bytes.fetch_add(file.bytes, Ordering::Relaxed);
        self.files().insert(id_of(key), (key.clone(), reference));
    }

    /// A file that no ledger names, as after a crash between the two: its footer tells its key.
    fn read_stray(&self, path: &Path, checksum: &str) -> Result<(FragmentKey, FragmentFile), StoreError> {
        let malformed = |detail: String| StoreError::Malformed(format!("{}: {detail}", path.display()));
        let bytes = fs::read(path)?;
        let reader =
            SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).map_err(|e| malformed(e.to_string()))?;
        let pairs = reader.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
        let key = pairs.into_iter().find(|pair| pair.key == seal::KEY).and_then(|pair| pair.value);
        let key: FragmentKey =
            key.and_then(|text| text.parse().ok()).ok_or_else(|| malformed("it names no key".into()))?;
        let (provider, grid) = self.provider(&key.series)?;
        let fragment = seal::unseal(&key, checksum, &bytes, grid, provider.as_ref())?;
        let file =
            FragmentFile::of(&key, &fragment.times, fragment.fetched_at, checksum.to_owned(), bytes.len() as u64);
        Ok((key, file))
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
            let fragment = self.blocking(move |disk| disk.read_fragment(&key)).await?;
            Ok(fragment.map(|fragment| Entry { fragment: Arc::new(fragment), expires: None, generation: 0 }))
        })
    }

    /// Files hold final bars only: an entry that expires is not written.
    fn put<'a>(&'a self, entry: Entry) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if entry.expires.is_some() {
                return Ok(());
            }
            self.blocking(move |disk| disk.write_fragment(&entry.fragment).map(drop)).await
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

fn folder_part(value: &str) -> String {
    const LONGEST: usize = 100;
    let name = encode_part(value);
    if name.len() <= LONGEST && !name.starts_with('.') {
        return name;
    }
    let start: String = name.trim_start_matches('.').chars().take(40).collect();
    format!("{start}~{}", &blake3::hash(value.as_bytes()).to_hex()[..32])
}

/// Renames a file of an older basis; from now on its time counts.
fn set_aside(path: &Path) -> Result<(), StoreError> {
    let mut name = path.to_owned().into_os_string();
    name.push(SUPERSEDED);
    let now = Duration::from_millis(u64::try_from(crate::observe::system_clock()()).unwrap_or(0));
    File::options().append(true).open(path)?.set_modified(std::time::UNIX_EPOCH + now)?;
    Ok(fs::rename(path, name)?)
}

/// Folders `depth` levels below `root`.
fn leaves(root: &Path, depth: usize) -> io::Result<Vec<PathBuf>> {
    if depth == 0 {
        return Ok(vec![root.to_owned()]);
    }
    let mut out = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        // Links are not followed: nothing outside the folder is ours.
        if entry.file_type()?.is_dir() && entry.file_name().to_string_lossy().contains('=') {
            out.extend(leaves(&entry.path(), depth - 1)?);
        }
    }
    Ok(out)
}

fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let superseded = path.to_string_lossy().ends_with(SUPERSEDED);
        let aged = || entry.metadata().and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
        if path.extension().is_some_and(|e| e == "tmp") || (superseded && aged().is_some_and(|age| age > RETENTION)) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Creates what is missing below `root` and syncs each parent, so that the folders last too.
fn create_folders(folder: &Path, root: &Path) -> io::Result<()> {
    if folder.is_dir() || folder == root {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_folders(parent, root)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => File::open(parent)?.sync_all()?,
        }
    }
    Ok(())
}
