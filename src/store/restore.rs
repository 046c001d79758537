//! What is found on disk when the gateway starts. Nothing of it is believed before it has proved whose it is, and what cannot
//! be read is passed by: the other series are served.

use super::StoreError;
use super::disk::{Disk, SUPERSEDED};
use super::ledger_file::{self, FragmentFile, LedgerFile};
use super::seal;
use crate::lasting::TEMPORARY;
use finex_core::envelope::Envelope;
use finex_core::plan::coverage::{Known, Reason};
use finex_core::series::{FragmentKey, Series, Version};
use finex_core::time::{Ts, Window};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long files of an older basis, and bars that were corrected, are kept.
const RETENTION: Duration = Duration::from_secs(90 * 86_400);

/// What notes in a file say of other bars than its own is nothing.
const NOWHERE: Window = Window { from: 0, to: 0 };

/// A file that is kept without being read: since when, where, and its bytes.
type Aside = (SystemTime, PathBuf, u64);

/// A fragment's file, with what is known of it: the notes, where no ledger has them.
type File = (FragmentKey, FragmentFile, PathBuf, Option<Envelope>);

/// A series as it was found on disk.
pub struct Found {
    pub series: Series,
    pub ledger: LedgerFile,
    pub fragments: Vec<(FragmentKey, FragmentFile)>,
}

impl Disk {
    /// Everything on disk: ledgers where they are readable, else what the footers of the files say. Leftovers of
    /// interrupted writes are swept.
    pub fn load(&self) -> Vec<Found> {
        let folders = leaves(self.root(), 5);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let load = |folders: &[PathBuf]| {
            let (mut found, mut aside) = (Vec::new(), Vec::new());
            for folder in folders {
                match self.load_folder(folder, &mut aside) {
                    Ok(series) => found.extend(series),
                    Err(error) => tracing::error!(folder = %folder.display(), %error, "series on disk is unreadable"),
                }
            }
            (found, aside)
        };
        let shares = folders.chunks(folders.len().div_ceil(threads).max(1));
        let loaded: Vec<(Vec<Found>, Vec<Aside>)> = std::thread::scope(|scope| {
            let begun: Vec<_> = shares.map(|share| scope.spawn(|| load(share))).collect();
            begun.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        let (found, aside): (Vec<_>, Vec<_>) = loaded.into_iter().unzip();
        let mut aside: Vec<Aside> = aside.into_iter().flatten().collect();
        let found = found.into_iter().flatten().collect();
        aside.sort_by_key(|(at, ..)| *at);
        aside.into_iter().for_each(|(_, path, bytes)| self.keep_aside(path, bytes));
        found
    }

    fn load_folder(&self, folder: &Path, aside: &mut Vec<Aside>) -> Result<Option<Found>, StoreError> {
        let mut on_disk: HashMap<String, PathBuf> = HashMap::new();
        for path in files_in(folder)? {
            if is_over(&path) {
                if let Err(error) = fs::remove_file(&path) {
                    tracing::error!(file = %path.display(), %error, "a leftover stays");
                }
                continue;
            }
            if is_aside(&path) {
                let told = fs::metadata(&path)?;
                aside.push((told.modified()?, path, told.len()));
                continue;
            }
            let checksum = path.file_stem().and_then(|s| s.to_str()).and_then(|s| s.rsplit_once('-')).map(|(_, c)| c);
            if let (Some("parquet"), Some(checksum)) = (path.extension().and_then(|e| e.to_str()), checksum) {
                on_disk.insert(checksum.to_owned(), path);
            }
        }
        let ledger = self.ledger_of(folder);
        let mut found = Vec::new();
        let ledgers = std::iter::successors(Some(&ledger), |ledger| ledger.earlier.as_deref());
        for listed in ledgers.flat_map(|ledger| &ledger.fragments) {
            let Ok(key) = listed.key.parse::<FragmentKey>() else { continue };
            if let Some(path) = on_disk.remove(&listed.checksum) {
                found.push((key, listed.clone(), path, None));
            }
        }
        for (checksum, path) in on_disk {
            match self.read_stray(&path, &checksum) {
                Ok((key, file, notes)) => found.push((key, file, path, Some(notes))),
                // What cannot be read now may be read later.
                Err(error @ StoreError::Io(_)) => {
                    tracing::error!(file = %path.display(), %error, "a file is passed by")
                }
                Err(error) => {
                    tracing::error!(file = %path.display(), %error, "a file that does not prove itself is set aside");
                    self.set_aside(&path, "a file that does not prove itself");
                }
            }
        }
        // A file that was put into the folder of another series is right, and not here.
        let mut ours: Option<Series> = None;
        found.retain(|(key, _, path, _)| {
            let at_home = ours.as_ref() == Some(&key.series) || self.folder(&key.series) == folder;
            if at_home {
                ours.get_or_insert_with(|| key.series.clone());
            } else {
                tracing::error!(file = %path.display(), %key, "a file of another series is left alone");
            }
            at_home
        });
        self.part_twins(&mut found);
        Ok(self.sorted(ledger, found))
    }

    /// Of two files for one key, as after a correction that was interrupted, the one that was fetched later stands.
    fn part_twins(&self, found: &mut Vec<File>) {
        let mut standing: HashMap<FragmentKey, (Ts, usize)> = HashMap::new();
        for (at, (key, file, ..)) in found.iter().enumerate() {
            let first = standing.entry(key.clone()).or_insert((file.fetched_at, at));
            if file.fetched_at > first.0 {
                *first = (file.fetched_at, at);
            }
        }
        let mut at = 0;
        found.retain(|(key, _, path, _)| {
            let stands = standing.get(key).is_some_and(|(_, standing)| *standing == at);
            at += 1;
            if !stands {
                self.set_aside(path, "a file that another one replaces");
            }
            stands
        });
    }

    /// One basis at a time: what is of an older one is set aside, unless its provider forgets; then nobody has it any more.
    fn sorted(&self, ledger: LedgerFile, found: Vec<File>) -> Option<Found> {
        let series = found.first().map(|(key, ..)| key.series.clone())?;
        let forgets = self.provider(&series).is_ok_and(|(provider, _)| provider.limits(&series, 0, 1).depth.is_some());
        let newest = found.iter().map(|(key, ..)| key.version.basis).fold(ledger.basis, u32::max);
        let mut ledgers = by_basis(ledger);
        let mut fragments = Vec::new();
        for (key, file, path, notes) in found {
            let basis = key.version.basis;
            if basis < newest && !forgets {
                self.set_aside(&path, "a file of an older basis");
                continue;
            }
            self.adopt(&key, &file, path);
            let ledger = ledgers.entry(basis).or_insert_with(|| LedgerFile { basis, ..fresh() });
            if let Some(notes) = notes {
                ledger.envelope.overlay(&notes, NOWHERE);
            }
            if basis == newest {
                fragments.push((key, file));
            } else {
                self.list(ledger, &key, file);
            }
        }
        let mut ledger = ledgers.remove(&newest).unwrap_or_else(|| LedgerFile { basis: newest, ..fresh() });
        let older = ledgers.into_values().filter(|older| forgets && !older.fragments.is_empty());
        ledger.earlier = older.fold(None, |earlier, older| Some(Box::new(LedgerFile { earlier, ..older })));
        Some(Found { series, ledger, fragments })
    }

    /// Puts a file into the ledger of its basis, where that does not name it.
    fn list(&self, ledger: &mut LedgerFile, key: &FragmentKey, file: FragmentFile) {
        if ledger.fragments.iter().any(|listed| listed.checksum == file.checksum) {
            return;
        }
        let Ok((_, grid)) = self.provider(&key.series) else { return };
        let window = Window::new(key.first, grid.cover_end(key.last));
        let (columns, fetched_at) = (key.columns, file.fetched_at);
        ledger.known.push(Known { window, columns, reason: Reason::Data, fetched_at });
        ledger.fragments.push(file);
    }

    /// The ledger in a folder, if it is the folder's own and whole.
    fn ledger_of(&self, folder: &Path) -> LedgerFile {
        let path = folder.join(ledger_file::NAME);
        if !fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
            return fresh();
        }
        let read = fs::read(&path).map_err(StoreError::from).and_then(|bytes| LedgerFile::unseal(&bytes));
        let why = match read {
            Ok(ledger) if ledger.layout != Version::LAYOUT => "it has another layout".to_owned(),
            Ok(ledger) if ledger.home != self.home(folder) => "it is that of another series".to_owned(),
            Ok(ledger) => return ledger,
            Err(error) => error.to_string(),
        };
        tracing::error!(ledger = %path.display(), why, "ledger passed by; the fragments tell what they are");
        fresh()
    }

    /// A file that no ledger names, as after a crash between the two: its footer tells its key.
    fn read_stray(&self, path: &Path, checksum: &str) -> Result<(FragmentKey, FragmentFile, Envelope), StoreError> {
        let malformed = |detail: String| StoreError::Malformed(format!("{}: {detail}", path.display()));
        let bytes = fs::read(path)?;
        let reader =
            SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).map_err(|e| malformed(e.to_string()))?;
        let pairs = reader.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
        let key = pairs.into_iter().find(|pair| pair.key == seal::KEY).and_then(|pair| pair.value);
        let key: FragmentKey =
            key.and_then(|text| text.parse().ok()).ok_or_else(|| malformed("it names no key".into()))?;
        let (provider, grid) = self.provider(&key.series)?;
        let (fragment, notes) = seal::unseal(&key, checksum, &bytes, grid, provider.as_ref())?;
        let file =
            FragmentFile::of(&key, &fragment.times, fragment.fetched_at, checksum.to_owned(), bytes.len() as u64);
        Ok((key, file, notes))
    }
}

