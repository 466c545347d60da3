//! The schema and its versions. Versions only go up, all that are missing in one transaction.

use std::path::Path;

use openkoi_core::hash;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::StorageError;

/// The step to one version.
struct Migration {
    sql: &'static str,
    /// The SHA-256 of the schema afterwards, as [`fingerprint`] makes it.
    schema: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        sql: include_str!("../schema/1-journal.sql"),
        schema: "1ed5dfbf95861b7e2af2263547d5c7356c1bb68cba36db3101a8b6d4f508d04a",
    },
    Migration {
        sql: include_str!("../schema/2-grants.sql"),
        schema: "c17ceee097eed07b8fb17d50e750953cee844315d624b2af5d9b1c0aff44a3a4",
    },
    Migration {
        sql: include_str!("../schema/3-state.sql"),
        schema: "91031fcdd84dcbb3f736a75e5efaffa6cd27c2dbe5065fed4c0a0eb6d376c74c",
    },
    Migration {
        sql: include_str!("../schema/4-rules.sql"),
        schema: "eedf1556d21ccff7baffe0ba268bdb679aeb935a8b01ae52ca727cb0a4a812ac",
    },
    Migration {
        sql: include_str!("../schema/5-chain.sql"),
        schema: "debeac28d16a4df8ab4aba279fdfb4a4d789614a6eab9246e264939828fbc730",
    },
    Migration {
        sql: include_str!("../schema/6-shared.sql"),
        schema: "bc9c05f3c5d4365a331d623e56e3f9025a925874e652fdca7dcf5a1f108a68a9",
    },
    Migration {
        sql: include_str!("../schema/7-memory.sql"),
        schema: "6e33b5dfc5226152920833f05842d0aae1e5c9bb004c2e6ea0e7c5c34becc33d",
    },
    Migration {
        sql: include_str!("../schema/8-meaning.sql"),
        schema: "2c0451aaa167c661d9105cd9c73de4be17649d473de80863f8cbe0dcd655cf1e",
    },
    Migration {
        sql: include_str!("../schema/9-skills.sql"),
        schema: "8d0c76ed8c8f598fc160f39777f524b23e64a520b54a7e7afd49197907f69e98",
    },
    Migration {
        sql: include_str!("../schema/10-records.sql"),
        schema: "dee9194f77adc83fa6efa91f06f2cf12a09ebd689217b57ae3aad0393a1e24ed",
    },
    Migration {
        sql: include_str!("../schema/11-proposals.sql"),
        schema: "061bd1fad1da82ee67cd027fb7b80d12ff92ee1dba7a13f7bced748d71d4262a",
    },
    Migration {
        sql: include_str!("../schema/12-contents.sql"),
        schema: "ea0f85f8c820461e9189c3e7c3a3d39337f12e63ff03e6e422672ad5fe1e8a26",
    },
    Migration {
        sql: include_str!("../schema/13-assessments.sql"),
        schema: "47e42cc9dd8ca268bd513727642f9c66427acf45921aebf9a698c49541f57486",
    },
    Migration {
        sql: include_str!("../schema/14-trust.sql"),
        schema: "12c838081e45f5171c2602ed52f2a0906565f118ebcb9d1bd84c80d07a0586ca",
    },
    Migration {
        sql: include_str!("../schema/15-queue.sql"),
        schema: "1b0742326864f65971620ce1395b0a28fa42bb355fa91bc2c9d1366712b77eff",
    },
    Migration {
        sql: include_str!("../schema/16-webhooks.sql"),
        schema: "7ea0d571005c33f4a072ad3ac8368059479bae709502b2c5ee0547a2912341a8",
    },
];

/// The newest version of the database.
pub const VERSION: u32 = MIGRATIONS.len() as u32;

/// Brings the database to [`VERSION`] and makes sure that it is what openkoi made.
pub(super) fn bring_up(connection: &mut Connection, path: &Path) -> Result<(), StorageError> {
    if inspect(connection, path)? == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    for step in known_version(&transaction, path)?..VERSION {
        migrate(&transaction, step, path)?;
    }
    Ok(transaction.commit()?)
}

/// Makes sure that the database is at [`VERSION`] and is what openkoi made.
pub(super) fn check_current(connection: &mut Connection, path: &Path) -> Result<(), StorageError> {
    match inspect(connection, path)? {
        VERSION => Ok(()),
        _ => Err(StorageError::Schema { path: path.to_owned() }),
    }
}

/// Returns the version, once the schema is known to be that version's.
fn inspect(connection: &mut Connection, path: &Path) -> Result<u32, StorageError> {
    // One transaction, so that both are of one moment even while another process migrates.
    let reading = connection.transaction()?;
    let found = known_version(&reading, path)?;
    check_schema(&reading, found, path)?;
    Ok(found)
}

fn known_version(connection: &Connection, path: &Path) -> Result<u32, StorageError> {
    match version(connection)? {
        found if found > VERSION => {
            Err(StorageError::Newer { path: path.to_owned(), found, known: VERSION })
        }
        found => Ok(found),
    }
}

/// Goes from version `from` to the next.
fn migrate(transaction: &Transaction<'_>, from: u32, path: &Path) -> Result<(), StorageError> {
    let Some(migration) = MIGRATIONS.get(from as usize) else { return Ok(()) };
    transaction.execute_batch(migration.sql)?;
    transaction.pragma_update(None, "user_version", from + 1)?;
    check_schema(transaction, from + 1, path)
}

