//! What the server is found to be at start: what is unfit is refused, what is unsafe is warned
//! of, and the rest is one line of the log.

use diesel::QueryableByName;
use diesel::sql_types::{Bool, Integer, Text};
use runloom_store::StoreError;

use super::{Conn, RunQueryDsl, error};

/// The oldest version that has all that our statements use, as PostgreSQL numbers them.
const OLDEST: i32 = 150_000;

const LOOK: &str = "
SELECT current_setting('server_version') AS version,
    current_setting('server_version_num')::integer AS version_number,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('fsync') AS fsync,
    current_setting('synchronous_standby_names') <> '' AS has_standbys,
    current_setting('lc_messages') AS language";

/// What a server says of itself. A new check is a column here, and a line in
/// [`warn`](Self::warn), [`refuse`](Self::refuse) or [`tell`](Self::tell).
#[derive(Debug, QueryableByName)]
pub(super) struct Report {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Integer)]
    version_number: i32,
    #[diesel(sql_type = Text)]
    synchronous_commit: String,
    #[diesel(sql_type = Text)]
    fsync: String,
    #[diesel(sql_type = Bool)]
    has_standbys: bool,
    #[diesel(sql_type = Text)]
    language: String,
}

impl Report {
    /// Asks the server, as the role and with the settings that all our connections have.
    pub(super) async fn of(c: &mut Conn) -> Result<Self, StoreError> {
        let look = diesel::sql_query(LOOK).get_result(c);
        look.await.map_err(error::of_statement)
    }

    /// An error when we can't work with it.
    pub(super) fn refuse(&self) -> Result<(), StoreError> {
        if self.version_number < OLDEST {
            return Err(StoreError::Unfit(format!(
                "it is PostgreSQL {}, and 15 is the oldest version that can be used",
                self.version
            )));
        }
        Ok(())
    }

    /// Complains of what works and isn't safe.
    pub(super) fn warn(&self) {
        for danger in self.dangers() {
            tracing::warn!(
                db.synchronous_commit = self.synchronous_commit,
                db.fsync = self.fsync,
                "{danger}"
            );
        }
        if !self.is_english() {
            tracing::warn!(
                db.lc_messages = self.language,
                "PostgreSQL's messages are not in English, so time-outs are not told from other \
                 errors; set lc_messages to C for this role"
            );
        }
    }

    /// Says what it is.
    pub(super) fn tell(&self) {
        tracing::info!(
            db.version = self.version,
            db.synchronous_commit = self.synchronous_commit,
            db.fsync = self.fsync,
            "the database is PostgreSQL"
        );
    }

    /// Why events that were acknowledged may be lost. Only a commit that waits for the disk is
    /// safe, and where there are standbys that may take over, one that waits for theirs.
    fn dangers(&self) -> impl Iterator<Item = &'static str> {
        let commit = match self.synchronous_commit.as_str() {
            "off" => Some(
                "synchronous_commit is off: acknowledged events may be lost in a power cut or a \
                 crash of the database; set it to on for this role",
            ),
            "local" | "remote_write" if self.has_standbys => Some(
                "synchronous_commit does not wait for the disks of the standbys: acknowledged \
                 events may be lost when one of them takes over; set it to on for this role",
            ),
            _ => None,
        };
        let disk = (self.fsync == "off").then_some(
            "fsync is off: a power cut may destroy the database; set it to on in \
             postgresql.conf",
        );
        commit.into_iter().chain(disk)
    }

    fn is_english(&self) -> bool {
        let english = ["C", "POSIX", "en"];
        self.language.is_empty() || english.iter().any(|name| self.language.starts_with(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(synchronous_commit: &str, fsync: &str, has_standbys: bool) -> Report {
        Report {
            version: "15.18 (Debian 15.18-0)".to_owned(),
            version_number: 150_018,
            synchronous_commit: synchronous_commit.to_owned(),
            fsync: fsync.to_owned(),
            has_standbys,
            language: "C".to_owned(),
        }
    }

    #[test]
    fn old_versions_are_refused() {
        assert!(report("on", "on", false).refuse().is_ok());
        let old = Report {
            version: "14.11".to_owned(),
            version_number: 140_011,
            ..report("on", "on", false)
        };
        let refused = old.refuse().unwrap_err().to_string();
        assert!(refused.contains("PostgreSQL 14.11"), "{refused}");
    }

    #[test]
    fn whoever_may_lose_events_is_warned() {
        let dangers = |commit, fsync, standbys| {
            let report = report(commit, fsync, standbys);
            report.dangers().collect::<Vec<_>>()
        };
        for safe in ["on", "remote_apply"] {
            assert!(dangers(safe, "on", true).is_empty(), "{safe}");
        }
        assert!(
            dangers("local", "on", false).is_empty(),
            "it is the only disk"
        );
        assert!(dangers("local", "on", true)[0].contains("standbys"));
        let off = dangers("off", "off", false);
        assert!(
            off[0].contains("acknowledged events may be lost"),
            "{off:?}"
        );
        assert!(off[1].starts_with("fsync is off"), "{off:?}");
    }

    #[test]
    fn english_goes_by_several_names() {
        for (language, is) in [("", true), ("en_US.UTF-8", true), ("de_DE.UTF-8", false)] {
            let report = Report {
                language: language.to_owned(),
                ..report("on", "on", false)
            };
            assert_eq!(report.is_english(), is, "{language}");
        }
    }
}
