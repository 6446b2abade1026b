use super::*;

#[tokio::test]
async fn a_hash_carries_its_parameters_and_matches_only_its_password() {
    let passwords = Passwords::new();
    let hash = passwords.hash("correct horse".into()).await.unwrap();
    assert!(
        hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hash}"
    );
    let verify = |password: &str, stored: Option<&str>| {
        passwords.verify(password.into(), stored.map(str::to_owned))
    };
    let found = async |password, stored| verify(password, stored).await.unwrap().unwrap();
    let current = Match::Yes { outdated: false };
    assert_eq!(found("correct horse", Some(&hash)).await, current);
    assert_eq!(found("correct Horse", Some(&hash)).await, Match::No);
    assert_eq!(found("correct horse", None).await, Match::No);
    assert!(
        verify("correct horse", Some("plain"))
            .await
            .unwrap()
            .is_err()
    );
}

#[test]
fn a_hash_with_other_parameters_matches_and_is_outdated() {
    let others = [
        (Algorithm::Argon2id, Version::V0x13, (8, 1, 1)),
        (Algorithm::Argon2i, VERSION, (MEMORY_KIB, PASSES, LANES)),
        (ALGORITHM, Version::V0x10, (MEMORY_KIB, PASSES, LANES)),
    ];
    for (algorithm, version, (memory, passes, lanes)) in others {
        let params = Params::new(memory, passes, lanes, None).unwrap();
        let other = Argon2::new(algorithm, version, params);
        let hash = other.hash_password(b"old secret").unwrap().to_string();
        let outdated = Match::Yes { outdated: true };
        assert_eq!(compare("old secret", &hash).unwrap(), outdated, "{hash}");
        assert_eq!(compare("new secret", &hash).unwrap(), Match::No);
    }
}

#[test]
fn nobody_costs_as_much_as_somebody() {
    let nobody = PasswordHash::new(NOBODY).unwrap();
    let somebody = argon2().hash_password(b"anything").unwrap();
    assert_eq!(nobody.algorithm, somebody.algorithm);
    assert_eq!(nobody.version, somebody.version);
    assert_eq!(nobody.params, somebody.params);
    let length = |hash: &PasswordHash| hash.hash.map(|output| output.len());
    assert_eq!(length(&nobody), length(&somebody));
    assert!(nobody.salt.is_some());
}

#[tokio::test]
async fn a_flood_is_turned_away_and_then_over() {
    let passwords = Arc::new(Passwords::new());
    let turns = [
        acquire(&passwords.running).await,
        acquire(&passwords.running).await,
    ];
    let waiting: Vec<_> = (0..RUNNING + QUEUED)
        .map(|_| {
            let mut job = Box::pin({
                let passwords = Arc::clone(&passwords);
                async move { passwords.run(|| ()).await }
            });
            // Polled once it has its place in the queue.
            assert!(futures_poll(&mut job).is_pending());
            job
        })
        .collect();
    // An unknown login queues like a known one.
    let refused = passwords.verify("anything".into(), None).await;
    assert!(matches!(refused, Err(AccountError::Busy)));
    drop(turns);
    for job in waiting {
        job.await.unwrap();
    }
    assert!(passwords.run(|| ()).await.is_ok());
}

#[tokio::test]
async fn a_caller_that_has_gone_does_not_let_a_third_begin() {
    let passwords = Passwords::new();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let (begun, mut started) = tokio::sync::mpsc::unbounded_channel();
    let mut job = Box::pin(passwords.run(move || {
        let _ = begun.send(());
        let _ = gate.recv();
    }));
    assert!(futures_poll(&mut job).is_pending());
    started.recv().await.unwrap();
    drop(job);
    assert_eq!(passwords.running.available_permits(), RUNNING - 1);
    go.send(()).unwrap();
    let _both = acquire_all(&passwords.running).await;
}

async fn acquire_all(semaphore: &Arc<Semaphore>) -> Vec<OwnedSemaphorePermit> {
    let mut permits = Vec::new();
    for _ in 0..RUNNING {
        permits.push(acquire(semaphore).await);
    }
    permits
}

fn futures_poll<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::Pin::new(future).poll(&mut context)
}

#[tokio::test]
async fn no_password_is_a_hash_that_none_has() {
    let passwords = Passwords::new();
    for password in ["", "correct horse", NO_PASSWORD] {
        let found = passwords.verify(password.into(), Some(NO_PASSWORD.to_owned()));
        assert_eq!(found.await.unwrap().unwrap(), Match::No);
    }
}
