//! The walk of [`crate::tenancy`] for everybody whom another organisation can have, and with ids
//! where its paths have none: in queries, headers and bodies.

use reqwest::Method;
use runloom_tests::{Answer, Client, Node, both_stores};
use serde_json::{Value, json};

use crate::tenancy::{Case, Tenant, case, essence, fill, never_made, routes, send, setup};

/// All that an API key may be given.
const SCOPES: [&str; 11] = [
    "runs.read",
    "runs.write",
    "threads.read",
    "threads.write",
    "personas.manage",
    "routes.manage",
    "tools.manage",
    "members.manage",
    "keys.manage",
    "usage.read",
    "audit.read",
];

/// People of other organisations, one of each role, and an API key; with whether they may do
/// everything.
async fn strangers(node: &Node) -> Vec<(&'static str, Client, bool)> {
    let mut all = Vec::new();
    for role in ["owner", "admin", "member", "viewer"] {
        let login = format!("other-{role}");
        let client = node.client().stranger(&login).await;
        node.data().set_role(&login, role).await;
        all.push((role, client, ["owner", "admin"].contains(&role)));
    }
    let key = json!({ "name": "k", "scopes": SCOPES });
    let key = all[0].1.post("/v1/api-keys", &key).await.expect(201);
    let key = all[0].1.with_token(key["key"].as_str().expect("a key"));
    all.push(("key", key, true));
    all
}

/// The parameters of a route that stand in `place`, or the properties of its body that are ids.
fn names(document: &Value, (method, path): (&str, &str), place: &str) -> Vec<String> {
    let route = &document["paths"][path][method];
    if place == "body" {
        let schema = &route["requestBody"]["content"]["application/json"]["schema"];
        let schema = schema["$ref"].as_str().map_or(schema, |name| {
            let name = name.trim_start_matches("#/components/schemas/");
            &document["components"]["schemas"][name]
        });
        let properties = schema["properties"].as_object();
        let names = properties.into_iter().flat_map(serde_json::Map::keys);
        return names
            .filter(|name| name.ends_with("_id"))
            .cloned()
            .collect();
    }
    let parameters = route["parameters"].as_array().into_iter().flatten();
    let here = parameters.filter(|parameter| parameter["in"] == place);
    let name = |parameter: &Value| parameter["name"].as_str().expect("a name").to_owned();
    here.map(name).collect()
}

