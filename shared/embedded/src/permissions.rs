//! Who may read and write our files. On systems without Unix modes the folder's own protection has to do.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a folder only its owner can enter, with its parents.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Makes `options` create files only their owner can read, from their first instant.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

/// Opens a file for reading and writing, made private if it is new.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().read(true).write(true).create(true).truncate(false)).open(path)
}

/// True when somebody else may read or write what this is the metadata of.
pub(crate) fn others_may_read(metadata: &Metadata) -> bool {
    mode(metadata) & 0o077 != 0
}

/// True when somebody else may write.
pub(crate) fn others_may_write(metadata: &Metadata) -> bool {
    mode(metadata) & 0o022 != 0
}

/// Makes the entries of a folder durable: a rename is not, until its folder is.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode()
}

#[cfg(not(unix))]
fn mode(_metadata: &Metadata) -> u32 {
    0
}
