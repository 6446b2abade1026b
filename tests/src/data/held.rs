//! What is kept, wherever: in files of a server, in those of its database, in its write-ahead log.

use std::path::Path;

use tokio_postgres::NoTls;

use super::{Data, Database};

/// Which of the texts are in the files of this database, or in the log that the cluster has written
/// since it was made. Values that were deleted or overwritten are there too.
const IN_FILES: &str = "
    WITH home AS (SELECT 'base/' || oid AS folder FROM pg_database
        WHERE datname = current_database()),
    paths AS (
        SELECT folder || '/' || file AS path FROM home, pg_ls_dir(folder) AS file
        UNION ALL
        SELECT 'pg_wal/' || log.name FROM home, pg_ls_waldir() AS log
        WHERE log.modification >= (pg_stat_file(folder || '/PG_VERSION')).modification),
    contents AS (
        SELECT pg_read_binary_file(path, 0, (pg_stat_file(path, true)).size, true) AS bytes
        FROM paths OFFSET 0)
    SELECT DISTINCT found.text FROM contents CROSS JOIN LATERAL (
        SELECT text FROM unnest($1::text[]) AS text
        WHERE position(convert_to(text, 'UTF8') IN contents.bytes) > 0) AS found";

/// Which of the texts are in rows of a table, in its texts or its bytes. What is large is compressed
/// in files, and only seen so.
const IN_ROWS: &str = "
    SELECT DISTINCT text FROM {table} AS line, unnest($1::text[]) AS text
    WHERE strpos(line::text, text) > 0
        OR strpos(line::text, encode(convert_to(text, 'UTF8'), 'hex')) > 0";

impl Data {
    /// Which of these texts, such as secrets, anything holds: a file of the server, or of its
    /// database and that one's write-ahead log.
    pub async fn held(&self, texts: &[&str]) -> Vec<String> {
        let in_files = texts.iter().filter(|text| is_in(self.folder(), text));
        let mut held: Vec<String> = in_files.map(|&text| text.to_owned()).collect();
        if let Some(database) = &self.database {
            held.extend(database.held(texts).await.expect("the database says"));
        }
        held.sort();
        held.dedup();
        held
    }
}

impl Database {
    async fn held(&self, texts: &[&str]) -> Result<Vec<String>, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await?;
        let driver = tokio::spawn(connection);
        client.batch_execute("CHECKPOINT").await?;
        let mut found = client.query(IN_FILES, &[&texts]).await?;
        let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
            WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
        for table in client.query(tables, &[]).await? {
            let sql = IN_ROWS.replace("{table}", table.get(0));
            found.extend(client.query(&sql, &[&texts]).await?);
        }
        drop(client);
        let _ = driver.await;
        Ok(found.iter().map(|row| row.get(0)).collect())
    }
}

fn is_in(folder: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths = entries.map(|entry| entry.expect("an entry").path());
    paths.any(|path| {
        if path.is_dir() {
            return is_in(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}
