//! The environment of a program: an allow-list, a few fixed values, and what the caller may add.

use super::find::{activated_path, path};
use super::{Command, Network, NetworkPlace, ProcessError, ProcessSettings, SandboxMode, network};
use crate::sabotage::{Guard, off};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Variables that are passed on. They do not make a program load code or send data elsewhere.
const ALLOWED: [&str; 21] = [
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOPATH",
    "GOROOT",
    "GOMODCACHE",
    "JAVA_HOME",
    "PYENV_ROOT",
    "NVM_DIR",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "SSL_CERT_DIR",
    "SOURCE_DATE_EPOCH",
    "DOTNET_ROOT",
    "DEVELOPER_DIR",
];

/// Variables by which tools are told whom to trust, each a file of certificates. Those that the user set are passed on.
pub const AUTHORITIES: [&str; 7] = [
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "PIP_CERT",
];

/// Beginnings of variables that change what a program loads or runs.
const LOADING: [&str; 16] = [
    "LD_",
    "DYLD_",
    "GIT_",
    "NODE_",
    "NPM_CONFIG_",
    "PYTHON",
    "PERL",
    "RUBY",
    "BASH_",
    "MAVEN_",
    "JAVA_",
    "CARGO_",
    "RUSTC",
    "RUSTUP_",
    "GLIBC_",
    "MALLOC_",
];

/// Further variables of that kind, and those that are set here.
const REFUSED: [&str; 31] = [
    "ENV",
    "IFS",
    "CDPATH",
    "SHELL",
    "SHELLOPTS",
    "PROMPT_COMMAND",
    "PS4",
    "PATH",
    "HOME",
    "TMPDIR",
    "TMP",
    "TEMP",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "BROWSER",
    "GCONV_PATH",
    "LOCPATH",
    "NLSPATH",
    "GCC_EXEC_PREFIX",
    "COMPILER_PATH",
    "MAKEFLAGS",
    "RUSTFLAGS",
    "GOFLAGS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
    "ZDOTDIR",
    "SSH_AUTH_SOCK",
    "TERMINFO",
];

/// Variables with such a beginning that change output and nothing else.
const HARMLESS: [&str; 5] = [
    "NODE_ENV",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONIOENCODING",
    "PYTHONHASHSEED",
];

/// Makes the complete environment of `command`.
pub(super) fn environment(
    settings: &ProcessSettings,
    command: &Command,
    temporary: &Path,
) -> Result<Vec<(OsString, OsString)>, ProcessError> {
    let mut made: Vec<(OsString, OsString)> = settings
        .environment
        .iter()
        .filter(|(name, _)| is_allowed(name) || off(Guard::ProcessEnvironment))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let path = match settings.sandbox {
        SandboxMode::Required => activated_path(settings, command.original()),
        SandboxMode::Off => path(settings, command.original()),
    };
    made.push(("PATH".into(), path));
    made.push(("TMPDIR".into(), temporary.into()));
    made.push(("TERM".into(), "dumb".into()));
    // Looking leaves nothing behind: no compiled files beside the sources, no index of git written anew.
    made.push(("PYTHONDONTWRITEBYTECODE".into(), "1".into()));
    made.push(("GIT_OPTIONAL_LOCKS".into(), "0".into()));
    if let Some(file) = &settings.certificates {
        made.extend(AUTHORITIES.map(|name| (name.into(), file.into())));
    }
    if matches!(command.network, Network::Named(_)) {
        let port = command.share.as_ref().map_or(network::PORT, NetworkPlace::port);
        made.extend(
            network::variables(port).into_iter().map(|(name, value)| (name.into(), value.into())),
        );
    }
    for (name, value) in &command.environment {
        check(name, value)?;
        made.push((name.into(), value.into()));
    }
    Ok(made)
}

fn is_allowed(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    ALLOWED.contains(&name) || AUTHORITIES.contains(&name) || name.starts_with("LC_")
}

fn check(name: &str, value: &str) -> Result<(), ProcessError> {
    let mut bytes = name.bytes();
    let proper = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.len() <= 128;
    if !proper || value.contains('\0') {
        return Err(ProcessError::Denied { what: "a variable that is not a variable".to_owned() });
    }
    // Some programs ignore the case of variables.
    let upper = name.to_ascii_uppercase();
    let refused =
        LOADING.iter().any(|start| upper.starts_with(start)) || REFUSED.contains(&upper.as_str());
    if refused && !HARMLESS.contains(&name) && !off(Guard::ProcessEnvironment) {
        return Err(ProcessError::Denied { what: format!("the variable {name}") });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{check, is_allowed};
    use std::ffi::OsStr;

    #[test]
    fn variables_that_change_what_a_program_loads_are_refused() {
        for name in [
            "LD_PRELOAD",
            "ld_preload",
            "NODE_OPTIONS",
            "GIT_SSH_COMMAND",
            "PYTHONSTARTUP",
            "BASH_ENV",
            "ENV",
            "PERL5OPT",
            "RUBYOPT",
            "MAVEN_OPTS",
            "JAVA_TOOL_OPTIONS",
            "RUSTC_WRAPPER",
            "PATH",
            "CARGO_BUILD_RUSTC",
            "npm_config_script_shell",
            "",
            "A=B",
            "1A",
            "A B",
            "A\0",
        ] {
            assert!(check(name, "x").is_err(), "{name:?}");
        }
        assert!(check("A", "b\0c").is_err());
        for name in ["CI", "NODE_ENV", "DATABASE_URL", "RUST_LOG", "_x"] {
            assert!(check(name, "x").is_ok(), "{name}");
        }
    }

    #[test]
    fn a_variable_that_is_not_on_the_list_is_not_passed_on() {
        for name in ["HOME", "LANG", "LC_ALL", "CARGO_HOME"] {
            assert!(is_allowed(OsStr::new(name)), "{name}");
        }
        for name in
            ["SERVICE_API_KEY", "CLOUD_SECRET_KEY", "SSH_AUTH_SOCK", "LD_PRELOAD", "DISPLAY"]
        {
            assert!(!is_allowed(OsStr::new(name)), "{name}");
        }
    }
}