/// A ledger and those of the bases before it, each by itself.
fn by_basis(ledger: LedgerFile) -> BTreeMap<u32, LedgerFile> {
    let mut next = Some(Box::new(ledger));
    let mut out = BTreeMap::new();
    while let Some(mut ledger) = next {
        next = ledger.earlier.take();
        out.insert(ledger.basis, *ledger);
    }
    out
}

fn fresh() -> LedgerFile {
    LedgerFile { layout: Version::LAYOUT, ..LedgerFile::default() }
}

/// Folders `depth` levels below `root`. Links are not followed: nothing outside the folder is ours.
fn leaves(root: &Path, depth: usize) -> Vec<PathBuf> {
    if depth == 0 {
        return vec![root.to_owned()];
    }
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries.flatten(),
        Err(error) => {
            tracing::error!(folder = %root.display(), %error, "a folder on disk is passed by");
            return Vec::new();
        }
    };
    let ours = |entry: &fs::DirEntry| {
        entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.file_name().to_string_lossy().contains('=')
    };
    entries.filter(ours).flat_map(|entry| leaves(&entry.path(), depth - 1)).collect()
}

/// Plain files: a pipe would never come to an end.
fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let plain = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    Ok(fs::read_dir(folder)?.flatten().filter(plain).map(|entry| entry.path()).collect())
}

/// Is it the leftover of a write, or kept for long enough?
fn is_over(path: &Path) -> bool {
    let aged = || fs::metadata(path).and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
    path.extension().is_some_and(|e| e == TEMPORARY) || (is_aside(path) && aged().is_some_and(|age| age > RETENTION))
}

fn is_aside(path: &Path) -> bool {
    path.to_string_lossy().ends_with(SUPERSEDED)
}
