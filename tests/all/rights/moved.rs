//! An organisation taken from one deployment to another, on the other kind of database.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use runloom_tests::{Client, Data, Outcome, Store, both_stores, check_ended, kinds};
use serde_json::json;

use super::whole::{SECRETS, complete, configure, says_everything, tools};
use super::{
    PASSWORD, bytes, colleague, export, export_sealed, id, org_of, setup, shown, sign_in, task,
};

fn other(store: Store) -> Store {
    match store {
        Store::Sqlite => Store::Postgres,
        Store::Postgres => Store::Sqlite,
    }
}

async fn import(data: &Data, file: &Path, more: &[&str]) -> Outcome {
    task(data, &[&["orgs", "import", shown(file)], more].concat()).await
}

#[track_caller]
fn refused(outcome: &Outcome, reason: &str) {
    assert!(
        !outcome.success && outcome.text.contains(reason),
        "{}",
        outcome.text
    );
}

/// A file of which something is missing, and one in which a word is another.
async fn refuse_what_is_not_whole(data: &Data, file: &Path) {
    let whole = fs::read_to_string(file).expect("it was written");
    let spoilt = file.with_extension("spoilt");
    let lines: Vec<&str> = whole.lines().collect();
    fs::write(&spoilt, lines[..lines.len() - 1].join("\n") + "\n").expect("a file");
    refused(&import(data, &spoilt, &[]).await, "ends before its footer");
    fs::write(&spoilt, &whole[..whole.len() / 2]).expect("a file");
    refused(&import(data, &spoilt, &[]).await, "not a whole export");
    fs::write(&spoilt, whole.replacen("Be brief.", "Be loud!!", 1)).expect("a file");
    refused(&import(data, &spoilt, &[]).await, "not as it was written");
}

