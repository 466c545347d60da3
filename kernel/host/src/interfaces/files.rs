//! `files`: the workspace and other granted directories.

use std::sync::Arc;

use openkoi_brokers::{
    disk::FileKind,
    files::{self as broker, FileError, Files, change::Watched},
};
use openkoi_core::{
    capability::{Access, Use},
    failure::Failure,
};

use super::{Stop, WitResult, blocking, wit_result};
use crate::{
    bindings::imports::openkoi::host::files::{Entry, Host, Kind, Metadata},
    effects::Witness,
    failure,
    instance::GuestState,
};

impl Host for GuestState {
    async fn stat(&mut self, path: String) -> WitResult<Metadata> {
        wit_result(self.look(path, 64, |files, path| files.stat(path)).await.map(metadata))
    }

    async fn read(&mut self, path: String, offset: u64, length: u32) -> WitResult<Vec<u8>> {
        wit_result(self.files_read(path, offset, length).await)
    }

    async fn list(&mut self, path: String) -> WitResult<Vec<Entry>> {
        wit_result(self.files_list(path).await)
    }

    async fn write(
        &mut self,
        path: String,
        contents: Vec<u8>,
        expect: Option<Vec<u8>>,
    ) -> WitResult<()> {
        let bytes = contents.len() + expect.as_ref().map_or(0, Vec::len);
        let write =
            move |files: &Watched<'_>, path: &str| files.write(path, &contents, expect.as_deref());
        let said = format!("`{path}` ");
        let remarks = self.change(path, bytes, write).await;
        let remarks = remarks.map(|remarks| {
            let notes = remarks.iter().map(|remark| format!("{said}{remark}"));
            self.log.state().notes.extend(notes);
        });
        wit_result(remarks)
    }

    async fn create_directory(&mut self, path: String) -> WitResult<()> {
        wit_result(self.change(path, 0, |files, path| files.create_directory(path)).await)
    }

    async fn rename(&mut self, from: String, to: String) -> WitResult<()> {
        let bytes = to.len();
        wit_result(self.change(from, bytes, move |files, from| files.rename(from, &to)).await)
    }

    async fn remove(&mut self, path: String) -> WitResult<()> {
        wit_result(self.change(path, 0, |files, path| files.remove(path)).await)
    }

    async fn encoding(&mut self) -> WitResult<Option<String>> {
        wit_result(self.files_encoding().await)
    }
}

impl GuestState {
    async fn files_encoding(&mut self) -> Result<Option<String>, Stop> {
        self.charge(64)?;
        let caller = self.pass(&Use::Files(Access::Read)).await?;
        Ok(caller.workdir.encoding.clone())
    }

    async fn files_read(
        &mut self,
        path: String,
        offset: u64,
        length: u32,
    ) -> Result<Vec<u8>, Stop> {
        let length = length.min(broker::READ_LIMIT);
        let shown = self.caller.clone().filter(|caller| caller.shows);
        let read = move |files: &Files, path: &str| {
            let bytes = files.read(path, offset, length)?;
            shown.iter().for_each(|caller| caller.workdir.note_seen(path));
            Ok(bytes)
        };
        let bytes = self.look(path, 0, read).await?;
        self.charge_bytes(bytes.len())?;
        Ok(bytes)
    }

    async fn files_list(&mut self, path: String) -> Result<Vec<Entry>, Stop> {
        let entries = self.look(path, 0, |files, path| files.list(path)).await?;
        self.charge_bytes(entries.iter().map(|entry| entry.name.len() + 32).sum())?;
        let entries =
            entries.into_iter().map(|entry| Entry { name: entry.name, stat: metadata(entry.stat) });
        Ok(entries.collect())
    }

    async fn look<T: Send + 'static>(
        &mut self,
        path: String,
        bytes: usize,
        work: impl FnOnce(&Files, &str) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, Stop> {
        self.charge(path.len() + bytes)?;
        Ok(self.in_files(Access::Read, path, work).await?)
    }

    /// Does work that changes files, and notes in the log of the call what it changed.
    async fn change<T: Send + 'static>(
        &mut self,
        path: String,
        bytes: usize,
        work: impl FnOnce(&Watched<'_>, &str) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, Stop> {
        self.charge(path.len() + bytes)?;
        let caller = self.pass(&Use::Files(Access::Write)).await?;
        let files = caller.workdir.files(Access::Write)?;
        let log = Arc::clone(&self.log);
        let work = move || {
            let Some(witness) = Witness::of(caller.kept_by()) else {
                let done = work(&files.watched(&|_| Ok(())), &path);
                return done.map_err(failure::of_files);
            };
            if let Some(stale) = caller.workdir.stale(&path) {
                match caller.overwrites {
                    true => return Err(stale.refused()),
                    false => log.state().notes.push(stale.noted()),
                }
            }
            let done = work(&files.watched(&|touch| witness.note(touch)), &path);
            let kept = witness.keep(done.is_ok());
            if done.is_ok() {
                caller.workdir.note_seen(&path);
            }
            done.map_err(failure::of_files).and_then(|done| kept.map(|()| done))
        };
        Ok(blocking(self.limits.host_call, work).await?)
    }

    async fn in_files<T: Send + 'static>(
        &mut self,
        access: Access,
        path: String,
        work: impl FnOnce(&Files, &str) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, Failure> {
        let caller = self.pass(&Use::Files(access)).await?;
        let files = caller.workdir.files(access)?;
        let work = move || work(&files, &path).map_err(failure::of_files);
        blocking(self.limits.host_call, work).await
    }
}

fn metadata(stat: broker::Stat) -> Metadata {
    Metadata {
        kind: match stat.kind {
            FileKind::File => Kind::File,
            FileKind::Directory => Kind::Directory,
            FileKind::Link => Kind::Link,
            FileKind::Other => Kind::Other,
        },
        size: stat.size,
        modified_ms: stat.modified_ms,
        executable: stat.executable,
    }
}
