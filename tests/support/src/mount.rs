//! File systems that are small or read-only, where the tests run as root and may mount.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A mounted file system; dropping it unmounts.
#[derive(Debug)]
pub struct Mount {
    path: PathBuf,
}

impl Mount {
    /// Mounts a file system in memory of `size` (as `mount` writes it, `64k`) at `path`, or returns `None` where
    /// that is not allowed.
    pub fn tmpfs(path: &Path, size: &str) -> Option<Self> {
        let options = format!("size={size},mode=0755");
        Self::attach(&["-t", "tmpfs", "-o", &options, "tmpfs"], path)
    }

    /// Makes `path` read-only, or returns `None` where that is not allowed.
    pub fn read_only(path: &Path) -> Option<Self> {
        let text = path.to_string_lossy();
        let mount = Self::attach(&["--bind", &text], path)?;
        let remounted = Command::new("mount").args(["-o", "remount,ro,bind"]).arg(path).output();
        remounted.is_ok_and(|output| output.status.success()).then_some(mount)
    }

    fn attach(arguments: &[&str], path: &Path) -> Option<Self> {
        let output = Command::new("mount").args(arguments).arg(path).output().ok()?;
        output.status.success().then(|| Self { path: path.to_owned() })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazy: a program that was killed may not have let go of it yet.
        Command::new("umount").arg("-l").arg(&self.path).output().ok();
    }
}
