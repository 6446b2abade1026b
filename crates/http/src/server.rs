use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, Error, HttpServer};

use crate::state::HttpState;
use crate::{middleware, routes};

/// How long an idle connection is kept: longer than the minute that proxies usually keep
/// theirs, so that it is not us who closes one that is about to be used.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the rest of a refused body is read, so that its sender can see the answer.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Adds every route and the handler of unknown paths. The application must hold the
/// [`HttpState`] as [`Data`] and wrap these routes as [`server`] does, or failures have no
/// body.
pub fn configure(cfg: &mut ServiceConfig) {
    routes::routes(cfg);
}

/// The whole application.
///
/// Of middleware the last `wrap` runs first: a request passes `observe`, which gives it its
/// trace id and survives panics, then `envelope`, then its handler; the answer passes them the
/// other way round, so that `observe` logs what the client really gets. There is no
/// compression: it would hold back events.
pub(crate) fn app(
    state: HttpState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(Data::new(state))
        .configure(configure)
        .wrap(from_fn(middleware::envelope))
        .wrap(from_fn(middleware::observe))
}

/// Starts serving on a listener made by [`listen`](crate::listen()); `await` the server to run
/// it. It handles no signals: stop it by its handle after cancelling the state's drain token.
pub fn server(listener: TcpListener, state: HttpState) -> io::Result<Server> {
    let settings = state.settings().clone();
    let server = HttpServer::new(move || app(state.clone()))
        .workers(settings.workers)
        .max_connections(settings.max_connections)
        // Half-closed clients are gone ones: only so is a client that leaves an idle event
        // stream noticed at once.
        .h1_allow_half_closed(false)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(settings.head_timeout)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(server)
}
