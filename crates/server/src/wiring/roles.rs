use runloom_store_sql::DatabaseRoles;

use crate::config::Mode;

/// Says at start under which roles the sessions work, and warns of what an operator should know.
pub(crate) fn report(roles: &DatabaseRoles, mode: Mode) {
    let login = roles.login.as_str();
    match &roles.unused {
        None => tracing::info!(
            db.login = login,
            "sessions work as runloom_tenant and runloom_engine"
        ),
        Some(reason) => tracing::warn!(
            db.login = login,
            reason,
            "sessions work as the login role, which may do more than they need; see \
             docs/design/database-roles.md"
        ),
    }
    if roles.is_superuser && mode == Mode::Production {
        tracing::warn!(
            db.login = login,
            "the login role is a superuser of PostgreSQL; give Runloom one of its own that isn't"
        );
    }
}
