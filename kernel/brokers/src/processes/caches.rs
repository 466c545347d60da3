//! The caches of package managers and compilers: a program reads what is there, and what it writes is kept apart, for
//! the next programs of the same workspace.
//!
//! A cache that is there gets an overlay whose upper directory is ours, so that nothing of the user's changes, and a
//! program that spoils a cache spoils it for its own workspace. Where a tool has none yet and a variable says where it
//! shall be, the variable names a directory of ours.

use super::ProcessSettings;
use crate::durable::create_private_dir;
use crate::layer::SideOverlay;
use openkoi_core::hash;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A cache of some tool.
struct KnownCache {
    /// Its usual place below the user's home.
    home: &'static str,
    /// The variable that says that it is elsewhere, and what of the value it is.
    variable: Option<(&'static str, &'static str)>,
    /// True if the tool can be told by the variable where to have one, and puts nothing else there that has to last.
    can_be_moved: bool,
    /// The variable with options of the tool, and the option that says where it is to have one.
    option: Option<(&'static str, &'static str)>,
    /// Files in it that hold secrets. Programs see empty ones.
    hidden: &'static [&'static str],
}

const fn cache(home: &'static str, variable: &'static str) -> KnownCache {
    KnownCache { can_be_moved: true, ..part(home, variable, "") }
}

/// A part of a directory that a variable names and that holds more than a cache.
const fn part(home: &'static str, variable: &'static str, below: &'static str) -> KnownCache {
    let variable = Some((variable, below));
    KnownCache { home, variable, can_be_moved: false, option: None, hidden: &[] }
}

const KNOWN: [KnownCache; 22] = [
    part(".cargo/registry", "CARGO_HOME", "registry"),
    part(".cargo/git", "CARGO_HOME", "git"),
    cache(".npm", "npm_config_cache"),
    cache(".cache/yarn", "YARN_CACHE_FOLDER"),
    KnownCache { can_be_moved: true, ..part(".local/share/pnpm/store", "PNPM_HOME", "store") },
    cache(".cache/node/corepack", "COREPACK_HOME"),
    cache(".bun/install/cache", "BUN_INSTALL_CACHE_DIR"),
    cache(".cache/deno", "DENO_DIR"),
    cache(".cache/pip", "PIP_CACHE_DIR"),
    cache(".cache/uv", "UV_CACHE_DIR"),
    cache(".cache/pypoetry", "POETRY_CACHE_DIR"),
    cache(".cache/go-build", "GOCACHE"),
    cache("go/pkg/mod", "GOMODCACHE"),
    KnownCache {
        variable: None,
        option: Some(("MAVEN_OPTS", "-Dmaven.repo.local=")),
        ..part(".m2/repository", "", "")
    },
    KnownCache { hidden: &["gradle.properties"], ..cache(".gradle", "GRADLE_USER_HOME") },
    cache(".cache/coursier", "COURSIER_CACHE"),
    cache(".nuget/packages", "NUGET_PACKAGES"),
    cache(".cache/composer", "COMPOSER_CACHE_DIR"),
    cache(".cache/ccache", "CCACHE_DIR"),
    cache(".cache/sccache", "SCCACHE_DIR"),
    KnownCache { hidden: &["hex.config"], ..cache(".hex", "HEX_HOME") },
    cache(".cache/rebar3", "REBAR_CACHE_DIR"),
];

