//! An HTTP server of our own that stands in for somebody else's.

use actix_web::dev::ServerHandle;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use anyhow::{Context, Result};
use std::time::Duration;

/// The server; it stops when it is dropped.
pub(crate) struct Mock {
    /// Of 127.0.0.1.
    pub(crate) port: u16,
    server: ServerHandle,
}

impl Mock {
    /// Starts it on a thread of its own, so that it keeps its pace whatever the task does.
    pub(crate) fn start(
        services: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Result<Self> {
        let (started, waits) = std::sync::mpsc::channel();
        std::thread::Builder::new()
            .name("mock".to_owned())
            .spawn(move || {
                actix_web::rt::System::new().block_on(async move {
                    let server = HttpServer::new(move || App::new().configure(services.clone()))
                        .workers(1)
                        // The library's five seconds would end connections under clients that are
                        // about to use them.
                        .keep_alive(Duration::from_secs(75))
                        .disable_signals()
                        .shutdown_timeout(0)
                        .bind(("127.0.0.1", 0));
                    let Ok(server) = server else { return };
                    let port = server.addrs().first().map_or(0, std::net::SocketAddr::port);
                    let server = server.run();
                    // Nobody waits any more when the task has given up.
                    let _ = started.send((port, server.handle()));
                    let _ = server.await;
                });
            })
            .context("can't start a thread")?;
        let (port, server) = waits.recv().context("can't open a port")?;
        Ok(Self { port, server })
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        // Its thread ends by itself; nothing has to wait for it.
        drop(self.server.stop(false));
    }
}