both_stores! {
    async fn an_organisation_is_the_same_elsewhere_and_takes_no_secret_along(store: Store) {
        let paid = ["RUNLOOM_CREDITS_METERED", "RUNLOOM_CREDITS_SELF_SERVICE"];
        let paid = paid.into_iter().fold(setup(store), |setup, name| setup.variable(name, "1"));
        let (node, tools) = (paid.start().await, tools().await);
        let ada = node.client().stranger("ada").await;
        let (org, bob) = (org_of(&ada).await, colleague(&ada, "bob").await);
        configure(&ada, &tools).await;
        let thread = json!({ "title": "a\u{2028}b", "metadata": { "é": [1.50, null] } });
        let thread = id(&ada.post("/v1/threads", &thread).await.expect(201)["id"]);
        let finished = bob.run_in(&thread, &json!({ "input": "hello" })).await;
        ada.follow(&finished).await;
        let asked = ada.run(&json!({ "route_id": "ask" })).await;
        ada.events(&asked, "").await.until("run.waiting_for_input").await;
        ada.input(&asked, &json!({ "content": "blue" })).await.expect(200);
        ada.follow(&asked).await;
        let live = ada.run(&json!({ "route_id": "slow" })).await;
        let mut stream = ada.events(&live, "").await;
        stream.until("message.delta").await;

        // While it streams.
        let (source, folder) = (node.data(), node.data().folder());
        let with_live = folder.join("live.jsonl");
        let arguments = ["orgs", "export", &org, shown(&with_live)];
        refused(&task(source, &arguments).await, "1 runs have not ended");
        assert!(!with_live.exists());
        task(source, &[&arguments[..], &["--with-live"]].concat()).await.expect();
        ada.cancel(&live).await.expect(200);
        stream.rest().await;
        let first = export_sealed(source, &org, "first.jsonl").await;
        let again = export(source, &org, "again.jsonl").await;
        let text = fs::read_to_string(&first).expect("it was written");
        assert!(text == fs::read_to_string(&again).expect("it was written"), "the same bytes");
        assert!(text.contains("{\"type\":\"audit_seal\""));
        let strange = node.client().stranger("eve").await;
        let strange = [org_of(&strange).await, "eve@example.com".to_owned()];

        let runs = [&finished, &asked, &live];
        let mut there = Vec::new();
        for run in runs {
            there.push((bytes(&ada, run).await, ada.run_object(run).await));
        }
        let messages = format!("/v1/threads/{thread}/messages?include=tools");
        let said = ada.get(&messages).await.expect(200);

        let source = Arc::clone(source);
        node.terminate().await;
        complete(&source).await;
        let whole = export(&source, &org, "whole.jsonl").await;
        let text = fs::read_to_string(&whole).expect("it was written");
        says_everything(&text);
        for unsaid in SECRETS.into_iter().chain(strange.iter().map(String::as_str)) {
            assert!(!text.contains(unsaid), "{unsaid} is in the export");
        }

        let target = Arc::new(Data::empty(other(store)).await);
        refuse_what_is_not_whole(&target, &whole).await;
        import(&target, &whole, &[]).await.expect();
        refused(&import(&target, &whole, &[]).await, "is here already");
        let returned = export(&target, &org, "returned.jsonl").await;
        assert!(text == fs::read_to_string(returned).expect("it was written"), "the same bytes");

        // Nobody gets in by an old password; by a reset its owner does.
        let reset = task(&target, &["accounts", "reset", "ada"]).await.expect();
        let token = reset.lines().find(|line| line.starts_with("rlp_")).expect("a token");
        let elsewhere = setup(other(store)).on(Arc::clone(&target)).start().await;
        let anonymous = Client::anonymous(elsewhere.base());
        let old = json!({ "login": "ada", "password": PASSWORD });
        anonymous.post("/v1/auth/login", &old).await.expect_error(401, "auth.bad_credentials");
        let new = json!({ "token": token, "new_password": "another passphrase" });
        assert_eq!(anonymous.post("/v1/auth/reset", &new).await.status, 204);
        let ada = sign_in(elsewhere.base(), "ada", "another passphrase").await;
        for (run, (log, object)) in runs.into_iter().zip(there) {
            assert!(bytes(&ada, run).await == log, "the log of {run}");
            assert_eq!(ada.run_object(run).await, object);
        }
        assert_eq!(ada.get(&messages).await.expect(200), said);
        let next = ada.run_in(&thread, &json!({ "input": "and now?" })).await;
        check_ended(&ada.follow(&next).await, "run.completed");
        assert_eq!(ada.get("/v1/invitations").await.expect(200), json!([]));
        export_sealed(&target, &org, "sealed.jsonl").await;
        task(&target, &["audit", "verify"]).await.expect();
        drop(elsewhere);

        live_runs_end(&with_live, &org, &live, store).await;
    }
}

/// Into a deployment where the names are taken: who is here already owns it, and the run that was
/// live has an end.
async fn live_runs_end(file: &Path, org: &str, live: &str, store: Store) {
    let node = setup(store).start().await;
    let namesake = node.client().stranger("ada").await;
    let (setup, data) = (node.setup().clone(), Arc::clone(node.data()));
    node.terminate().await;
    refused(&import(&data, file, &[]).await, "a name of the member ada");
    let options = ["--without-known-logins", "--as-owner", "ada"];
    let said = import(&data, file, &options).await.expect();
    assert!(
        said.contains("left out ada") && said.contains("cancelled 1 runs"),
        "{said}"
    );
    let node = setup.start().await;
    let ada = namesake.at(node.base());
    let orgs = ada.get("/v1/orgs").await.expect(200);
    let is_here = |of: &serde_json::Value| of["id"] == org && of["role"] == "owner";
    assert!(
        orgs.as_array().expect("an array").iter().any(is_here),
        "{orgs}"
    );
    let login = json!({ "login": "ada", "password": PASSWORD, "org_id": org });
    let login = Client::anonymous(node.base())
        .post("/v1/auth/login", &login)
        .await;
    let ada = ada.with_token(&id(&login.expect(200)["access_token"]));
    let joined = ada.get("/v1/audit-log?action=member.joined").await;
    let joined = joined.expect(200);
    assert_eq!(joined[0]["details"]["role"], "owner", "{joined}");
    let events = ada.log(live).await;
    check_ended(&events, "run.cancelled");
    assert!(kinds(&events).contains(&"run.cancel_requested"));
}
