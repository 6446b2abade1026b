//! Joining an organisation by invitation.

use runloom_tests::{Setup, both_stores};
use serde_json::{Value, json};

use super::{PASSWORD, colleague, id, invited, register, user_id};

both_stores! {
    async fn somebody_registers_or_joins_by_invitation(store: Store) {
        let node = Setup::new(store).start().await;
        let owner = node.client();
        let org = owner.get("/v1/org").await.expect(200);
        let body = json!({ "email": "Grace@Example.com", "role": "member" });
        let first = owner.post_once("/v1/invitations", "k", &body).await;
        assert_eq!(first.header("cache-control"), "no-store");
        let first = first.expect(201);
        assert_eq!(first, json!({
            "id": first["id"], "email": "Grace@Example.com", "role": "member",
            "invited_by_user_id": user_id(&owner).await, "expires_at": first["expires_at"],
            "created_at": first["created_at"], "token": first["token"],
        }));
        let again = owner.post_once("/v1/invitations", "k", &body).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        let mut without = first.clone();
        without["token"] = Value::Null;
        assert_eq!(again.expect(201), without);
        let mut shown = first.clone();
        shown.as_object_mut().expect("an object").remove("token");
        assert_eq!(owner.get("/v1/invitations").await.expect(200), json!([shown]));

        let token = id(&first["token"]);
        let new = register(&owner, "grace", &token).await.expect(201);
        assert_eq!(new["org_id"], org["id"]);
        let grace = owner.with_token(&id(&new["access_token"]));
        let me = grace.get("/v1/me").await.expect(200);
        assert_eq!((&me["org_id"], &me["role"]), (&org["id"], &json!("member")));
        assert_eq!(owner.get("/v1/invitations").await.expect(200), json!([]));
        let member = json!({ "email": "GRACE@example.com", "role": "viewer" });
        owner.post("/v1/invitations", &member).await.expect_error(409, "members.already_member");

        // Somebody with an organisation of their own has two from then on.
        let bob = owner.stranger("bob").await;
        let home = bob.get("/v1/org").await.expect(200);
        let token = invited(&owner, "BOB@example.com", "admin").await;
        let accept = json!({ "token": token });
        let key = json!({ "name": "k", "scopes": ["runs.read"] });
        let key = bob.post("/v1/api-keys", &key).await.expect(201);
        bob.with_token(&id(&key["key"])).post("/v1/invitations:accept", &accept).await
            .expect_error(403, "auth.person_needed");
        let joined = bob.post_once("/v1/invitations:accept", "k", &accept).await.expect(201);
        assert_eq!(joined, json!({ "org_id": org["id"], "role": "admin" }));
        let again = bob.post_once("/v1/invitations:accept", "k", &accept).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.expect(201), joined);
        let mut orgs = bob.get("/v1/orgs").await.expect(200);
        let orgs = orgs.as_array_mut().expect("an array");
        let roles = orgs.iter().map(|org| (org["id"].clone(), org["role"].clone()));
        let mut roles: Vec<_> = roles.collect();
        roles.sort_by_key(|(_, role)| role.to_string());
        assert_eq!(roles, [
            (org["id"].clone(), json!("admin")), (home["id"].clone(), json!("owner"))]);
    }

    async fn tokens_that_are_not_good_look_alike(store: Store) {
        let node = Setup::new(store).start().await;
        let owner = node.client();
        let bob = owner.stranger("bob").await;
        let used = invited(&owner, "ada@example.com", "viewer").await;
        register(&owner, "ada", &used).await.expect(201);
        let taken_back = invited(&owner, "bob@example.com", "viewer").await;
        let open = owner.get("/v1/invitations").await.expect(200);
        let path = format!("/v1/invitations/{}", id(&open[0]["id"]));
        assert_eq!(owner.delete(&path).await.status, 204);
        owner.delete(&path).await.expect_error(404, "invitations.not_found");
        let replaced = invited(&owner, "bob@example.com", "viewer").await;
        invited(&owner, "bob@example.com", "viewer").await;
        let foreign = invited(&owner, "eve@example.com", "viewer").await;
        let tokens = [used, taken_back, replaced, foreign, "rli_wrong".to_owned()];
        let mut answers = Vec::new();
        for token in &tokens {
            let accepted = bob.post("/v1/invitations:accept", &json!({ "token": token })).await;
            let mut error = accepted.expect_error(404, "invitations.not_found");
            error["trace_id"] = Value::Null;
            answers.push(error);
            register(&owner, "mallory", token).await.expect_error(404, "invitations.not_found");
        }
        answers.dedup();
        assert_eq!(answers.len(), 1);
        let bad = json!({ "email": "x", "role": "king" });
        let error = owner.post("/v1/invitations", &bad).await.expect_error(422, "validation.error");
        assert!(error["details"]["role"].is_string(), "{error}");
        let admin = colleague(&owner, "admin", "admin").await;
        let above = json!({ "email": "x@example.com", "role": "owner" });
        admin.post("/v1/invitations", &above).await
            .expect_error(403, "members.role_above_own");
        let login = json!({ "login": "mallory", "password": PASSWORD });
        owner.post("/v1/auth/login", &login).await.expect_error(401, "auth.bad_credentials");
    }
}
