use std::time::Duration;

use runloom_domain::{Clock as _, CredentialId, OrgRole, PersonaId, RouteId, SystemClock, UserId};
use runloom_engine::port::catalog::Source;
use runloom_store::memory::MemoryStore;
use runloom_store::{
    AccountStore as _, By, CredentialSettings, NewAccount, NewCredential, NewPersona, NewRoute,
    Once, PersonaTarget, PersonaVersion, RouteSettings, StoredAnswer, WritePersona,
};
use serde_json::json;

use super::*;

struct Scene {
    store: Arc<MemoryStore>,
    catalog: OrgCatalog,
    org: OrgId,
    user: UserId,
    credential: CredentialId,
}

impl Scene {
    async fn new() -> Self {
        let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
        let platform = FixedCatalog {
            personas: vec![persona("assistant", "1"), persona("assistant", "2")],
            routes: vec![RouteEntry::default_for(
                serde_json::from_value(json!({
                    "route_id": "main", "model": "m", "kind": "openai_chat"
                }))
                .unwrap(),
            )],
        };
        let now = SystemClock.now();
        let scene = Self {
            catalog: OrgCatalog::new(Arc::new(platform), store.clone()),
            store,
            org: OrgId::generate(now),
            user: UserId::generate(now),
            credential: CredentialId::generate(now),
        };
        scene.join().await;
        scene
    }

    /// Makes the organisation, with a credential.
    async fn join(&self) {
        let now = SystemClock.now();
        let account = NewAccount {
            user_id: self.user,
            org_id: self.org,
            org_name: "Acme".into(),
            login: "ada".into(),
            email: "ada@example.org".into(),
            password_hash: String::new(),
            role: OrgRole::Owner,
            api_key: None,
            session: None,
            created_at: now,
        };
        self.store
            .create_account(account, None, By::system(SystemClock.now()))
            .await
            .unwrap();
        let credential = NewCredential {
            org_id: self.org,
            credential_id: self.credential,
            provider: "anthropic".into(),
            settings: CredentialSettings {
                name: "c".into(),
                base_url: None,
                key: None,
            },
            created_by: self.user,
            created_at: now,
        };
        self.store
            .create_credential(credential, None, By::system(SystemClock.now()))
            .await
            .unwrap();
    }

    async fn route(&self, settings: RouteSettings) -> String {
        let now = SystemClock.now();
        let route_id = RouteId::generate(now);
        let new = NewRoute {
            org_id: self.org,
            route_id,
            settings,
            created_by: self.user,
            created_at: now,
        };
        let made = self
            .store
            .create_route(new, None, By::system(SystemClock.now()))
            .await
            .unwrap();
        assert_eq!(made, Once::Done(Ok(())));
        route_id.to_string()
    }

    async fn write(&self, key: &str, target: PersonaTarget, is_default: bool) {
        let new = NewPersona {
            org_id: self.org,
            target,
            version: PersonaVersion::Next,
            persona: persona(key, ""),
            is_default: Some(is_default),
            created_by: self.user,
            created_at: SystemClock.now(),
            once: None,
            answer: Box::new(|_| StoredAnswer {
                status: 201,
                body: String::new(),
            }),
        };
        let written = self
            .store
            .write_persona(new, By::system(SystemClock.now()))
            .await
            .unwrap();
        assert!(matches!(written, Once::Done(WritePersona::Written(_))));
    }

    async fn ids(&self) -> Vec<String> {
        let routes = self.catalog.routes(self.org).await.unwrap();
        routes
            .into_iter()
            .map(|entry| entry.route.route_id)
            .collect()
    }

    /// The persona that is found, as `key@version`.
    async fn found(&self, key: Option<&str>, version: Option<&str>) -> Option<String> {
        let found = self.catalog.persona(self.org, key, version).await.unwrap();
        found.map(|persona| persona.id.to_string())
    }
}

