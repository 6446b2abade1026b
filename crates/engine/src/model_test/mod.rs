//! Drives the machine and a store together through random lives of runs: nodes that claim,
//! work, crash and come back as zombies, people who answer and cancel, clocks that step. After
//! each command every run's log must be what the guarantees say.

mod check;
// Databases for tests are made in one way, which the adapter's own tests know best.
#[path = "../../../store-sql/tests/postgres/support.rs"]
#[expect(dead_code, reason = "the adapter's tests need more of it")]
mod database;
mod node;
mod world;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use runloom_domain::{Clock, ManualClock, Timestamp};
use runloom_store::Store;
use runloom_store::memory::MemoryStore;

use world::World;

/// Threads, and nodes.
const THREADS: usize = 3;
const NODES: usize = 2;

/// What may happen. Indexes are taken modulo what is there; what doesn't fit is skipped.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Create {
        thread: usize,
        node: usize,
        enqueue: bool,
    },
    Claim {
        node: usize,
    },
    /// The node is gone without a word, and another takes its place. Its runs are found when
    /// its lease has ended.
    Crash {
        node: usize,
    },
    /// The node hands its runs over, and another takes its place.
    Stop {
        node: usize,
    },
    /// The node's lease ends without its knowing: what it then writes must be refused.
    Freeze {
        node: usize,
    },
    /// The model sends deltas.
    Say {
        run: usize,
        pieces: u8,
    },
    /// The model ends its answer and asks for these tools.
    Finish {
        run: usize,
        tools: Vec<usize>,
    },
    Fail {
        run: usize,
        how: Failure,
    },
    ToolDone {
        run: usize,
        ok: bool,
    },
    Answer {
        run: usize,
        word: usize,
    },
    Cancel {
        run: usize,
    },
    Step {
        seconds: u64,
    },
}

/// How a model call fails.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failure {
    /// Another try may succeed at once.
    Soon,
    /// The provider asks for a wait that is too long to be spent in memory.
    Later,
    /// The conversation doesn't fit.
    TooLong,
    /// Nothing is tried again there.
    ForGood,
}

/// The reference knows no more than which commands exist: what is right is checked on the log
/// itself, by [`check`].
#[derive(Clone, Debug)]
struct Commands;

impl ReferenceStateMachine for Commands {
    type State = u32;
    type Transition = Command;

    fn init_state() -> BoxedStrategy<u32> {
        Just(0).boxed()
    }

    fn transitions(_: &u32) -> BoxedStrategy<Command> {
        let run = 0..8_usize;
        let node = 0..NODES;
        prop_oneof![
            3 => (0..THREADS, node.clone(), any::<bool>())
                .prop_map(|(thread, node, enqueue)| Command::Create { thread, node, enqueue }),
            4 => node.clone().prop_map(|node| Command::Claim { node }),
            1 => node.clone().prop_map(|node| Command::Crash { node }),
            1 => node.clone().prop_map(|node| Command::Stop { node }),
            1 => node.prop_map(|node| Command::Freeze { node }),
            3 => (run.clone(), 1..4_u8).prop_map(|(run, pieces)| Command::Say { run, pieces }),
            6 => (run.clone(), prop::collection::vec(0..node::TOOLS.len(), 0..4))
                .prop_map(|(run, tools)| Command::Finish { run, tools }),
            2 => (run.clone(), failure()).prop_map(|(run, how)| Command::Fail { run, how }),
            6 => (run.clone(), any::<bool>()).prop_map(|(run, ok)| Command::ToolDone { run, ok }),
            4 => (run.clone(), 0..6_usize).prop_map(|(run, word)| Command::Answer { run, word }),
            1 => run.prop_map(|run| Command::Cancel { run }),
            1 => (1..40_u64).prop_map(|seconds| Command::Step { seconds }),
        ]
        .boxed()
    }

    fn apply(state: u32, _: &Command) -> u32 {
        state + 1
    }
}

fn failure() -> impl Strategy<Value = Failure> {
    prop_oneof![
        Just(Failure::Soon),
        Just(Failure::Later),
        Just(Failure::TooLong),
        Just(Failure::ForGood)
    ]
}

/// A store under test, and the clock of those who use it.
pub(super) struct Bench {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<ManualClock>,
    /// What has to live as long as the store.
    kept: Kept,
}

/// What a store's data is in.
enum Kept {
    Memory,
    Folder(#[expect(dead_code, reason = "dropped with the store")] tempfile::TempDir),
    Database(database::TestDatabase),
}

impl Bench {
    /// Time passes. PostgreSQL's own clock decides there, so its times are moved back instead.
    pub(super) async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        if let Kept::Database(database) = &self.kept {
            database.move_back(by).await;
        }
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_micros(
        1_767_225_600_000_000,
    )))
}

#[async_trait]
trait Backend {
    async fn open() -> Bench;
}

struct Memory;

#[async_trait]
impl Backend for Memory {
    async fn open() -> Bench {
        let clock = clock();
        let store = Arc::new(MemoryStore::new(clock.clone()));
        Bench {
            store,
            clock,
            kept: Kept::Memory,
        }
    }
}

struct Sqlite;

#[async_trait]
impl Backend for Sqlite {
    async fn open() -> Bench {
        let clock = clock();
        let folder = tempfile::tempdir().expect("a folder for the database");
        let time: Arc<dyn Clock> = clock.clone();
        let store = runloom_store_sql::open_sqlite(folder.path(), time).expect("a database");
        Bench {
            store,
            clock,
            kept: Kept::Folder(folder),
        }
    }
}

struct Postgres;

#[async_trait]
impl Backend for Postgres {
    async fn open() -> Bench {
        let database = database::TestDatabase::create().await;
        let store = runloom_store_sql::open_postgres(database.url())
            .await
            .expect("a database");
        Bench {
            store,
            clock: clock(),
            kept: Kept::Database(database),
        }
    }
}

struct Runs<B>(std::marker::PhantomData<B>);

struct Sut {
    runtime: tokio::runtime::Runtime,
    world: World,
}

impl<B: Backend> StateMachineTest for Runs<B> {
    type SystemUnderTest = Sut;
    type Reference = Commands;

    fn init_test(_: &u32) -> Sut {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let world = runtime.block_on(async { World::new(B::open().await).await });
        Sut { runtime, world }
    }

    fn apply(mut sut: Sut, _: &u32, command: Command) -> Sut {
        sut.runtime.block_on(sut.world.apply(command));
        sut
    }

    fn check_invariants(sut: &Sut, _: &u32) {
        sut.runtime.block_on(check::all(&sut.world));
    }

    fn teardown(mut sut: Sut, _: u32) {
        // Whatever has happened, every run can be brought to its end.
        sut.runtime.block_on(sut.world.finish());
        sut.runtime.block_on(check::all_ended(&sut.world));
        sut.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    }
}

prop_state_machine! {
    #![proptest_config(config(64))]
    #[test]
    fn lives_of_runs_in_memory(sequential 1..60 => Runs<Memory>);
}

prop_state_machine! {
    #![proptest_config(config(12))]
    #[test]
    fn lives_of_runs_on_sqlite(sequential 1..60 => Runs<Sqlite>);
}

prop_state_machine! {
    #![proptest_config(config(6))]
    #[test]
    fn lives_of_runs_on_postgres(sequential 1..60 => Runs<Postgres>);
}
