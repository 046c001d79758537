//! Files that are whole or not there, whatever happens while they are written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Behind the names of files that are being written.
pub const TEMPORARY: &str = "tmp";

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Temporary name, sync, rename, sync of the folder: after a power cut a file is whole or not there. Only its owner reads it
/// where it is `private`.
pub fn write(folder: &Path, name: &str, bytes: &[u8], private: bool) -> io::Result<PathBuf> {
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!(".{}-{n}.{TEMPORARY}", std::process::id()));
    let path = folder.join(name);
    let is_new = !path.exists();
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let written = (|| {
        let mut file = options.open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        let lasts = File::open(folder).and_then(|folder| folder.sync_all());
        // A file that may be gone after a cut must not be there for those who do not know of it either. One that stood
        // before is whole either way.
        lasts.inspect_err(|_| {
            if is_new {
                drop(fs::remove_file(&path))
            }
        })
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map(|()| path)
}

/// Creates what is missing below `root` and syncs each parent, so that the folders last too. A link is not gone through:
/// nothing outside the root is ours.
pub fn create_folders(folder: &Path, root: &Path) -> io::Result<()> {
    if folder == root {
        return Ok(());
    }
    if let Ok(found) = fs::symlink_metadata(folder) {
        return if found.is_dir() { Ok(()) } else { Err(named(folder)(io::ErrorKind::NotADirectory.into())) };
    }
    if let Some(parent) = folder.parent() {
        create_folders(parent, root)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {
                let lasts = File::open(parent).and_then(|parent| parent.sync_all());
                lasts.inspect_err(|_| drop(fs::remove_dir(folder)))?;
            }
        }
    }
    Ok(())
}

/// Refuses what is there and no plain file: a pipe would be waited for without end.
pub fn plain(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            let text = format!("{} is no plain file: move it away", path.display());
            Err(io::Error::new(io::ErrorKind::InvalidInput, text))
        }
        _ => Ok(()),
    }
}

/// An error that says of which file it speaks.
pub fn named(path: &Path) -> impl Fn(io::Error) -> io::Error {
    let path = path.display().to_string();
    move |error| io::Error::new(error.kind(), format!("{path}: {error}"))
}
