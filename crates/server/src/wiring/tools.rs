use std::sync::Arc;

use runloom_domain::Clock;
use runloom_engine::port::tool::ToolBox;

use crate::config::Config;

/// The built-in tools; in a build for tests also those that only tests have, with their ledger
/// in the data folder.
pub(crate) fn tools(config: &Config, clock: Arc<dyn Clock>) -> ToolBox {
    let tools = runloom_tools::builtin(clock);
    #[cfg(feature = "testing")]
    let tools = runloom_tools::testing::with_test_tools(tools, config.data.dir.join("effects"));
    #[cfg(not(feature = "testing"))]
    let _ = config;
    tools
}
