//! The FUSE protocol over a [`Base`].
//!
//! The kernel keeps answers for ever, so that the first look at each path and each directory's names comes here, once.
//! Files are never opened here: a read comes with the inode, and what has been read stays in the kernel's cache. Overlayfs
//! is the only one that asks, with its own rights.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use buildc_store::EntryKind;
use fuser::{
    AccessFlags, Errno, FileHandle, Filesystem, Generation, INodeNo, InitFlags, IoctlFlags, KernelConfig,
    LockOwner, OpenAccMode, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry,
    ReplyIoctl, ReplyLseek, ReplyOpen, ReplyXattr, Request,
};

use super::base::{Base, FOREVER};

/// `FS_IOC_GETFLAGS` for 32 and 64 bits: the flags that `lsattr` shows.
const GET_FLAGS: [u32; 2] = [0x8004_6601, 0x8008_6601];

fn answer(reply: ReplyXattr, size: u32, value: &[u8]) {
    match u32::try_from(value.len()) {
        Ok(length) if size == 0 => reply.size(length),
        Ok(length) if length <= size => reply.data(value),
        _ => reply.error(Errno::ERANGE),
    }
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_i32)
}

/// An answer that cannot be given leaves the trace incomplete.
fn failed(base: &Base, errno: Errno) -> Errno {
    base.give_up();
    errno
}

impl Filesystem for Base {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // Each is an improvement that the kernel may lack.
        for wanted in [
            InitFlags::FUSE_PARALLEL_DIROPS,
            InitFlags::FUSE_CACHE_SYMLINKS,
            InitFlags::FUSE_NO_OPEN_SUPPORT,
            InitFlags::FUSE_NO_OPENDIR_SUPPORT,
            InitFlags::FUSE_EXPORT_SUPPORT,
        ] {
            let _ = config.add_capabilities(wanted);
        }
        Ok(())
    }

    fn lookup(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.find(parent.0, name.as_bytes(), req.pid()) {
            Ok((attr, valid)) => reply.entry_with_ttls(&FOREVER, &valid, &attr, Generation(0)),
            Err(_) => reply.error(failed(self, Errno::EIO)),
        }
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        match self.look(ino.0) {
            Some(attr) => reply.attr(&FOREVER, &attr),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn readlink(&self, _req: &Request, ino: INodeNo, reply: ReplyData) {
        // The target is one of the attributes, which every look-up notes.
        match self.found(ino.0).map(|found| found.entry.kind) {
            Some(EntryKind::Symlink { target }) => reply.data(&target),
            _ => reply.error(Errno::EINVAL),
        }
    }

    fn open(&self, _req: &Request, _ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        // The kernel never asks again: reads come straight here.
        let errno = if flags.acc_mode() == OpenAccMode::O_RDONLY { Errno::ENOSYS } else { Errno::EROFS };
        reply.error(errno);
    }

    fn read(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let Some(found) = self.found(ino.0) else { return reply.error(Errno::ENOENT) };
        self.backing().read(ino.0, &found.disk_path, offset, size, |bytes| match bytes {
            Ok(bytes) => reply.data(bytes),
            Err(e) => reply.error(failed(self, errno(&e))),
        });
    }

    fn opendir(&self, _req: &Request, _ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        // The kernel never asks again: listings come straight here.
        reply.error(Errno::ENOSYS);
    }

    fn readdir(&self, _req: &Request, ino: INodeNo, _fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let listed = match self.listing(ino.0) {
            Ok(Some(listed)) => listed,
            Ok(None) => return reply.error(Errno::ENOENT),
            Err(_) => return reply.error(failed(self, Errno::EIO)),
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        for (next, entry) in (1u64..).zip(listed.iter()).skip(start) {
            if reply.add(INodeNo(entry.ino), next, entry.kind, OsStr::from_bytes(&entry.name)) {
                break;
            }
        }
        reply.ok();
    }

    fn getxattr(&self, _req: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        // Extended attributes are attributes, which every look-up notes.
        let Some(found) = self.found(ino.0) else { return reply.error(Errno::ENOENT) };
        match found.entry.xattrs.iter().find(|(known, _)| known == name.as_bytes()) {
            Some((_, value)) => answer(reply, size, value),
            None => reply.error(Errno::ENODATA),
        }
    }

    fn listxattr(&self, _req: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        let Some(found) = self.found(ino.0) else { return reply.error(Errno::ENOENT) };
        let names: Vec<u8> =
            found.entry.xattrs.iter().flat_map(|(name, _)| name.iter().copied().chain([0])).collect();
        answer(reply, size, &names);
    }

    fn ioctl(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        _flags: IoctlFlags,
        cmd: u32,
        _in_data: &[u8],
        _out_size: u32,
        reply: ReplyIoctl,
    ) {
        if GET_FLAGS.contains(&cmd) {
            reply.ioctl(0, &0u32.to_ne_bytes());
        } else {
            reply.error(Errno::ENOTTY);
        }
    }

    fn lseek(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: i64,
        whence: i32,
        reply: ReplyLseek,
    ) {
        let Some(found) = self.found(ino.0) else { return reply.error(Errno::ENOENT) };
        let seek = || -> io::Result<u64> {
            let file = self.backing().file(ino.0, &found.disk_path)?;
            let offset = offset.unsigned_abs();
            let from = match whence {
                libc::SEEK_DATA => rustix::fs::SeekFrom::Data(offset),
                libc::SEEK_HOLE => rustix::fs::SeekFrom::Hole(offset),
                _ => return Err(io::ErrorKind::InvalidInput.into()),
            };
            Ok(rustix::fs::seek(&*file, from)?)
        };
        match seek() {
            Ok(offset) => reply.offset(i64::try_from(offset).unwrap_or(i64::MAX)),
            Err(e) => reply.error(errno(&e)),
        }
    }

    fn access(&self, _req: &Request, _ino: INodeNo, _mask: AccessFlags, reply: ReplyEmpty) {
        reply.error(Errno::ENOSYS);
    }

    fn flush(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        _lock_owner: LockOwner,
        reply: ReplyEmpty,
    ) {
        reply.error(Errno::ENOSYS);
    }
}