fn version(connection: &Connection) -> Result<u32, StorageError> {
    // A negative version is not ours either; as a large one it is refused as too new.
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(u32::try_from(version).unwrap_or(u32::MAX))
}

fn check_schema(connection: &Connection, version: u32, path: &Path) -> Result<(), StorageError> {
    let found = fingerprint(connection)?;
    let expected = match version.checked_sub(1) {
        None => hash::of_bytes(b""),
        Some(step) => MIGRATIONS.get(step as usize).map_or("", |m| m.schema).to_owned(),
    };
    if found == expected {
        return Ok(());
    }
    tracing::warn!(found, expected, version, "the schema is not the expected one");
    Err(StorageError::Schema { path: path.to_owned() })
}

/// Returns the SHA-256 of everything that the schema defines.
fn fingerprint(connection: &Connection) -> Result<String, StorageError> {
    let sql = "SELECT type || '|' || name || '|' || tbl_name || '|' || sql FROM sqlite_schema
               WHERE sql IS NOT NULL ORDER BY type, name";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(())?;
    let mut text = String::new();
    while let Some(row) = rows.next()? {
        text.push_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
        text.push('\n');
    }
    Ok(hash::of_bytes(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_version(version: u32) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for migration in &MIGRATIONS[..version as usize] {
            connection.execute_batch(migration.sql).unwrap();
        }
        connection.pragma_update(None, "user_version", version).unwrap();
        connection
    }

    #[test]
    fn every_version_is_recorded_with_the_schema_it_has() {
        let recorded: Vec<&str> = MIGRATIONS.iter().map(|m| m.schema).collect();

        let made: Vec<String> =
            (1..=VERSION).map(|version| fingerprint(&at_version(version)).unwrap()).collect();

        assert_eq!(recorded, made);
    }

    #[test]
    fn every_earlier_version_comes_up_with_what_it_holds() {
        for earlier in 0..=VERSION {
            let mut connection = at_version(earlier);
            if earlier > 0 {
                let row = "INSERT INTO sessions VALUES (7, 'a', 'chat', 'active', 't', 'w', 1, 2)";
                connection.execute_batch(row).unwrap();
            }

            bring_up(&mut connection, Path::new("db")).unwrap();

            let count = "SELECT count(*) FROM sessions";
            let kept: u32 = connection.query_row(count, (), |row| row.get(0)).unwrap();
            assert_eq!(kept, u32::from(earlier > 0), "from {earlier}");
            assert_eq!(version(&connection).unwrap(), VERSION, "from {earlier}");
            assert_eq!(
                fingerprint(&connection).unwrap(),
                fingerprint(&at_version(VERSION)).unwrap(),
                "from {earlier}"
            );
        }
    }

    #[test]
    fn a_rule_of_before_workspaces_were_named_holds_everywhere() {
        let mut connection = at_version(3);
        let row = "INSERT INTO approval_rules VALUES ('shell', 'shell', 'ls', 1, 7)";
        connection.execute_batch(row).unwrap();

        bring_up(&mut connection, Path::new("db")).unwrap();

        let sql = "SELECT id, workspace || session, origin, action, target, prefix, allow, made_ms
                   FROM approval_rules";
        let kept: String = connection
            .query_row(sql, (), |row| {
                let texts = (1..=4).map(|column| row.get::<_, String>(column));
                let texts = texts.collect::<Result<Vec<_>, _>>()?.join("|");
                let numbers = [0, 5, 6, 7].map(|column| row.get::<_, u32>(column));
                let numbers = numbers.into_iter().collect::<Result<Vec<_>, _>>()?;
                Ok(format!("{texts} {numbers:?}"))
            })
            .unwrap();
        assert_eq!(kept, "|shell|shell|ls [1, 0, 1, 7]");
    }

    #[test]
    fn entries_of_before_the_chain_have_no_hash() {
        let mut connection = at_version(4);
        let rows = "INSERT INTO sessions VALUES (1, 's', 'chat', 'active', 't', 'w', 1, 2);
                    INSERT INTO tasks VALUES (1, 't', 's', 'x', 'accepted', 'w', 'm', 1, 2, 1,
                                              NULL, 0, 0, NULL);
                    INSERT INTO entries VALUES (1, 't', 1, 'k', 'e', 1, 1, '{}');";
        connection.execute_batch(rows).unwrap();

        bring_up(&mut connection, Path::new("db")).unwrap();

        let sql = "SELECT e.payload, e.chain, t.chain FROM entries e JOIN tasks t ON t.id = e.task";
        let kept: (String, Option<String>, Option<String>) = connection
            .query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap();
        assert_eq!(kept, ("{}".to_owned(), None, None));
    }

    #[test]
    fn a_newer_database_is_refused_with_both_versions() {
        let mut connection = at_version(VERSION);
        connection.pragma_update(None, "user_version", VERSION + 1).unwrap();

        let error = bring_up(&mut connection, Path::new("db")).unwrap_err();

        assert!(matches!(error, StorageError::Newer { found, .. } if found == VERSION + 1));
    }

    #[test]
    fn a_schema_with_something_added_is_refused_in_every_version() {
        for earlier in 0..=VERSION {
            let mut connection = at_version(earlier);
            connection.execute_batch("CREATE VIEW odd AS SELECT 1").unwrap();

            let refused = bring_up(&mut connection, Path::new("db"));

            assert!(matches!(refused, Err(StorageError::Schema { .. })), "{earlier}");
        }
    }
}
