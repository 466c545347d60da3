//! What a text names that no snapshot brings back: operations that leave the machine or destroy what is elsewhere, places
//! outside of the workspace, files that hold secrets.
//!
//! The tables err to the side of naming too little: a plan that hides what it does is met by the gate, not by words.

/// An operation that cannot be taken back, as the words of a command or of a statement.
const OPERATIONS: [(&[&str], &str); 27] = [
    (&["git", "push"], "others have it at once"),
    (&["gh", "release"], "others have it at once"),
    (&["gh", "pr", "merge"], "others have it at once"),
    (&["npm", "publish"], "a published version stays"),
    (&["yarn", "publish"], "a published version stays"),
    (&["pnpm", "publish"], "a published version stays"),
    (&["cargo", "publish"], "a published version stays"),
    (&["twine", "upload"], "a published version stays"),
    (&["gem", "push"], "a published version stays"),
    (&["docker", "push"], "others have it at once"),
    (&["kubectl", "apply"], "it changes what runs elsewhere"),
    (&["kubectl", "delete"], "it removes what runs elsewhere"),
    (&["helm", "upgrade"], "it changes what runs elsewhere"),
    (&["helm", "uninstall"], "it removes what runs elsewhere"),
    (&["terraform", "apply"], "it changes what runs elsewhere"),
    (&["terraform", "destroy"], "it removes what runs elsewhere"),
    (&["aws", "s3", "rm"], "it removes what is elsewhere"),
    (&["drop", "table"], "no snapshot covers a database"),
    (&["drop", "database"], "no snapshot covers a database"),
    (&["drop", "schema"], "no snapshot covers a database"),
    (&["truncate", "table"], "no snapshot covers a database"),
    (&["delete", "from"], "no snapshot covers a database"),
    (&["git", "filter-branch"], "it writes the history anew"),
    (&["git", "filter-repo"], "it writes the history anew"),
    (&["mkfs"], "it empties a disk"),
    (&["shred"], "nothing is left of the file"),
    (&["systemctl", "stop"], "it ends what others may use"),
];

/// Words before an operation that turn it over.
const DENYING: [&str; 9] =
    ["not", "never", "don't", "dont", "without", "no", "avoid", "instead", "rather"];
/// The number of words before an operation among which these are looked for.
const BEFORE: usize = 4;

/// Directories of the system and of the user, at the beginning of a path.
const OUTSIDE: [&str; 16] = [
    "/etc/", "/usr/", "/var/", "/home/", "/root/", "/opt/", "/bin/", "/sbin/", "/lib/", "/dev/",
    "/srv/", "/mnt/", "/boot/", "/Users/", "~/", "../",
];

/// Names of files that hold secrets, whole or as an end.
const SECRET_NAMES: [&str; 9] = [
    ".env",
    "id_rsa",
    "id_ed25519",
    ".netrc",
    "credentials",
    "credentials.json",
    "auth.json",
    "secrets.json",
    ".pgpass",
];
const SECRET_ENDS: [&str; 4] = [".pem", ".key", ".p12", ".kdbx"];

/// An operation that a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its words, as one would type them.
    pub words: String,
    /// Why it cannot be taken back.
    pub why: &'static str,
    /// Whether the text says not to do it.
    pub is_denied: bool,
}

/// Returns the operations that a text names, each once.
#[must_use]
pub fn operations(text: &str) -> Vec<Operation> {
    let words: Vec<String> = words(text).map(str::to_lowercase).collect();
    let mut found: Vec<Operation> = Vec::new();
    for (at, _) in words.iter().enumerate() {
        let rest = &words[at..];
        let here = OPERATIONS.iter().find(|(operation, _)| {
            rest.len() >= operation.len()
                && operation.iter().zip(rest).all(|(one, other)| one == other)
        });
        let Some((operation, why)) = here else { continue };
        let before = &words[at.saturating_sub(BEFORE)..at];
        let is_denied = before.iter().any(|word| DENYING.contains(&word.as_str()));
        let words = operation.join(" ");
        match found.iter_mut().find(|known| known.words == words) {
            Some(known) => known.is_denied |= is_denied,
            None => found.push(Operation { words, why, is_denied }),
        }
    }
    found
}

