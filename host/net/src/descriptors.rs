//! The process's limit of file descriptors: clients do not get the last ones, so that the admin socket, the database
//! and files go on working whatever clients do.

use rustix::process::{Resource, getrlimit};
use waxwing_config::Limits;

/// How many client connections may be open at the same time: as many as the settings allow and as the process has
/// descriptors for beyond the reserve.
pub fn most_connections(limits: &Limits) -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.map_or(usize::MAX, to_usize);
    most(to_usize(limits.connections.into()), to_usize(limits.reserved_descriptors.into()), descriptors)
}

/// A process with few descriptors serves some clients, too: the reserve is at most half of them. 0 connections are
/// no limit.
fn most(connections: usize, reserve: usize, descriptors: usize) -> usize {
    let possible = descriptors - reserve.min(descriptors / 2);
    if connections == 0 { possible } else { connections.min(possible) }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_not_for_clients() {
        assert_eq!(most(0, 100, 1024), 924);
        assert_eq!(most(500, 100, 1024), 500);
        assert_eq!(most(5000, 100, 1024), 924);
        assert_eq!(most(0, 100, 50), 25);
        assert_eq!(most(7, 100, usize::MAX), 7);
        assert_eq!(most(0, 0, 1024), 1024);
    }
}
