//! Records of the audit log about what is done in an organisation that stays.

use runloom_domain::{OrgId, OrgRole, Timestamp, UserId};
use runloom_store::{AuditRecord, By, Entry, entries};

use super::RightsError;
use super::session::{self, Session};
use crate::copy::image::{Image, Kind};

const RECORD: &str = "INSERT INTO audit_records (org_id, record_id, created_at, actor, action,
    subject_kind, subject_id, details) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const PENDING: &str = "INSERT INTO audit_pending (org_id, record_id) VALUES ($1, $2)";
const ROLES: &str = "SELECT org_id, role FROM memberships WHERE user_id = $1 ORDER BY org_id";
const ROLE: &str = "SELECT role FROM memberships WHERE org_id = $1 AND user_id = $2";

/// Says in each organisation of somebody that they are no member any more.
pub(super) async fn removed(
    session: &mut Session,
    user: UserId,
    now: Timestamp,
) -> Result<(), RightsError> {
    let by = By::operator(now);
    let asked = [session::id(user.as_uuid())];
    let rows = session.rows(ROLES, &asked, &[Kind::Id, Kind::Text]).await?;
    for row in &rows {
        let org = row.first().and_then(Image::as_id).map(OrgId::from_uuid);
        if let (Some(org), Some(role)) = (org, row.get(1).and_then(role)) {
            write(session, by, entries::member_removed(org, user, role)).await?;
        }
    }
    Ok(())
}

/// The role that somebody has in an organisation, if any.
pub(super) async fn role_of(
    session: &mut Session,
    org: OrgId,
    user: UserId,
) -> Result<Option<OrgRole>, RightsError> {
    let asked = [session::id(org.as_uuid()), session::id(user.as_uuid())];
    let rows = session.rows(ROLE, &asked, &[Kind::Text]).await?;
    Ok(rows.iter().flatten().find_map(role))
}

fn role(image: &Image) -> Option<OrgRole> {
    image.as_text().and_then(|role| role.parse().ok())
}

/// Writes a record of what the transaction does.
pub(super) async fn write(session: &mut Session, by: By, entry: Entry) -> Result<(), RightsError> {
    let record = AuditRecord::new(by, entry);
    let key = [
        session::id(record.org_id.as_uuid()),
        session::id(record.record_id.as_uuid()),
    ];
    let said = [
        record.actor.kind(),
        &record.action,
        &record.subject_kind,
        &record.subject_id,
        &record.details,
    ];
    let at = (Kind::Moment, Image::moment(record.at));
    let mut arguments = key.to_vec();
    arguments.push(at);
    arguments.extend(said.map(session::text));
    session.execute(RECORD, &arguments).await?;
    session.execute(PENDING, &key).await?;
    Ok(())
}
