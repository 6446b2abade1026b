use runloom_tests::{Ended, Setup, both_stores};

/// The one line that says why the server did not start.
#[track_caller]
fn reason(ended: &Ended) -> &str {
    assert!(!ended.status.success(), "{ended:?}");
    assert!(ended.stdout.iter().all(|line| !line.contains("listens")));
    let lines: Vec<&String> = ended
        .stderr
        .iter()
        .filter(|l| l.starts_with("runloom: "))
        .collect();
    assert_eq!(lines.len(), 1, "{ended:?}");
    lines[0]
}

async fn refused(setup: &Setup) -> String {
    match setup.try_start().await {
        Ok(node) => panic!("it started: {:?}", node.stdout()),
        Err(ended) => reason(&ended).to_owned(),
    }
}

both_stores! {
    async fn a_second_server_on_the_same_folder(store: Store) {
        let node = Setup::new(store).start().await;
        let second = node.setup().try_start().await;
        if store == runloom_tests::Store::Sqlite {
            let ended = second.expect_err("the folder is taken");
            assert!(reason(&ended).contains("in use by another runloom process"), "{ended:?}");
            let left = node.kill().await;
            left.restart().await.client().get("/v1/me").await.expect(200);
        } else {
            let second = second.expect("many servers may share a PostgreSQL");
            assert!(second.stdout().iter().all(|line| !line.starts_with("rl_")));
            node.client().at(second.base()).get("/v1/me").await.expect(200);
        }
    }

    async fn a_port_that_is_taken(store: Store) {
        let node = Setup::new(store).start().await;
        let address = node.base().trim_start_matches("http://");
        let reason = refused(&Setup::new(store).variable("RUNLOOM_LISTEN", address)).await;
        assert!(reason.contains(&format!("{address} is in use")), "{reason}");
    }

    async fn settings_that_nobody_knows(store: Store) {
        let setup = Setup::new(store);
        let reason = refused(&setup.clone().variable("RUNLOOM_LISTN", "x")).await;
        assert!(reason.contains("RUNLOOM_LISTN"), "{reason}");
        let reason = refused(&setup.clone().toml("[engine]\nmax_rums = 1")).await;
        assert!(reason.contains("line 2, column 1") && reason.contains("max_rums"), "{reason}");
        let reason = refused(&setup.toml("[[personas]]\nkey = \"a\"\nprompt = \"\"\ntools = [\"fly\"]")).await;
        assert!(reason.contains("wants the tool fly"), "{reason}");
    }

    async fn insecure_defaults_in_production(store: Store) {
        let production = Setup::new(store).variable("RUNLOOM_MODE", "production");
        let reason = refused(&production).await;
        assert!(reason.contains("RUNLOOM_MASTER_KEY"), "{reason}");
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let reason = refused(&production.clone().variable("RUNLOOM_MASTER_KEY", &key[..40])).await;
        assert!(reason.contains("32"), "{reason}");
        let production = production.variable("RUNLOOM_MASTER_KEY", key);
        let reason = refused(&production.clone().variable("RUNLOOM_BENCH", "1")).await;
        assert!(reason.contains("RUNLOOM_BENCH"), "{reason}");
        let scripted = production.clone().scripted("m", serde_json::json!([["hang"]]));
        let reason = refused(&scripted).await;
        assert!(reason.contains("scripted"), "{reason}");
        let node = production.start().await;
        assert!(!node.stdout().join("\n").contains("demo"));
    }
}
