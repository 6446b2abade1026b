//! The text of an invitation's token: `rli_`, the organisation as 22 characters of base64url, `_`,
//! and 43 more with 256 random bits. It says where it leads, so that only that organisation's
//! invitations have to be looked at.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use runloom_domain::{OrgId, Timestamp};
use runloom_store::PresentedInvitation;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Secret, random};

const PREFIX: &str = "rli_";
/// Characters of the organisation's id.
const ORG: usize = 22;

/// A new token for an organisation, and what is stored of it.
pub(super) fn mint(org: OrgId) -> (Secret, [u8; 32]) {
    let id = URL_SAFE_NO_PAD.encode(org.as_uuid().as_bytes());
    let text = format!("{PREFIX}{id}_{}", random::base64url_256());
    let hash = Sha256::digest(&text).into();
    (text.into(), hash)
}

/// What the store is asked for. A text that is no token asks for an invitation to nowhere: it
/// takes the same way as a token that isn't good any more.
pub(super) fn presented(text: &str, at: Timestamp) -> PresentedInvitation {
    PresentedInvitation {
        org_id: org(text).unwrap_or(OrgId::from_uuid(Uuid::nil())),
        token_hash: Sha256::digest(text).into(),
        at,
    }
}

fn org(text: &str) -> Option<OrgId> {
    let id = text.strip_prefix(PREFIX)?.get(..ORG)?;
    let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
    Some(OrgId::from_uuid(Uuid::from_slice(&bytes).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_where_it_leads() {
        let now = Timestamp::from_micros(1);
        let org = OrgId::generate(now);
        let (token, hash) = mint(org);
        assert_eq!(token.expose().len(), 70);
        let found = presented(token.expose(), now);
        assert_eq!((found.org_id, found.token_hash), (org, hash));
        for bad in [
            "",
            "rli_",
            "rli_é",
            "rl_x",
            &token.expose()[..20],
            &"é".repeat(40),
        ] {
            assert_eq!(presented(bad, now).org_id.as_uuid(), Uuid::nil(), "{bad:?}");
        }
    }
}
