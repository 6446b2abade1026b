use std::net::IpAddr;

use ipnet::IpNet;

use super::Refused;
use super::address::{Kind, kind};

/// Which addresses may be reached: those of the internet, and the ranges that an operator
/// allows besides. The default allows none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    allowed: Vec<IpNet>,
}

impl Policy {
    /// Allows these ranges besides. An allowed IPv4 range may also be reached by the IPv6
    /// addresses that embed it, except those of a network's own translation
    /// (`64:ff9b:1::/48`), which are allowed by themselves.
    pub const fn allowing(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether an address may be reached.
    pub fn check(&self, address: IpAddr) -> Result<(), Refused> {
        if self.allowed.iter().any(|range| range.contains(&address)) {
            return Ok(());
        }
        match kind(address) {
            Kind::Public => Ok(()),
            Kind::Special(what) => Err(Refused::Address { address, what }),
            Kind::Embedding(embedded) => embedded
                .into_iter()
                .try_for_each(|address| self.check(address.into())),
        }
    }
}

#[cfg(test)]
mod tests;
