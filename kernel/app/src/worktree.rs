//! A git worktree of its own for a task, so that it works beside another one in the same repository.

pub(crate) mod error;

use std::path::{Path, PathBuf};

use openkoi_brokers::{
    disk, durable,
    processes::{Command, Happening, Processes},
};
use openkoi_core::id::TaskId;

pub use self::error::WorktreeError;
use crate::{app::App, error::AppError, sandbox, settings::Settings};

/// A worktree on a branch of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worktree {
    /// The top of the worktree, beside the repository.
    pub path: PathBuf,
    /// The directory in it that corresponds to the one the task was asked for.
    pub workspace: PathBuf,
    /// The new branch, which begins at the last commit.
    pub branch: String,
}

/// Makes a worktree of the repository at `workspace` for a task, from its last commit.
///
/// # Errors
///
/// When it is no repository, has no commit, or git cannot make the worktree.
pub async fn create(
    app: &App,
    settings: &Settings,
    workspace: &Path,
    task: &TaskId,
) -> Result<Worktree, AppError> {
    let failed = |reason: String| WorktreeError { workspace: workspace.to_owned(), reason };
    let processes = sandbox::processes(app, settings)?;
    let git = Git { processes, workspace };
    let top = git.run(&["rev-parse", "--show-toplevel"], None).await.map_err(failed)?;
    let top = PathBuf::from(top.trim_end_matches('\n'));
    let below = workspace.strip_prefix(&top).unwrap_or(Path::new("")).to_owned();
    let first = ["rev-parse", "--verify", "--quiet", "HEAD"];
    git.run(&first, None).await.map_err(|_| failed("it has no commit yet".to_owned()))?;
    let short = task.short();
    let branch = format!("openkoi/{short}");
    let name = top.file_name().map(|name| name.to_string_lossy().into_owned());
    let path = top.with_file_name(format!("{}.openkoi-{short}", name.unwrap_or_default()));
    // Git fills an empty directory, and need not be let into the one above.
    let made = durable::create_private_dir(&path);
    made.map_err(|error| failed(error.to_string()))?;
    let text = path.display().to_string();
    let add = ["worktree", "add", "--quiet", "-b", &branch, &text];
    if let Err(reason) = git.run(&add, Some(&path)).await {
        if let Err(error) = disk::remove_tree(&path) {
            tracing::debug!(%error, "an empty directory stays");
        }
        return Err(failed(reason).into());
    }
    let workspace = if below.as_os_str().is_empty() { path.clone() } else { path.join(below) };
    Ok(Worktree { workspace, path, branch })
}

struct Git<'a> {
    processes: Processes,
    workspace: &'a Path,
}

impl Git<'_> {
    /// Runs git in the sandbox: the repository's configuration and hooks may be anybody's. Returns what it printed, or else
    /// its complaint.
    async fn run(&self, arguments: &[&str], write: Option<&Path>) -> Result<String, String> {
        let command = Command {
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
            write: write.map(Path::to_owned).into_iter().collect(),
            ..Command::new("git", self.workspace)
        };
        let mut child = self.processes.spawn(command).await.map_err(|error| error.to_string())?;
        let (mut printed, mut complaint) = (Vec::new(), Vec::new());
        while let Some(happening) = child.next().await {
            match happening {
                Happening::Stdout(bytes) => printed.extend(bytes),
                Happening::Stderr(bytes) => complaint.extend(bytes),
                Happening::Exited(exit) if exit.code == Some(0) => {
                    return Ok(String::from_utf8_lossy(&printed).into_owned());
                }
                Happening::Exited(_) => break,
            }
        }
        Err(String::from_utf8_lossy(&complaint).trim().replace('\n', "; "))
    }
}