/// The id that belongs where something is called so; a thread's where nothing tells.
fn id_for<'i>(name: &str, ids: &'i [(&'static str, String)]) -> &'i str {
    let kind = match name {
        "persona_id" => "persona_key",
        name => name,
    };
    let named = ids.iter().find(|(known, _)| kind.ends_with(known));
    let thread = || ids.iter().find(|(known, _)| *known == "thread_id");
    &named.or_else(thread).expect("an id").1
}

/// Whether two answers say the same of what is somebody else's and of what never was.
fn check_same(what: &str, theirs: &Answer, nowhere: &Answer) {
    assert_eq!(theirs.status, nowhere.status, "{what}: {}", theirs.body);
    // What was made has an id and times of its own.
    if theirs.status >= 400 {
        assert_eq!(essence(theirs), essence(nowhere), "{what}");
    }
}

fn check_shows_none(what: &str, answer: &Answer, owner: &Tenant, except: &str) {
    for (name, id) in owner.ids.iter().filter(|(_, id)| id != except) {
        assert!(!answer.body.contains(id), "{what} shows a {name}");
    }
}

both_stores! {
    async fn nobody_of_another_organisation_finds_anything(store: Store) {
        let node = setup(store).start().await;
        let owner = Tenant::new(node.client()).await;
        let before = owner.seen().await;
        let routes = routes(&node.client()).await;
        let document = node.client().get("/openapi.json").await.expect(200);
        for (who, client, may_all) in strangers(&node).await {
            let mut hidden = 0;
            for (method, path) in &routes {
                let what = format!("{who}: {method} {path}");
                let needs = &document["paths"][path.as_str()][method.as_str()]["x-needs"];
                let needs = |need| needs.as_array().is_some_and(|all| all.contains(&json!(need)));
                let may = may_all
                    && !(who == "admin" && needs("owner"))
                    && !(who == "key" && needs("person"));
                match case(method, path).expect("a case") {
                    Case::Hidden(body) => {
                        let theirs = send(&client, method, &fill(path, &owner.ids), body).await;
                        let nowhere = send(&client, method, &fill(path, &never_made()), body).await;
                        assert_eq!(essence(&theirs), essence(&nowhere), "{what}");
                        let forbidden = theirs.status == 403 && !may;
                        assert!(theirs.status == 404 || forbidden, "{what}: {}", theirs.body);
                        hidden += u32::from(theirs.status == 404);
                    }
                    Case::Own => {
                        let answer = send(&client, method, path, "null").await;
                        let forbidden = answer.status == 403 && !may;
                        assert!(answer.status == 200 || forbidden, "{what}: {}", answer.body);
                        check_shows_none(&what, &answer, &owner, "");
                    }
                    Case::Makes(_) | Case::Public => {}
                }
            }
            assert!(hidden > 8, "{who}: {hidden}");
        }
        assert_eq!(owner.seen().await, before, "nothing of theirs was changed");
    }

    async fn ids_of_others_are_unknown_wherever_they_stand(store: Store) {
        let node = setup(store).start().await;
        let owner = Tenant::new(node.client()).await;
        let stranger = Tenant::new(node.client().stranger("stranger").await).await;
        // A run of its own can begin.
        stranger.client.cancel(&fill("{run_id}", &stranger.ids)).await.expect(200);
        let document = node.client().get("/openapi.json").await.expect(200);
        let once = "the-same-key-for-both";
        owner.client.post_once("/v1/threads", once, &json!({})).await.expect(201);
        let before = owner.seen().await;
        let mut tried = [0; 3];
        for (method, path) in routes(&node.client()).await {
            let (body, own) = match case(&method, &path).expect("a case") {
                Case::Hidden(body) => (body, fill(&path, &stranger.ids)),
                Case::Makes(body) => (body, path.clone()),
                Case::Own => ("null", path.clone()),
                Case::Public => continue,
            };
            let route = (method.as_str(), path.as_str());
            let verb: Method = method.to_uppercase().parse().expect("a method");
            for name in names(&document, route, "query") {
                let what = format!("{method} {path}?{name}");
                let mut id = id_for(&name, &owner.ids).to_owned();
                if name == "before" {
                    let first = format!("{}?limit=1", fill(&path, &owner.ids));
                    let cursor = owner.client.get(&first).await.header("x-next-cursor").to_owned();
                    id = Some(cursor).filter(|cursor| !cursor.is_empty()).unwrap_or(id);
                }
                // A stream that began would not end.
                let once = if path.ends_with("/events") { "&follow=0" } else { "" };
                let answer = stranger.client
                    .send(stranger.client.request(verb.clone(), &format!("{own}?{name}={id}{once}")))
                    .await;
                check_shows_none(&what, &answer, &owner, &id);
                tried[0] += 1;
            }
            for name in names(&document, route, "header") {
                let what = format!("{method} {path} {name}");
                let value = match name.as_str() {
                    "If-Match" => "\"1\"",
                    "Idempotency-Key" => once,
                    _ => "1",
                };
                let at = |path: String| {
                    let request = stranger.client.request(verb.clone(), &path).header(&name, value);
                    let body: Value = serde_json::from_str(&fill(body, &stranger.ids)).expect("JSON");
                    stranger.client.send(if body.is_null() { request } else { request.json(&body) })
                };
                if path.contains('{') {
                    let theirs = at(fill(&path, &owner.ids)).await;
                    assert_eq!(theirs.status, 404, "{what}: {}", theirs.body);
                    check_same(&what, &theirs, &at(fill(&path, &never_made())).await);
                } else {
                    check_shows_none(&what, &at(own.clone()).await, &owner, "");
                }
                tried[1] += 1;
            }
            for name in names(&document, route, "body") {
                let what = format!("{method} {path} {{{name}}}");
                let with = |ids: &[(&'static str, String)]| {
                    let mut body: Value =
                        serde_json::from_str(&fill(body, &stranger.ids)).expect("JSON");
                    body[&name] = json!(id_for(&name, ids));
                    body.to_string()
                };
                let theirs = send(&stranger.client, &method, &own, &with(&owner.ids)).await;
                let nowhere = send(&stranger.client, &method, &own, &with(&never_made())).await;
                check_same(&what, &theirs, &nowhere);
                tried[2] += 1;
            }
        }
        assert!(tried.iter().all(|tries| *tries > 5), "{tried:?}");
        assert_eq!(owner.seen().await, before, "nothing of theirs was changed");
    }
}