/// The caches of one program.
#[derive(Debug, Default)]
pub(super) struct Caches {
    /// Caches that are there.
    pub(super) overlays: Vec<SideOverlay>,
    /// Variables that name caches of ours, and their directories.
    pub(super) own: Vec<(&'static str, PathBuf)>,
    /// Variables that name caches which are there and would not be looked for where they are.
    there: Vec<(&'static str, PathBuf)>,
    /// Options that name caches of ours, and the variables that they belong into.
    options: Vec<(&'static str, OsString)>,
    /// The directories that these name.
    named: Vec<PathBuf>,
}

/// The variable that says where the caches of all other tools are, and the place where they are usually. Nothing of what lies
/// there is open to programs but the caches above: others hold what browsers have read.
const OTHERS: &str = "XDG_CACHE_HOME";
const USUAL: &str = ".cache/";

impl Caches {
    /// Makes the directories for the caches of programs of a workspace.
    pub(super) fn prepare(settings: &ProcessSettings, workspace: &Path) -> io::Result<Self> {
        let Some(base) = &settings.caches else { return Ok(Self::default()) };
        let variable = |name: &str| settings.environment.get(OsStr::new(name)).map(PathBuf::from);
        let home = variable("HOME").and_then(|home| home.canonicalize().ok());
        let key = hash::of_bytes(workspace.as_os_str().as_bytes());
        let base = base.join(key.get(..16).unwrap_or(&key));
        create_private_dir(&base).map_err(io::Error::other)?;
        // When it was last used is when this was made.
        std::fs::File::create(base.join("used"))?;
        let mut caches = Self::default();
        // Who names a place for all caches has them there.
        let moves_others = variable(OTHERS).is_none();
        if moves_others {
            let directory = base.join("others");
            create_private_dir(&directory).map_err(io::Error::other)?;
            caches.own.push((OTHERS, directory));
        }
        for known in &KNOWN {
            let named = known.variable.and_then(|(name, below)| Some(variable(name)?.join(below)));
            let usual = home.as_ref().map(|home| home.join(known.home));
            let there = named.or(usual).and_then(|place| place.canonicalize().ok());
            let directory = base.join(known.home.replace('/', "+"));
            match (there, known.variable) {
                (Some(path), _) if path.is_dir() && !path.starts_with(workspace) => {
                    let is_below = moves_others && known.home.starts_with(USUAL);
                    let name = known.variable.filter(|_| is_below && known.can_be_moved);
                    caches.there.extend(name.map(|(name, _)| (name, path.clone())));
                    caches.overlays.push(overlay(path, &directory, known.hidden)?);
                }
                (None, Some((name, _))) if known.can_be_moved => {
                    create_private_dir(&directory).map_err(io::Error::other)?;
                    caches.own.push((name, directory));
                }
                (None, None) => {
                    let Some((name, option)) = known.option else { continue };
                    // Options are parted by blanks.
                    if directory.as_os_str().as_bytes().contains(&b' ') {
                        continue;
                    }
                    create_private_dir(&directory).map_err(io::Error::other)?;
                    let mut named = OsString::from(option);
                    named.push(&directory);
                    caches.options.push((name, named));
                    caches.named.push(directory);
                }
                _ => {}
            }
        }
        Ok(caches)
    }

    /// Puts the variables into the environment of a program. Options go behind those that are there.
    pub(super) fn tell(&self, environment: &mut Vec<(OsString, OsString)>) {
        let named = self.own.iter().chain(&self.there);
        environment.extend(named.map(|(name, path)| (name.into(), path.into())));
        for (name, option) in &self.options {
            match environment.iter_mut().find(|(known, _)| known == name) {
                Some((_, options)) => {
                    options.push(" ");
                    options.push(option);
                }
                None => environment.push((name.into(), option.clone())),
            }
        }
    }

    /// Returns the directories of the caches of ours that variables name.
    pub(super) fn directories(&self) -> impl Iterator<Item = &Path> {
        self.own.iter().map(|(_, path)| path).chain(&self.named).map(PathBuf::as_path)
    }
}

fn overlay(path: PathBuf, directory: &Path, hidden: &[&str]) -> io::Result<SideOverlay> {
    let (upper, work) = (directory.join("upper"), directory.join("work"));
    let is_new = !upper.is_dir();
    for place in [&upper, &work] {
        create_private_dir(place).map_err(io::Error::other)?;
    }
    if is_new {
        // What is above hides what is below, and what a program removes of it stays hidden.
        hidden.iter().try_for_each(|name| std::fs::File::create(upper.join(name)).map(drop))?;
    }
    Ok(SideOverlay { path, upper, work })
}
