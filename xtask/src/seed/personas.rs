//! An organisation's personas, to files and from files.

use crate::process;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use runloom_domain::{Clock, OrgId, PersonaId, SystemClock};
use runloom_server::config::PersonaSettings;
use runloom_store::{
    By, NewPersona, Once, Page, Paged, PersonaRecord, PersonaTarget, PersonaVersion, StoredAnswer,
    UserRecord, WritePersona,
};
use runloom_store_sql::Database;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct Arguments {
    /// The login or e-mail address of somebody in the organisation; what is imported is theirs
    login: String,
    /// The folder with the files
    folder: PathBuf,
}

/// How many rows are read at once.
const PAGE: u32 = 100;

/// Writes a file for each version of each persona. Nothing that is there is overwritten.
pub(super) async fn export(database: &dyn Database, arguments: &Arguments) -> Result<()> {
    let user = user(database, arguments).await?;
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("can't make the folder {}", folder.display()))?;
    let mut written = 0;
    for newest in newest(database, user.org_id).await? {
        let key = &newest.persona.id.key;
        let mut versions = versions(database, user.org_id, key).await?;
        versions.reverse();
        let last = versions.len();
        for (record, number) in versions.iter().zip(1..) {
            // The numbers keep the versions in order, whatever they are called.
            let path = folder.join(format!("{key}-{number}.md"));
            let is_default = newest.is_default && number == last;
            let text = PersonaSettings::to_file(&record.persona, is_default);
            let mut file = std::fs::File::create_new(&path)
                .with_context(|| format!("can't make {}", path.display()))?;
            std::io::Write::write_all(&mut file, text.as_bytes())
                .with_context(|| format!("can't write {}", path.display()))?;
            written += 1;
        }
    }
    process::step(&format!("wrote {written} files to {}", folder.display()));
    Ok(())
}

/// Adds what the organisation doesn't have. A version that it has must be the same, else nothing
/// is said to be done that isn't.
pub(super) async fn import(database: &dyn Database, arguments: &Arguments) -> Result<()> {
    // All files are read before anything is written.
    let personas = PersonaSettings::read_folder(&arguments.folder)?;
    let user = user(database, arguments).await?;
    for settings in &personas {
        let name = settings.to_persona().id.to_string();
        let done = import_one(database, &user, settings).await;
        let done = done.with_context(|| format!("can't import {name}"))?;
        process::step(&format!("{name}: {done}"));
    }
    Ok(())
}

async fn import_one(
    database: &dyn Database,
    user: &UserRecord,
    settings: &PersonaSettings,
) -> Result<&'static str> {
    let persona = settings.to_persona();
    let (org, id) = (user.org_id, &persona.id);
    if let Some(there) = database
        .persona(org, Some(&id.key), Some(&id.version))
        .await?
    {
        ensure!(
            there.persona == persona,
            "the organisation has another persona of that name; give this one a new version"
        );
        return Ok("is there already");
    }
    let now = SystemClock.now();
    let target = match database.persona(org, Some(&id.key), None).await? {
        Some(_) => PersonaTarget::Existing(None),
        None => PersonaTarget::New(PersonaId::generate(now)),
    };
    let new = NewPersona {
        org_id: org,
        target,
        version: PersonaVersion::Named(id.version.clone()),
        is_default: settings.default.then_some(true),
        persona,
        created_by: user.user_id,
        created_at: now,
        once: None,
        answer: Box::new(|_| StoredAnswer {
            status: 201,
            body: String::new(),
        }),
    };
    match database.write_persona(new, By::operator(now)).await? {
        Once::Done(WritePersona::Written(_)) => Ok("imported"),
        Once::Done(WritePersona::VersionTaken) => {
            bail!("the persona has had a version of that name, or has one with a higher number")
        }
        _ => bail!("somebody else is changing the persona; try again"),
    }
}

async fn user(database: &dyn Database, arguments: &Arguments) -> Result<UserRecord> {
    let found = database.find_login(&arguments.login).await;
    let found = found.context("can't read the accounts")?;
    let found = found.with_context(|| format!("nobody is called {}", arguments.login))?;
    let org = found.org_id.context("they are in no organisation")?;
    let user = database.user(org, found.user_id).await;
    user.context("can't read the accounts")?
        .context("they have just left their organisation")
}

async fn newest(store: &dyn Database, org: OrgId) -> Result<Vec<PersonaRecord>> {
    all_pages(async |page| Ok(store.personas(org, page).await?)).await
}

/// A persona's versions, the newest first.
async fn versions(store: &dyn Database, org: OrgId, key: &str) -> Result<Vec<PersonaRecord>> {
    all_pages(async |page| {
        let found = store.persona_versions(org, key, page).await?;
        found.context("a persona was deleted meanwhile")
    })
    .await
}

async fn all_pages<T>(read: impl AsyncFn(Page) -> Result<Paged<T>>) -> Result<Vec<T>> {
    let mut all = Vec::new();
    let mut page = Page {
        limit: PAGE,
        before: None,
    };
    loop {
        let found = read(page).await?;
        all.extend(found.items);
        page.before = found.next;
        if page.before.is_none() {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    fn arguments(folder: &Path) -> Arguments {
        Arguments {
            login: super::super::people::OWNER.to_owned(),
            folder: folder.to_owned(),
        }
    }

    fn texts(folder: &Path) -> Vec<(std::ffi::OsString, String)> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        let mut texts: Vec<_> = entries
            .map(|entry| (entry.file_name(), fs::read_to_string(entry.path()).unwrap()))
            .collect();
        texts.sort();
        texts
    }

    #[tokio::test]
    async fn personas_go_from_files_to_files() {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let database: Arc<dyn Database> =
            runloom_store_sql::open_sqlite(folder.path(), clock.clone()).unwrap();
        let people = super::super::people::register(&database, &clock).await;
        assert!(people.unwrap().is_some());
        let [given, first, again] =
            ["given", "first", "again"].map(|name| folder.path().join(name));
        fs::create_dir(&given).unwrap();
        for (name, more) in [("9", "tools: [calculator]\n"), ("10", "default: true\n")] {
            let text =
                format!("---\nkey: clerk\nversion: {name}\n{more}---\nYou are {{{{who}}}}.\n");
            fs::write(given.join(format!("clerk-{name}.md")), text).unwrap();
        }
        import(&*database, &arguments(&given)).await.unwrap();
        export(&*database, &arguments(&first)).await.unwrap();
        import(&*database, &arguments(&first)).await.unwrap();
        export(&*database, &arguments(&again)).await.unwrap();
        assert_eq!(texts(&first).len(), 2);
        assert_eq!(texts(&first), texts(&again));

        let other = "---\nkey: clerk\nversion: 10\n---\nAnother.\n";
        fs::write(given.join("clerk-10.md"), other).unwrap();
        let refused = import(&*database, &arguments(&given)).await.unwrap_err();
        assert!(
            format!("{refused:#}").contains("another persona"),
            "{refused:#}"
        );
        assert!(
            export(&*database, &arguments(&first)).await.is_err(),
            "it overwrites"
        );
    }
}
