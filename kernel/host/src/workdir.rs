//! The directories of a run.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use openkoi_brokers::{
    disk, durable,
    egress::Proxies,
    files::{FileRules, Files, GrantedDirectory},
    snapshot::Keeper,
};
use openkoi_core::{capability::Access, failure::Failure, id::TaskId, network::NetworkRules};

use crate::{
    background::Background,
    failure,
    seen::{Seen, Stale},
};

/// The workspace of a run, and the directories and rules around it. Runs in the same workspace may share one.
#[derive(Debug)]
pub struct Workdir {
    /// The workspace, absolute.
    pub root: PathBuf,
    /// The directory for outputs that are too long for a model. Components may read it.
    pub output: PathBuf,
    /// Control and secret files of the workspace that the user granted by name.
    pub named: Vec<String>,
    /// Further directories that the user granted.
    pub directories: Vec<GrantedDirectory>,
    /// Further directories that programs may write to.
    pub writable: Vec<PathBuf>,
    /// The hosts that programs reach.
    pub network: NetworkRules,
    /// The user's own proxies, through which programs reach hosts.
    pub proxies: Proxies,
    /// Paths that stay closed whatever is granted, such as OpenKoi's own home.
    pub private: Vec<PathBuf>,
    /// Keeps the states of what calls change in the workspace. Without it nobody is told what they changed.
    pub keeper: Option<Arc<Keeper>>,
    /// The directory in which what programs change is held back until the loop lets it through, if this system can do
    /// that. Without it they change the workspace at once, and it is looked at before and after.
    pub layers: Option<PathBuf>,
    /// The directory for copies of the workspace, where programs have to see files in another state and there are no
    /// layers. Without it they cannot be run.
    pub copies: Option<PathBuf>,
    /// The charset that the user names for files whose bytes do not tell theirs.
    pub encoding: Option<String>,
    /// The programs that runs left in the background.
    pub(crate) background: Arc<Background>,
    /// The files that models have read here.
    pub(crate) seen: Arc<Seen>,
    reading: OnceLock<Result<Arc<Files>, Failure>>,
    writing: OnceLock<Result<Arc<Files>, Failure>>,
}

impl Workdir {
    /// Makes a workdir with a workspace and a directory for long outputs.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            output: output.into(),
            named: Vec::new(),
            directories: Vec::new(),
            writable: Vec::new(),
            network: NetworkRules::Closed,
            proxies: Proxies::default(),
            private: Vec::new(),
            keeper: None,
            layers: None,
            copies: None,
            encoding: None,
            background: Arc::default(),
            seen: Arc::default(),
            reading: OnceLock::new(),
            writing: OnceLock::new(),
        }
    }

    /// Returns the broker of files for reading or for writing, opened at its first use.
    pub(crate) fn files(&self, access: Access) -> Result<Arc<Files>, Failure> {
        let broker = match access {
            Access::Read => &self.reading,
            Access::Write => &self.writing,
        };
        broker.get_or_init(|| self.open(access)).clone()
    }

    /// Notes that a model knows what is in a file now.
    pub(crate) fn note_seen(&self, path: &str) {
        self.seen.note(&self.root.join(path));
    }

    /// Notes that a run knew what was in a file at a time, in milliseconds since 1970, when another process drove it.
    pub fn note_seen_at(&self, path: &str, at_ms: u64) {
        self.seen.note_at(&self.root.join(path), at_ms);
    }

    /// Returns a note on what somebody else changed since models read it, for the next of them.
    pub(crate) fn news(&self) -> Option<String> {
        // Without a keeper nobody knows what the run itself changed.
        self.keeper.as_ref().and_then(|_| self.seen.news(&self.root))
    }

    /// Returns the file if somebody else changed it since a model read it.
    pub(crate) fn stale<'p>(&self, path: &'p str) -> Option<Stale<'p>> {
        self.seen.is_stale(&self.root.join(path)).then_some(Stale(path))
    }

    fn open(&self, access: Access) -> Result<Arc<Files>, Failure> {
        let mut directories = self.directories.clone();
        // The first long output comes after the broker is opened, so its directory is made here.
        if let Err(error) = durable::create_private_dir(&self.output) {
            tracing::warn!(%error, "there is no directory for long outputs");
        }
        if disk::is_directory(&self.output) {
            directories.push(GrantedDirectory { path: self.output.clone(), access: Access::Read });
        }
        let mut rules = FileRules {
            directories,
            named: self.named.clone(),
            private: self.private.clone(),
            ..FileRules::workspace()
        };
        if access == Access::Read {
            rules.write.clear();
        }
        let files = Files::open(&self.root, rules).map_err(failure::of_files)?;
        Ok(Arc::new(files))
    }
}

/// Returns the name under which the layer of a call is found again once its process is gone.
pub(crate) fn layer_owner(task: &TaskId, key: &str) -> String {
    format!("{task} {key}")
}