/// Returns the paths in a text that lie outside of the workspace, each once.
#[must_use]
pub fn outside(text: &str, workspace: &str) -> Vec<String> {
    let inside = format!("{}/", workspace.trim_end_matches('/'));
    let is_outside = |word: &&str| {
        OUTSIDE.iter().any(|place| word.starts_with(place))
            && !word.starts_with(&inside)
            && *word != workspace
    };
    unique(words(text).filter(is_outside))
}

/// Returns the files in a text that hold secrets, each once.
#[must_use]
pub fn secrets(text: &str) -> Vec<String> {
    let is_secret = |word: &&str| {
        let name = word.rsplit('/').next().unwrap_or(word);
        SECRET_NAMES.contains(&name)
            || name.starts_with(".env.")
            || (SECRET_ENDS.iter().any(|end| name.len() > end.len() && name.ends_with(end)))
            || word.contains(".ssh/")
            || word.contains(".aws/")
    };
    unique(words(text).filter(is_secret))
}

/// Returns the files that a text names, each once.
#[must_use]
pub fn files(text: &str) -> Vec<String> {
    let is_file = |word: &&str| {
        let name = word.rsplit('/').next().unwrap_or(word);
        let Some((stem, end)) = name.rsplit_once('.') else { return false };
        let is_end = (1..=5).contains(&end.len()) && end.chars().all(|c| c.is_ascii_alphanumeric());
        let is_number = end.chars().all(|c| c.is_ascii_digit());
        !stem.is_empty()
            && is_end
            && !is_number
            && !word.contains("://")
            && name != "e.g"
            && name != "i.e"
    };
    unique(words(text).filter(is_file))
}

/// Returns the words of a text without what stands around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let around = |c: char| "`'\"()[]{}<>,;:!?“”‘’".contains(c);
    let bare = text.split_whitespace().map(move |word| {
        word.trim_start_matches(around).trim_end_matches(move |c| around(c) || c == '.')
    });
    bare.filter(|word| !word.is_empty())
}

fn unique<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in words {
        if !found.iter().any(|known| known == word) {
            found.push(word.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_found_by_their_words_and_whether_they_are_wanted() {
        for (text, expected) in [
            ("commit and `git push`.", vec![("git push", false)]),
            ("Fix it, but do not run git push", vec![("git push", true)]),
            (
                "DROP TABLE users; then `npm publish`",
                vec![("drop table", false), ("npm publish", false)],
            ),
            ("git push, and never git push --force", vec![("git push", true)]),
            ("push the button; publish the docs in docs/", vec![]),
            ("the pushback of git", vec![]),
        ] {
            let found = operations(text);
            let found: Vec<(&str, bool)> =
                found.iter().map(|one| (one.words.as_str(), one.is_denied)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn places_outside_are_those_of_the_system_and_of_the_user_and_no_addresses_of_a_program() {
        let text = "copy ~/.bashrc and /etc/hosts to /home/me/pond/a; the route /api/users and ../x, /home/me/pond";
        assert_eq!(outside(text, "/home/me/pond"), ["~/.bashrc", "/etc/hosts", "../x"]);
    }

    #[test]
    fn files_with_secrets_are_known_by_their_names() {
        let text = "read .env and .env.local, certs/a.pem, the key, monkey.keys, ~/.ssh/config";
        assert_eq!(secrets(text), [".env", ".env.local", "certs/a.pem", "~/.ssh/config"]);
    }

    #[test]
    fn files_are_words_with_an_end() {
        let text =
            "fix src/a.rs (and `b.test.ts`), version 1.2, see https://x.org/a.html, e.g. this.";
        assert_eq!(files(text), ["src/a.rs", "b.test.ts"]);
    }
}