fn persona(key: &str, version: &str) -> Persona {
    let persona = json!({ "key": key, "version": version, "prompt": "" });
    serde_json::from_value(persona).unwrap()
}

#[tokio::test]
async fn own_routes_come_with_the_platforms() {
    let scene = Scene::new().await;
    let own = scene
        .route(RouteSettings::new(scene.credential, "big"))
        .await;
    let routes = scene.catalog.routes(scene.org).await.unwrap();
    let [first, second] = &routes[..] else {
        panic!("two routes: {routes:?}");
    };
    assert_eq!(
        (&first.route.route_id, first.source),
        (&own, Source::Organisation)
    );
    assert_eq!(
        (first.route.kind.as_str(), first.route.model.as_str()),
        ("anthropic", "big")
    );
    assert_eq!(first.route.credential_id, Some(scene.credential));
    assert_eq!(
        (second.route.route_id.as_str(), second.source),
        ("main", Source::Platform)
    );
    assert!(second.is_default, "there is no other default");
    let elsewhere = OrgId::generate(SystemClock.now());
    assert_eq!(scene.catalog.routes(elsewhere).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_own_default_takes_the_platforms_place_unless_it_is_switched_off() {
    let scene = Scene::new().await;
    let off = RouteSettings {
        is_default: true,
        enabled: false,
        ..RouteSettings::new(scene.credential, "off")
    };
    scene.route(off.clone()).await;
    let defaults = async || {
        scene.catalog.changed(scene.org);
        let routes = scene.catalog.routes(scene.org).await.unwrap();
        let usable = routes
            .into_iter()
            .filter(|e| e.is_default && e.unavailable.is_none());
        usable.map(|entry| entry.route.model).collect::<Vec<_>>()
    };
    assert_eq!(defaults().await, ["m"]);
    let on = RouteSettings {
        enabled: true,
        model: "on".into(),
        ..off
    };
    scene.route(on).await;
    assert_eq!(defaults().await, ["on"]);
}

#[tokio::test]
async fn what_is_remembered_is_dropped_when_it_changes() {
    let scene = Scene::new().await;
    assert_eq!(scene.ids().await, ["main"]);
    let own = scene.route(RouteSettings::new(scene.credential, "m")).await;
    assert_eq!(scene.ids().await, ["main"], "it is remembered for a second");
    scene.catalog.changed(scene.org);
    assert_eq!(scene.ids().await, [own.as_str(), "main"]);
    let later = scene.route(RouteSettings::new(scene.credential, "m")).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert!(
        scene.ids().await.contains(&later),
        "another node has written it"
    );
}

#[tokio::test]
async fn an_own_persona_hides_the_platforms_of_its_key() {
    let scene = Scene::new().await;
    assert_eq!(scene.found(None, None).await.unwrap(), "assistant@1");
    assert_eq!(
        scene.found(Some("assistant"), None).await.unwrap(),
        "assistant@2"
    );
    assert_eq!(scene.found(Some("clerk"), None).await, None);
    let now = SystemClock.now();
    scene
        .write("clerk", PersonaTarget::New(PersonaId::generate(now)), true)
        .await;
    scene
        .write(
            "assistant",
            PersonaTarget::New(PersonaId::generate(now)),
            false,
        )
        .await;
    assert_eq!(
        scene.found(Some("clerk"), None).await,
        None,
        "it is remembered for a second"
    );
    scene.catalog.changed(scene.org);
    assert_eq!(scene.found(None, None).await.unwrap(), "clerk@1");
    assert_eq!(
        scene.found(Some("assistant"), None).await.unwrap(),
        "assistant@1"
    );
    assert_eq!(scene.found(Some("assistant"), Some("2")).await, None);
    let elsewhere = OrgId::generate(now);
    let theirs = scene
        .catalog
        .persona(elsewhere, Some("assistant"), Some("2"))
        .await;
    assert!(theirs.unwrap().is_some());
}
